// `nightjar sent`: how the messages stand that were sent.

internal import Daemon
internal import Directory
internal import Messages
internal import Spool
public import WireFormat

/// What `nightjar sent` is asked for.
public struct SentRequest: Sendable {
    /// Ids, or the beginnings of ids; none: all messages.
    public var ids: [String] = []
    /// Forgets the messages instead of showing them.
    public var forgets = false
    /// Only those that were made so long ago.
    public var olderThan: Interval?
    /// First does what is due for messages that are sent until they have arrived.
    public var updates = false
    /// Only messages of this network; without it of all.
    public var network: String?
    /// How long an update tries to hand packets over (real time).
    public var timeout: Interval?
    public var json = false
    /// Where the keyring's passphrase is read from.
    public var passphrase = PassphraseSource.terminal

    public init() {}
}

extension Client {
    /// Shows, updates or forgets messages that were sent.
    public func sent(_ request: SentRequest) async throws {
        guard ClientPlaces.isThere(places.records) else {
            guard request.ids.isEmpty else { throw SentError.unknown(request.ids[0]) }
            return try request.json
                ? terminal.print(JSONText.encode([SentEntry]())) : terminal.print("nothing was sent")
        }
        let records = try records()
        defer { records.close() }
        let log = sentLog(records)
        try log.expire(at: time.clock.now())
        var failure: (any Error)?
        if request.updates { failure = try await updateSent(request, log) } else { try await noteDepartures(log) }
        let messages = try select(request, log)
        if request.forgets {
            try forget(messages, request, log)
        } else {
            try show(messages, request)
        }
        if let failure { throw failure }
    }

    private func select(_ request: SentRequest, _ log: SentLog) throws -> [SentMessage] {
        var messages = try log.messages()
        if let network = request.network { messages.removeAll { $0.network != network } }
        if let age = request.olderThan {
            let latest = time.clock.now() - age
            messages.removeAll { $0.made > latest }
        }
        guard !request.ids.isEmpty else { return messages }
        return try request.ids.map { text in
            let found = messages.filter { $0.id.hex.hasPrefix(text.lowercased()) }
            guard let message = found.first, !text.isEmpty else { throw SentError.unknown(text) }
            guard found.count == 1 else { throw SentError.ambiguous(text) }
            return message
        }
    }

    private func show(_ messages: [SentMessage], _ request: SentRequest) throws {
        let now = time.clock.now()
        let networks = Dictionary(
            Set(messages.map(\.network)).compactMap { name in (try? anyNetwork(name)).map { (name, $0) } },
            uniquingKeysWith: { first, _ in first })
        let entries = messages.map { message in
            let name = networks[message.network].map { QueueReport(network: $0).name(message.exit) }
            return SentEntry(message, exitName: name ?? "node \(message.exit.hex.prefix(8))", now: now)
        }
        if request.json { return try terminal.print(JSONText.encode(entries)) }
        guard !entries.isEmpty else { return try terminal.print("nothing was sent") }
        if !request.ids.isEmpty {
            for (number, entry) in entries.enumerated() {
                if number > 0 { try terminal.print("") }
                for line in entry.lines { try terminal.print(Printable.line(line)) }
            }
            return
        }
        var table = TextTable(["ID", "MADE", "PACKETS", "TO", "STATUS"])
        for entry in entries {
            let to = entry.recipients.first.map { Printable.text($0.address) } ?? "-"
            let more = entry.recipients.count > 1 ? " and \(entry.recipients.count - 1) more" : ""
            table.add([
                String(entry.id.prefix(8)), entry.made, "\(entry.handedOver)/\(entry.packets)", to + more,
                entry.summary,
            ])
        }
        for line in table.lines { try terminal.print(line) }
    }

    private func forget(_ messages: [SentMessage], _ request: SentRequest, _ log: SentLog) throws {
        guard !request.ids.isEmpty || request.olderThan != nil else {
            throw CommandFailure(
                "say which: --forget with ids, or with --older-than 0s for all of them", code: .usage)
        }
        let now = time.clock.now()
        if let busy = messages.first(where: { $0.stage == .recorded && $0.deadline > now }) {
            throw CommandFailure(
                "the packets of \(busy.id.hex.prefix(8)) are not made yet; wait until they are, then forget it",
                code: .temporary)
        }
        let outbox = try Outbox(places)
        let gone = try log.forget(messages.map(\.id))
        for file in gone.compactMap(\.file) { outbox.remove(file) }
        struct Result: Encodable { var forgotten: Int }
        if request.json { return try terminal.print(JSONText.encode(Result(forgotten: gone.count))) }
        note("\(Count.text(gone.count, "message")) forgotten")
    }

    /// Looks which packets have left the queue, if nobody is using it.
    private func noteDepartures(_ log: SentLog) async throws {
        for name in Set(try log.messages().filter { !$0.waiting.isEmpty }.map(\.network)) {
            guard !RunLock.isHeld(places, network: name), let network = try? anyNetwork(name) else { continue }
            let now = time.clock.now()
            let queue = try? await OutgoingQueue.open(
                places, network: name, limit: config.queueLimit, now: now, patience: .zero,
                terminal: Terminal(output: -1, errors: -1))
            guard let queue else { continue }
            defer { queue.close() }
            _ = try SendTurn(client: self, network: network, log: log, receipts: nil).catchUp(at: now, queue: queue)
        }
    }

    /// Does what is due, in every network that messages are under way in and that `nightjar run` does not serve.
    /// - Returns: the first thing that went wrong with a message; all have had their turn.
    private func updateSent(_ request: SentRequest, _ log: SentLog) async throws -> (any Error)? {
        var failure: (any Error)?
        let names = Set(try log.messages().filter { $0.stage != .settled }.map(\.network))
        let keyring = KeyringAccess(self, request.passphrase)
        for name in names.sorted() where request.network == nil || request.network == name {
            guard !RunLock.isHeld(places, network: name) else {
                note("`nightjar run` serves the network \(name) and does this by itself")
                continue
            }
            let network = try network(name)
            let queue = try await openQueue(network)
            defer { queue.close() }
            let turn = try await takeSendTurn(
                network: network, queue: queue, log: log, keyring: { try keyring.open() }, timeout: request.timeout)
            if turn.made > 0 {
                note("\(Count.text(turn.made, "packet")) more made for messages that have not arrived yet")
            }
            failure = failure ?? turn.failure
        }
        return failure
    }
}

/// Why a message is not found, in words for people.
enum SentError: Error, Equatable, Sendable, CustomStringConvertible, ExitCodeProviding {
    case unknown(String)
    case ambiguous(String)

    var description: String {
        switch self {
        case .unknown(let text):
            "no message \(Printable.text(text)) is remembered; see `nightjar sent`, where each has its id"
        case .ambiguous(let text): "several messages begin with \(Printable.text(text)); give more digits"
        }
    }

    var exitCode: ExitCode { .usage }
}
