// `nightjar queue`: what waits, trying now, throwing away.

internal import Daemon
internal import Directory
private import Glibc
internal import MMTP
internal import Spool
internal import Synchronization
public import WireFormat

/// Which packets a queue command is about.
public struct QueueSelection: Sendable {
    /// Only those for this node: nickname, or at least 8 digits of its id.
    public var destination: String?
    /// Only those made so long ago.
    public var olderThan: Interval?

    public init(destination: String? = nil, olderThan: Interval? = nil) {
        self.destination = destination
        self.olderThan = olderThan
    }
}

extension Client {
    /// Shows what waits.
    public func listQueue(_ selection: QueueSelection = QueueSelection(), network name: String?, json: Bool)
        async throws
    {
        let network = try anyNetwork(name)
        if RunLock.isHeld(places, network: network.name) { return try listServedQueue(network.name, json: json) }
        var lines: [QueueLine] = []
        if try hasQueue(network) {
            let queue = try await openQueue(network)
            defer { queue.close() }
            lines = QueueReport(network: network).lines(try select(selection, of: queue.waiting, network))
        }
        if json {
            try terminal.print(JSONText.encode(lines))
            return
        }
        guard !lines.isEmpty else {
            try terminal.print("no packets wait")
            return
        }
        var table = TextTable(["NODE", "PACKETS", "OLDEST DEADLINE"])
        for line in lines { table.add([line.node, String(line.packets), line.oldestDeadline]) }
        for line in table.lines { try terminal.print(line) }
    }

    /// Tries to hand over what waits.
    /// - Throws: `CommandFailure` of code `temporary` if something is left.
    public func flushQueue(
        _ selection: QueueSelection = QueueSelection(), network name: String?, timeout: Interval?, json: Bool
    ) async throws {
        struct Result: Encodable {
            var packets = 0
            var handedOver = 0
            var waiting = 0
        }
        let network = try network(name)
        var result = Result()
        var delivery = DeliveryReport()
        if try hasQueue(network) {
            let queue = try await openQueue(network)
            defer { queue.close() }
            let chosen = try select(selection, of: queue.waiting, network)
            delivery = try await deliver(chosen, awaiting: chosen, from: queue, network: network, timeout: timeout)
            result.packets = chosen.count
            result.handedOver = delivery.handedOver
            result.waiting = queue.stillWaiting(chosen.map(\.id))
        }
        if json { try terminal.print(JSONText.encode(result)) }
        for line in QueueReport.losses(delivery.dropped) { terminal.message(line) }
        if result.waiting > 0 {
            let hints = QueueReport.hints(delivery.failures).map { "\n\($0)" }.joined()
            throw CommandFailure(
                "\(Count.waiting(result.waiting, of: result.packets, still: true)) because "
                    + "\(QueueReport(network: network).reasons(delivery.left)); try again later" + hints,
                code: .temporary)
        }
        note(result.packets == 0 ? "no packets wait" : "\(Count.text(result.handedOver, "packet")) handed over")
    }

    /// Throws away what waits.
    /// - Parameter isConfirmed: does not ask.
    public func cleanQueue(
        _ selection: QueueSelection = QueueSelection(), network name: String?, isConfirmed: Bool, json: Bool
    ) async throws {
        struct Result: Encodable { var removed = 0 }
        let network = try anyNetwork(name)
        var result = Result()
        if try hasQueue(network) {
            let queue = try await openQueue(network)
            defer { queue.close() }
            let chosen = try select(selection, of: queue.waiting, network)
            if !chosen.isEmpty {
                if !isConfirmed {
                    try confirm(
                        "remove \(Count.text(chosen.count, "packet")) for good, so that their mails never arrive?")
                }
                guard queue.remove(chosen.map(\.id)) else {
                    throw CommandFailure("the queue could not be changed; see if the disk is full")
                }
                result.removed = chosen.count
            }
        }
        if json {
            try terminal.print(JSONText.encode(result))
        } else {
            note(result.removed == 0 ? "no packets wait" : "\(Count.text(result.removed, "packet")) removed")
        }
    }

    private func confirm(_ question: String) throws(CommandFailure) {
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure("this cannot be undone; say --yes if you mean it", code: .usage)
        }
        terminal.message("\(question) [y/N]")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("nothing was removed", code: .failed)
        }
    }

    /// The packets that a selection means.
    func select(
        _ selection: QueueSelection, of packets: [WaitingPacket], _ network: Network
    ) throws -> [WaitingPacket] {
        var destination: NodeID?
        if let name = selection.destination {
            // A node that left the network can still be named by the id that `queue list` shows.
            let known = Set(packets.map(\.destination)).filter {
                name.utf8.count >= 8 && $0.hex.hasPrefix(name.lowercased())
            }
            destination = network.node(named: name)?.id ?? (known.count == 1 ? known.first : nil)
            guard destination != nil else { throw PathError.unknownNode(Printable.text(name)) }
        }
        let latest = selection.olderThan.map { time.clock.now() - $0 }
        return packets.filter { packet in
            (destination.map { $0 == packet.destination } ?? true) && (latest.map { packet.release <= $0 } ?? true)
        }
    }

    /// Opens the network's queue and tells what was found.
    func openQueue(_ network: Network) async throws -> OutgoingQueue {
        var queue = try await OutgoingQueue.open(
            places, network: network.name, limit: config.queueLimit, now: time.clock.now(),
            patience: OutgoingQueue.patience,
            terminal: terminal)
        if let damage = QueueReport.damage(queue.damage) { terminal.message(damage) }
        if queue.expired > 0 {
            terminal.message(
                "\(Count.text(queue.expired, "packet")) had waited past their deadline and were given up; send those mails again"
            )
        }
        let age = QueueAge(
            queue.waiting, warnAfter: config.warnAfter, deleteAfter: config.deleteAfter, now: time.clock.now())
        queue.giveUp(age.givenUp)
        for line in age.lines { terminal.message(line) }
        if ClientPlaces.isThere(places.records) {
            // Answers of a command that was killed, or that left them to `nightjar run`.
            let records = try records()
            defer { records.close() }
            let answers = PendingReplies(records)
            let late = try answers.giveUp(network: network.name, now: time.clock.now())
            if late > 0 { terminal.message(PendingReplies.loss(late)) }
            queue.adopt(try answers.move(to: queue, network: network.name, now: time.clock.now()))
            let turn = SendTurn(client: self, network: network, log: sentLog(records), receipts: nil)
            queue.adopt(try turn.catchUp(at: time.clock.now(), queue: queue))
        }
        return queue
    }

    /// Hands `packets` over.
    /// - Parameter awaited: those for which a busy node is waited for.
    func deliver(
        _ packets: [WaitingPacket], awaiting awaited: [WaitingPacket], from queue: OutgoingQueue, network: Network,
        timeout: Interval?
    ) async throws -> DeliveryReport {
        let addresses = Dictionary(
            network.nodes.map { node in
                (node.id, node.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) })
            }, uniquingKeysWith: { first, _ in first })
        var delivery = Delivery(
            addresses: { addresses[$0] ?? [] }, clock: time.clock.forForwarder, realTime: ScaledClock.systemTime,
            timeScale: time.clock.scale, connectTimeout: config.connectTimeout, timeout: timeout ?? config.timeout,
            awaited: Set(awaited.map(\.destination)))
        let progress = Mutex(ProgressLine(terminal))
        delivery.progress = { done, left in progress.withLock { $0.show { "handing over: \(done) of \(done + left)" } }
        }
        let report = try await delivery.run(packets, from: queue.spool)
        terminal.clearProgress()
        return report
    }
}
