// From a frame to a durable outcome: workers unwrap packets and hand what is to become of them to the spool's writer;
// answers leave after its commit (doc/LINK.md, acknowledged means durable). Answers say RECEIVED to everything that a
// correct sender could have sent, replays included, so that an answer tells nobody what became of a packet.

internal import Directory
internal import Foundation
internal import MMTP
internal import Messages
internal import MixCrypto
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

/// What the intake tells the rest of the node after a commit.
protocol IntakeOutcomes: Sendable {
    /// Packets to be sent on.
    func accepted(_ packets: [WaitingPacket])
    /// A message has all its parts; it may be delivered from `release` on.
    func completed(_ message: MessageID, release: Timestamp)
    /// A loop of this node's own came back.
    func loopReturned(_ loop: LoopID)
    /// An answer is in a mailbox.
    func replyBoxed()
    /// An answer for an address outside is kept as an item.
    func replyKept(_ item: ItemRowID)
}

final class PacketIntake: PacketReceiver, Sendable {
    /// Packets that a worker takes at a time: enough that hand-overs cost little, few enough that workers share.
    static let batch = 32

    let node: NodeID
    let keys: KeyRing
    let spool: Spool
    let budget: TimeBudget
    private let calendar: KeyPeriodCalendar
    private let takesMessages: Bool
    private let faults: InjectedFaults
    private let nickname: @Sendable (NodeID) -> Nickname?
    private let isKnown: @Sendable (NodeID) -> Bool
    private let knowsNetwork: @Sendable () -> Bool
    private let door: ReplyDoor
    private let messageLimit: Int
    private let partDeadline: Interval
    let clock: @Sendable () -> Timestamp
    let ledger: NodeLedger
    let outcomes: any IntakeOutcomes
    private let queue = IntakeQueue()
    private let group = DispatchGroup()

    /// - Parameters:
    ///   - takesMessages: whether messages may end here; without it parts are dropped.
    ///   - faults: what goes wrong on purpose, for tests.
    ///   - nickname: what the network calls a node, where faults name one.
    ///   - isKnown: whether the network lists a node, so that packets can be sent on to it.
    ///   - knowsNetwork: whether the node has seen a consensus; before that it can hand nothing on, and takes nothing.
    ///   - door: decides about answers.
    init(
        node: NodeID, keys: KeyRing, spool: Spool, budget: TimeBudget, calendar: KeyPeriodCalendar,
        takesMessages: Bool, faults: InjectedFaults = InjectedFaults(),
        nickname: @escaping @Sendable (NodeID) -> Nickname? = { _ in nil },
        isKnown: @escaping @Sendable (NodeID) -> Bool,
        knowsNetwork: @escaping @Sendable () -> Bool = { true }, door: ReplyDoor,
        messageLimit: Int, partDeadline: Interval,
        clock: @escaping @Sendable () -> Timestamp, ledger: NodeLedger,
        outcomes: any IntakeOutcomes
    ) {
        self.node = node
        self.keys = keys
        self.spool = spool
        self.budget = budget
        self.calendar = calendar
        self.takesMessages = takesMessages
        self.faults = faults
        self.nickname = nickname
        self.isKnown = isKnown
        self.knowsNetwork = knowsNetwork
        self.door = door
        self.messageLimit = messageLimit
        self.partDeadline = partDeadline
        self.clock = clock
        self.ledger = ledger
        self.outcomes = outcomes
    }

    /// Starts `workers` threads.
    func start(workers: Int) {
        for index in 0..<workers {
            group.enter()
            let thread = Thread { [self] in
                work()
                group.leave()
            }
            thread.name = "unwrap-\(index)"
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    /// Ends the workers after the packets that they have.
    func stop() {
        queue.close()
        group.wait()
    }

    func receive(_ packets: [InboundPacket]) {
        guard knowsNetwork() else {
            for packet in packets { packet.answer(.rejected(.busy)) }
            return
        }
        if !queue.put(packets) {
            for packet in packets { packet.answer(.rejected(.shuttingDown)) }
        }
    }

    private func work() {
        let unwrapper = Unwrapper(node: node)
        while let packets = queue.take(atMost: Self.batch) {
            process(packets, unwrapper)
        }
    }

    private func process(_ packets: consuming [InboundPacket], _ unwrapper: borrowing Unwrapper) {
        var packets = packets
        let keys = self.keys.current
        let now = clock()
        var answers = AnswerBatch()
        var waiting: [InboundPacket] = []
        var decisions: [Decision] = []
        var operations: [SpoolOperation] = []
        ledger.book { entry in
            // By index: a copy of the packet would share its body, which is then copied before it is unwrapped in place.
            for index in packets.indices {
                let verdict = decide(packets[index].takeBody(), unwrapper, keys: keys, now: now)
                let packet = packets[index]
                switch verdict {
                case .refuse(let reason, let answer):
                    entry.receivedAndDropped(reason)
                    answers.add(packet, answer)
                case .store(let decision, let operation):
                    waiting.append(packet)
                    decisions.append(decision)
                    operations.append(operation)
                }
            }
        }
        answers.send()
        guard !operations.isEmpty else { return }
        do throws(SpoolError) {
            try spool.submit(operations) { [waiting, decisions] results in self.committed(waiting, decisions, results) }
        } catch {
            // The writer is behind or has been closed: the senders keep their packets.
            var refusals = AnswerBatch()
            for packet in waiting { refusals.add(packet, .rejected(error == .closed ? .shuttingDown : .busy)) }
            refusals.send()
        }
    }

    /// What is remembered of a packet between its unwrapping and the commit.
    enum Decision {
        case forward(next: NodeID, release: Timestamp, deadline: Timestamp)
        case part(MessageID, release: Timestamp)
        case loop(LoopID)
        case reply
        case drop(DropReason)
    }

    enum Verdict {
        case refuse(DropReason, Answer)
        case store(Decision, SpoolOperation)
    }

    func decide(
        _ body: consuming [UInt8], _ unwrapper: borrowing Unwrapper, keys: AcceptedKeys, now: Timestamp
    ) -> Verdict {
        let tag: ReplayTag
        let period: KeyPeriod
        let outcome: Outcome
        do throws(UnwrapFailure) {
            let opened = try unwrapper.open(body, keys: keys)
            tag = opened.replayTag
            period = opened.period
            // A database that does not answer is no reason to drop: the commit has the last word on replays.
            let isKnown = (try? spool.isKnown(tag, period: period)) ?? false
            guard !isKnown else { return .refuse(.replay, .received) }
            do throws(UnwrapFailure) {
                outcome = try unwrapper.finish(opened)
            } catch {
                // Authentic but useless: remembered, so that it costs this much only once.
                let reason: DropReason = error == .badTag ? .badTag : .malformed
                return .store(.drop(reason), .acceptNothing(tag: tag, period: period))
            }
        } catch {
            switch error {
            case .unknownPeriod: return .refuse(.unknownPeriod, .rejected(.unknownPeriod))
            case .badMAC: return .refuse(.badMAC, .rejected(.malformed))
            default: return .refuse(.malformed, .rejected(.malformed))
            }
        }
        if faults.loseOne() {
            return .store(.drop(.injected), .acceptNothing(tag: tag, period: period))
        }
        switch outcome {
        case .forward(let next, let delay, let packet):
            return forward(packet, to: next, delay: delay, tag: tag, period: period, now: now)
        case .deliver(let delay, let content):
            return deliver(content, delay: delay, tag: tag, period: period, now: now)
        case .reply(let delay, let info, let payload):
            let release = now + min(.milliseconds(Int64(delay)), budget.delayCap)
            return reply(
                door.decide(info: info, payload: payload, release: release, now: now), tag: tag, period: period)
        }
    }

    private func reply(_ verdict: ReplyDoor.Verdict, tag: ReplayTag, period: KeyPeriod) -> Verdict {
        switch verdict {
        case .mailbox(let mailbox, let block):
            .store(.reply, .acceptMail(tag: tag, period: period, mailbox: mailbox, block: block))
        case .item(let item):
            .store(
                .reply,
                .acceptItem(tag: tag, period: period, kind: item.kind, deadline: item.deadline, body: item.body))
        case .drop(let reason):
            .store(.drop(reason), .acceptNothing(tag: tag, period: period))
        }
    }

    private func forward(
        _ packet: [UInt8], to next: NodeID, delay: UInt32, tag: ReplayTag, period: KeyPeriod, now: Timestamp
    ) -> Verdict {
        // Strangers write this name. For a node that nobody lists the packet would only wait until its deadline, in a queue
        // of its own.
        guard next == node || isKnown(next) else {
            return .store(.drop(.unknownDestination), .acceptNothing(tag: tag, period: period))
        }
        if next != node, faults.breaks(next, named: nickname) {
            return .store(.drop(.injected), .acceptNothing(tag: tag, period: period))
        }
        let start = now + faults.delay
        let release = start + .milliseconds(Int64(delay))
        let nextPeriod = KeyPeriod(UInt16(packet[2]) << 8 | UInt16(packet[3]))
        let deadline = budget.deadline(
            release: start + min(.milliseconds(Int64(delay)), budget.delayCap), period: nextPeriod, calendar: calendar)
        return .store(
            .forward(next: next, release: release, deadline: deadline),
            .acceptPacket(
                tag: tag, period: period, destination: next, release: release, deadline: deadline, body: packet))
    }

    private func deliver(_ content: [UInt8], delay: UInt32, tag: ReplayTag, period: KeyPeriod, now: Timestamp)
        -> Verdict
    {
        let drop: DropReason
        do throws(PayloadError) {
            switch try PayloadContent(decoding: content) {
            case .dummy(let loop):
                return .store(.loop(loop), .acceptNothing(tag: tag, period: period))
            case .part(let part):
                guard takesMessages else {
                    drop = .refusedByExit
                    break
                }
                // Deliveries that came from no message have this name.
                guard part.id != MessageID() else {
                    drop = .badContent
                    break
                }
                guard part.layout.messageLength <= messageLimit else {
                    drop = .partRefused
                    break
                }
                let row = PartRow(
                    message: part.id, group: part.group.number, groups: part.layout.groups, k: part.group.dataShares,
                    n: part.group.totalShares, index: part.index, messageLength: part.layout.messageLength)
                let release = now + min(.milliseconds(Int64(delay)), budget.delayCap)
                return .store(
                    .part(part.id, release: release),
                    .acceptPart(tag: tag, period: period, part: row, deadline: now + partDeadline, share: part.share))
            case .inject(let injection):
                return inject(injection, delay: delay, tag: tag, period: period, now: now)
            case .sealed:
                drop = .badContent
            }
        } catch {
            drop = .badContent
        }
        return .store(.drop(drop), .acceptNothing(tag: tag, period: period))
    }

    /// A crossover node puts the sealed part under the reply block's header and sends it on; it can read nothing of it.
    private func inject(_ injection: Injection, delay: UInt32, tag: ReplayTag, period: KeyPeriod, now: Timestamp)
        -> Verdict
    {
        guard let content = try? PayloadContent.sealed(injection.sealedPart).encoded(),
            let packet = Reinjection.packet(injection, content: content)
        else { return .store(.drop(.badInjection), .acceptNothing(tag: tag, period: period)) }
        return forward(packet, to: injection.firstNode, delay: delay, tag: tag, period: period, now: now)
    }

    /// On the writer's thread, after the commit.
    private func committed(_ packets: [InboundPacket], _ decisions: [Decision], _ results: [SpoolResult]) {
        var answers = AnswerBatch()
        var accepted: [WaitingPacket] = []
        ledger.book { entry in
            for index in packets.indices {
                answers.add(packets[index], settle(decisions[index], results[index], &entry, &accepted))
            }
        }
        // First, so that whoever has the answer finds the packet in its queue.
        if !accepted.isEmpty { outcomes.accepted(accepted) }
        answers.send()
    }

    /// Books what became of a packet; the answer to its sender.
    func settle(
        _ decision: Decision, _ result: SpoolResult, _ entry: inout NodeLedger.Entry, _ accepted: inout [WaitingPacket]
    ) -> Answer {
        switch (result, decision) {
        case (.stored(let id), .forward(let next, let release, let deadline)):
            entry.receivedAndHeld()
            accepted.append(WaitingPacket(id: id, destination: next, release: release, deadline: deadline))
        case (.partStored(let isComplete), .part(let message, let release)):
            entry.receivedAndHeld()
            if isComplete { outcomes.completed(message, release: release) }
        case (.remembered, .loop(let loop)):
            entry.receivedAndDropped(.loop)
            outcomes.loopReturned(loop)
        case (.mailStored, .reply):
            entry.receivedAndDelivered()
            outcomes.replyBoxed()
        case (.itemStored(let item), .reply):
            entry.receivedAndDelivered()
            outcomes.replyKept(item)
        case (.noSuchMailbox, _): entry.receivedAndDropped(.unknownMailbox)
        case (.mailboxFull, _): entry.receivedAndDropped(.mailboxFull)
        case (.remembered, .drop(let reason)): entry.receivedAndDropped(reason)
        case (.partDuplicate, _): entry.receivedAndDropped(.partSurplus)
        case (.partConflict, _): entry.receivedAndDropped(.partConflict)
        case (.partTooLarge, _): entry.receivedAndDropped(.partRefused)
        case (.replay, _): entry.receivedAndDropped(.replay)
        case (.full, _): return .rejected(.full)
        default:
            // The disk failed or the writer is behind: the sender keeps the packet and tries again.
            return .rejected(.busy)
        }
        return .received
    }
}
