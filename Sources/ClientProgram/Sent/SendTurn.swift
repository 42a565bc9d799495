// What has to be done for the messages in the log: packets of those that were only recorded, and more packets of those that
// are sent until they have arrived. Driven by `nightjar run`, and by the commands when it does not run.

internal import Daemon
internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

/// The work on one network's messages. Whoever has the network's queue has the right to it, so that nobody else is at it.
struct SendTurn {
    let client: Client
    let network: Network
    let log: SentLog
    /// Nil without a mailbox; then no questions can be asked.
    let receipts: ReceiptBlocks?

    init(client: Client, network: Network, log: SentLog, receipts: ReceiptBlocks?) {
        self.client = client
        self.network = network
        self.log = log
        self.receipts = receipts
    }

    /// When there will be something to do; nil if nothing is under way. Messages that others add come on top.
    func nextTurn(after now: Timestamp) throws -> Timestamp? {
        var next: Timestamp?
        for message in try messages() where message.stage != .settled {
            var time = message.deadline
            if message.stage == .recorded {
                time = now
            } else if message.isReliable, let plan = try log.plan(message.id) {
                time = plan.next(after: now, timing: try timing(message))
            }
            next = min(next ?? time, time)
        }
        return next.map { max($0, now) }
    }

    /// Does what is due.
    /// - Parameters:
    ///   - unreachable: first nodes that could not be reached. Packets for them are replaced by others.
    ///   - removesReplaced: takes those out of the queue. Not for whoever has them in memory, too.
    /// - Returns: new packets, which are in the queue; and the first thing that went wrong with a message: `PathError`,
    ///   `SendError.diskFull`, `SpoolError`, `MessageError`. All messages have had their turn.
    /// - Throws: if the log cannot be read; then nothing was done.
    func turn(
        at now: Timestamp, queue: OutgoingQueue, unreachable: Set<NodeID> = [], removesReplaced: Bool = false
    ) throws -> (made: [WaitingPacket], failure: (any Error)?) {
        var made: [WaitingPacket] = []
        let outbox = try Outbox(client.places)
        var failure: (any Error)?
        for message in try messages() {
            do {
                made += try turn(message, at: now, outbox, queue, unreachable, removesReplaced: removesReplaced)
            } catch {
                // One message that cannot be read, or a full disk, keeps no other from its turn.
                failure = failure ?? error
            }
        }
        return (made, failure)
    }

    private func turn(
        _ message: SentMessage, at now: Timestamp, _ outbox: Outbox, _ queue: OutgoingQueue,
        _ unreachable: Set<NodeID>, removesReplaced: Bool
    ) throws -> [WaitingPacket] {
        if message.stage == .settled || message.deadline <= now {
            try settle(message, outbox, queue)
            return []
        }
        if message.stage == .recorded { return try makeAll(message, at: now, outbox, queue) }
        guard message.isReliable else {
            if !message.waiting.isEmpty { try noteDepartures(message.id, at: now, queue) }
            return []
        }
        let made = try step(message, at: now, outbox, queue, unreachable)
        if removesReplaced, let plan = try log.plan(message.id), !plan.replaced.isEmpty {
            queue.remove(plan.replaced.map(\.row))
        }
        return made
    }

    /// What a command does that was not asked for more: makes the packets of messages whose command was killed or left them
    /// to `nightjar run`, and notes which packets have left since.
    func catchUp(at now: Timestamp, queue: OutgoingQueue) throws -> [WaitingPacket] {
        var made: [WaitingPacket] = []
        for message in try messages() {
            if message.stage == .recorded, now < message.deadline {
                // What goes wrong with one of them is told by `sent --update`, and by `nightjar run`.
                made += (try? makeAll(message, at: now, Outbox(client.places), queue)) ?? []
            } else if message.waiting.contains(where: { !queue.waits($0) }) {
                try noteDepartures(message.id, at: now, queue)
            }
        }
        return made
    }

    /// What fails is tried again until the deadline: the network may have a path later, and the queue room.
    private func makeAll(
        _ message: SentMessage, at now: Timestamp, _ outbox: Outbox, _ queue: OutgoingQueue
    ) throws -> [WaitingPacket] {
        guard message.firstPackets <= queue.room else { return [] }
        return try PacketMaking(self, outbox: outbox, queue: queue).makeAll(message, at: now)
    }

    func messages() throws -> [SentMessage] { try log.messages().filter { $0.network == network.name } }

    private func timing(_ message: SentMessage) throws -> RetransmissionTiming {
        RetransmissionTiming(
            network.parameters, isUrgent: message.journey.isUrgent,
            measured: try log.evidence(network.name).roundTrip)
    }

    /// Erases what is not needed any more.
    private func settle(_ message: SentMessage, _ outbox: Outbox, _ queue: OutgoingQueue) throws {
        guard message.stage != .settled || message.file != nil || !message.waiting.isEmpty else { return }
        _ = try log.update(message.id) { message, plan, _ in
            message.stage = .settled
            message.file = nil
            message.waiting.removeAll { !queue.waits($0) }
            plan = nil
        }
        if let file = message.file { outbox.remove(file) }
    }

    private func noteDepartures(_ id: MessageID, at now: Timestamp, _ queue: OutgoingQueue) throws {
        _ = try log.update(id) { message, plan, _ in
            plan?.settle(at: now, isWaiting: queue.waits)
            message.waiting.removeAll { !queue.waits($0) }
        }
    }

    /// One look at a reliable message.
    private func step(
        _ message: SentMessage, at now: Timestamp, _ outbox: Outbox, _ queue: OutgoingQueue,
        _ unreachable: Set<NodeID>
    ) throws -> [WaitingPacket] {
        guard let file = message.file else { return [] }
        let surroundings = RetransmissionPlan.Surroundings(
            nodes: PathSelector(network: network, at: now).usableNodes.map(\.id),
            hops: Int(network.parameters.hops),
            mailbox: receipts.flatMap { network.node(named: $0.target.address.host)?.id },
            timing: try timing(message), unreachable: unreachable)
        var generator = SystemRandomNumberGenerator()
        let decided: [RetransmissionPlan.Step]? =
            try log.update(message.id) { message, plan, evidence in
                evidence.forget(at: now)
                plan?.settle(at: now, isWaiting: queue.waits)
                let steps = plan?.decide(at: now, in: surroundings, evidence: &evidence, using: &generator) ?? []
                message.waiting = plan?.waiting ?? []
                return steps
            }
        let steps = decided ?? []
        guard !steps.isEmpty else { return [] }
        if steps.contains(.otherExit) {
            try changeExit(message)
            return []
        }
        return try PacketMaking(self, outbox: outbox, queue: queue).make(steps, of: message, file: file, at: now)
    }

    /// Begins again at another exit. Should the first one be alive after all, the message arrives twice.
    private func changeExit(_ message: SentMessage) throws {
        var generator = SystemRandomNumberGenerator()
        let planner = PacketPlanner(
            network: network, options: try client.options(message.journey, in: network), now: client.time.clock.now())
        var demands = planner.demands([(Capability.Name.smtp, "mail addresses (smtp:)")])
        demands.blocked.insert(message.exit)
        demands.blockedExits.insert(message.exit)
        let other = try? planner.path(demands, using: &generator).last?.id
        let name = MessageID.random(using: &generator)
        _ = try log.update(message.id) { message, plan, _ in
            guard let other else {
                // There is no other: this one goes on being asked.
                plan?.mayChangeExit = false
                return
            }
            message.earlierIDs.append(message.wireID)
            message.wireID = name
            message.exit = other
            message.stage = .recorded
            plan = nil
        }
    }
}

extension Client {
    /// How the packets of a message travel, from its record and the settings of now.
    func options(_ journey: SentMessage.Journey, in network: Network) throws(PathError) -> SendOptions {
        var options = options(in: network)
        options.path = try PathSpecification(journey.path)
        options.copies = journey.copies
        options.isUrgent = journey.isUrgent
        return options
    }
}
