// Packets of a message, into the queue. What is to be made is in the log before the first packet is stored: whoever is killed
// in between has made some packets twice, which the exit puts right, and never two messages.

internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

/// Makes packets for the log's messages.
struct PacketMaking {
    private let turn: SendTurn
    private let outbox: Outbox
    private let queue: OutgoingQueue
    private var network: Network { turn.network }

    init(_ turn: SendTurn, outbox: Outbox, queue: OutgoingQueue) {
        self.turn = turn
        self.outbox = outbox
        self.queue = queue
    }

    /// A packet, and what it is for.
    private enum Made {
        case part(RetransmissionPlan.Shipment)
        case question(RetransmissionPlan.Question)
    }

    /// Packets that are stored together, and what they are for.
    private struct Batch {
        let queue: OutgoingQueue
        var stored: [WaitingPacket] = []
        var made: [Made] = []
        private var pending: [(packet: OutgoingPacket, made: Made)] = []

        init(queue: OutgoingQueue) { self.queue = queue }

        mutating func add(_ packet: OutgoingPacket, _ what: Made) throws {
            pending.append((packet, what))
            if pending.count == OutgoingQueue.batch { try flush() }
        }

        mutating func flush() throws {
            guard !pending.isEmpty else { return }
            let rows = try queue.store(pending.map(\.packet))
            for (row, entry) in zip(rows, pending) {
                switch entry.made {
                case .part(var shipment):
                    shipment.row = QueuedRow(row)
                    made.append(.part(shipment))
                case .question(var question):
                    question.row = QueuedRow(row)
                    made.append(.question(question))
                }
            }
            stored += rows
            pending.removeAll(keepingCapacity: true)
        }
    }

    /// All packets of a message that was recorded.
    /// - Parameter progress: told the number of packets made so far.
    /// - Throws: `PathError`, `SendError.diskFull`, `SpoolError`; then none of the packets is in the queue, also if it is the
    ///   log that fails.
    func makeAll(
        _ message: SentMessage, at now: Timestamp,
        progress: (Int) -> Void = { _ in }
    ) throws -> [WaitingPacket] {
        guard let file = message.file else { return [] }
        let source = try outbox.open(file, as: message.wireID)
        let planner = try planner(message, now)
        let demands = planner.demands(at: message.exit)
        let copies = source.layout.isSingle ? message.journey.copies : 1
        var generator = SystemRandomNumberGenerator()
        var batch = Batch(queue: queue)
        do {
            for number in (0..<source.layout.groups).shuffled(using: &generator) {
                var group = try source.parts(ofGroup: number)
                if copies > 1 { group = Array(repeating: group, count: copies).flatMap(\.self) }
                group.shuffle(using: &generator)
                while let part = group.popLast() {
                    let nodes = try planner.path(demands, using: &generator)
                    let packet = try planner.packet(.part(part), along: nodes, using: &generator)
                    try batch.add(packet, .part(Self.shipment(part, nodes)))
                    progress(batch.made.count)
                }
            }
            try batch.flush()
            try note(batch, message, source.layout, now)
        } catch {
            queue.remove(batch.stored.map(\.id))
            throw error
        }
        if !message.isReliable { outbox.remove(file) }
        return batch.stored
    }

    /// Notes that the first packets are made.
    private func note(
        _ batch: Batch, _ message: SentMessage, _ layout: PartLayout, _ now: Timestamp
    ) throws {
        let mayChangeExit = message.recipients.allSatisfy { $0.hasPrefix("smtp:") } && message.journey.path == "*"
        _ = try turn.log.update(message.id) { message, plan, _ in
            message.stage = .queued
            message.packets += batch.stored.count
            message.waiting += batch.stored.map(QueuedRow.init)
            guard message.isReliable else {
                message.file = nil
                return
            }
            var fresh = RetransmissionPlan(
                layout: layout, exit: message.exit, began: now, deadline: message.deadline,
                mayChangeExit: mayChangeExit, receipt: message.receiptBlock)
            for case .part(let shipment) in batch.made { fresh.add(shipment) }
            plan = fresh
        }
    }

    /// Packets for the steps of a plan.
    func make(
        _ steps: [RetransmissionPlan.Step], of message: SentMessage, file: SealedFileReference, at now: Timestamp
    ) throws -> [WaitingPacket] {
        let source = try outbox.open(file, as: message.wireID)
        let planner = try planner(message, now)
        let demands = planner.demands(at: message.exit)
        var generator = SystemRandomNumberGenerator()
        var batch = Batch(queue: queue)
        do {
            try make(steps, source, planner, demands, message, now, &batch, &generator)
            try batch.flush()
            try note(batch, of: message)
        } catch {
            queue.remove(batch.stored.map(\.id))
            throw error
        }
        return batch.stored.shuffled(using: &generator)
    }

    /// Notes that more packets are made.
    private func note(_ batch: Batch, of message: SentMessage) throws {
        _ = try turn.log.update(message.id) { message, plan, _ in
            message.packets += batch.stored.count
            for made in batch.made {
                switch made {
                case .part(let shipment): plan?.add(shipment)
                case .question(let question): plan?.add(question)
                }
            }
            message.waiting = plan?.waiting ?? message.waiting
        }
    }

    private func make(
        _ steps: [RetransmissionPlan.Step], _ source: Outbox.Source, _ planner: PacketPlanner, _ demands: PathDemands,
        _ message: SentMessage, _ now: Timestamp, _ batch: inout Batch,
        _ generator: inout SystemRandomNumberGenerator
    ) throws {
        // Group by group, so that each is read once and one is held at a time.
        for number in 0..<source.layout.groups {
            var parts: [Part]?
            for case .part(let group, let index, let avoiding) in steps where group == number {
                let all = try parts ?? source.parts(ofGroup: number)
                parts = all
                guard all.indices.contains(index), batch.stored.count < queue.room else { continue }
                let nodes = try planner.path(demands, avoiding: avoiding, using: &generator)
                let packet = try planner.packet(.part(all[index]), along: nodes, using: &generator)
                try batch.add(packet, .part(Self.shipment(all[index], nodes)))
            }
        }
        for case .question(let avoiding) in steps {
            guard let receipts = turn.receipts else { break }
            let (block, path) = try receipts.make(
                network: network, blocked: turn.client.blocked(in: network), avoiding: avoiding, at: now,
                using: &generator)
            let nodes = try planner.path(demands, avoiding: avoiding, using: &generator)
            let part = try Self.question(about: message.wireID, answer: block, using: &generator)
            let packet = try planner.packet(.part(part), along: nodes, using: &generator)
            let question = RetransmissionPlan.Question(surb: path.surb, forward: nodes.map(\.id), back: path.back)
            try batch.add(packet, .question(question))
        }
    }

    private func planner(_ message: SentMessage, _ now: Timestamp) throws -> PacketPlanner {
        PacketPlanner(network: network, options: try turn.client.options(message.journey, in: network), now: now)
    }

    private static func shipment(_ part: Part, _ nodes: [Descriptor]) -> RetransmissionPlan.Shipment {
        RetransmissionPlan.Shipment(group: part.group.number, index: part.index, path: nodes.map(\.id))
    }

    /// The one part of a question.
    static func question(
        about message: MessageID, answer: [UInt8], using generator: inout some RandomNumberGenerator
    ) throws -> Part {
        let envelope = try Envelope(
            recipients: [Address("drop:")], bodyKind: .statusQuery, receiptBlock: answer)
        let encoded = try MessageEncoder.encode(envelope, body: message.bytes)
        let parts = try MessageEncoder.parts(of: encoded, using: &generator).parts(ofGroup: 0)
        guard let part = parts.first, parts.count == 1 else { throw MessageError.malformedRecord }
        return part
    }
}

extension PacketPlanner {
    /// A path that leaves out certain nodes, if there is one.
    func path(
        _ demands: PathDemands, avoiding: Set<NodeID> = [], using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> [Descriptor] {
        guard !avoiding.isEmpty else { return try path(for: errand(demands), using: &generator) }
        var narrower = demands
        narrower.blocked.formUnion(avoiding.filter { $0 != demands.fixedExit })
        do throws(PathError) {
            return try path(for: errand(narrower), using: &generator)
        } catch {
            return try path(for: errand(demands), using: &generator)
        }
    }

    private func errand(_ demands: PathDemands) -> Errand { Errand(recipients: [], demands: demands) }
}
