// The log of messages sent, in the client's store of records. Every change is one transaction, so that `send`, `run` and
// `receive` may be at it at once, and a crash leaves the log as it was before or after.

internal import Directory
internal import Messages
internal import Spool
internal import WireFormat

extension RecordKind {
    /// `SentMessage` under its id; under its earlier or later names on the wire, its id.
    static let sentMessages = RecordKind(rawValue: 18)
    /// `RetransmissionPlan` under a message's id; `PathEvidence` under a network's name.
    static let reliableState = RecordKind(rawValue: 21)
}

/// What is remembered of the messages that were sent.
struct SentLog: Sendable {
    private let store: RecordStore
    /// How long a message is remembered.
    private let memory: Interval

    /// How long messages are remembered if the settings say nothing.
    static let standardMemory = Interval.days(60)

    init(_ store: RecordStore, memory: Interval = SentLog.standardMemory) {
        self.store = store
        self.memory = memory
    }

    // MARK: Reading

    /// All messages, the oldest first.
    func messages() throws -> [SentMessage] {
        try store.all(.sentMessages).compactMap { try? SentMessage(decoding: $0.value) }
    }

    /// The message with this name, also one that it had on the wire.
    func message(_ id: MessageID) throws -> SentMessage? { try store.transaction { try Self.message(id, $0) } }

    /// The plan of a reliable message.
    func plan(_ id: MessageID) throws -> RetransmissionPlan? {
        try store.get(.reliableState, id.bytes).flatMap { try? RetransmissionPlan(decoding: $0) }
    }

    /// What is known about the nodes of a network.
    func evidence(_ network: String) throws -> PathEvidence {
        try store.get(.reliableState, Self.evidenceName(network)).flatMap { try? PathEvidence(decoding: $0) }
            ?? PathEvidence()
    }

    // MARK: Writing

    /// Adds messages, all or none.
    /// - Parameter beside: what belongs to them and is written in the same step.
    func add(_ messages: [SentMessage], beside: (RecordTransaction) throws -> Void = { _ in }) throws {
        try store.transaction { records in
            for message in messages { try put(message, records) }
            try beside(records)
        }
    }

    /// Changes a message, its plan and what is known about nodes, together.
    /// - Returns: what `change` returns; nil if there is no such message (any more).
    func update<Result>(
        _ id: MessageID,
        _ change: (inout SentMessage, inout RetransmissionPlan?, inout PathEvidence) throws -> Result
    ) throws -> Result? {
        try store.transaction { records in
            guard let before = try Self.message(id, records) else { return nil }
            var message = before
            let planBefore = try records.get(.reliableState, before.id.bytes).flatMap {
                try? RetransmissionPlan(decoding: $0)
            }
            var plan = planBefore
            let evidenceBefore =
                try records.get(.reliableState, Self.evidenceName(before.network)).flatMap {
                    try? PathEvidence(decoding: $0)
                } ?? PathEvidence()
            var evidence = evidenceBefore
            let result = try change(&message, &plan, &evidence)
            if message != before { try put(message, records) }
            if plan != planBefore {
                if let plan {
                    try records.put(.reliableState, message.id.bytes, plan.encoded, expires: expiry(message))
                } else {
                    try records.remove(.reliableState, message.id.bytes)
                }
            }
            if evidence != evidenceBefore {
                try records.put(
                    .reliableState, Self.evidenceName(before.network), evidence.encoded, expires: nil)
            }
            return result
        }
    }

    /// Takes what an exit said. Applying it again changes nothing.
    /// - Parameters:
    ///   - surb: the reply block that it came by.
    ///   - parameters: of the message's network, for how long things take.
    /// - Returns: whether it is about a message of ours.
    @discardableResult
    func apply(
        _ receipt: Receipt, surb: SURBID?, at now: Timestamp, parameters: NetworkParameters = NetworkParameters()
    ) throws -> Bool {
        let found: Void? = try update(receipt.message) { message, plan, evidence in
            message.apply(receipt.state, at: now)
            evidence.forget(at: now)
            // An answer under an earlier name says nothing about the shares at the exit of now.
            if receipt.message == message.wireID {
                let timing = RetransmissionTiming(
                    parameters, isUrgent: message.journey.isUrgent, measured: evidence.roundTrip)
                plan?.apply(receipt.state, surb: surb, at: now, timing: timing, evidence: &evidence)
            }
            if message.isFinal, message.stage == .queued {
                message.stage = .settled
                plan = nil
            }
        }
        return found != nil
    }

    /// Forgets messages.
    /// - Returns: those that were there.
    func forget(_ ids: [MessageID]) throws -> [SentMessage] {
        try store.transaction { records in
            try ids.compactMap { id in
                guard let message = try Self.message(id, records) else { return nil }
                for name in [message.id, message.wireID] + message.earlierIDs {
                    try records.remove(.sentMessages, name.bytes)
                }
                try records.remove(.reliableState, message.id.bytes)
                return message
            }
        }
    }

    /// Forgets what has been remembered for long enough.
    func expire(at now: Timestamp) throws { try store.expire(now: now) }

    // MARK: Records

    private func expiry(_ message: SentMessage) -> Timestamp { max(message.made + memory, message.deadline) }

    private func put(_ message: SentMessage, _ records: RecordTransaction) throws {
        try records.put(.sentMessages, message.id.bytes, message.encoded, expires: expiry(message))
        for name in Set(message.earlierIDs + [message.wireID]) where name != message.id {
            try records.put(.sentMessages, name.bytes, message.id.bytes, expires: expiry(message))
        }
    }

    private static func message(_ id: MessageID, _ records: RecordTransaction) throws -> SentMessage? {
        guard let value = try records.get(.sentMessages, id.bytes) else { return nil }
        if let own = MessageID(value) {
            return try records.get(.sentMessages, own.bytes).flatMap { try? SentMessage(decoding: $0) }
        }
        return try? SentMessage(decoding: value)
    }

    private static func evidenceName(_ network: String) -> [UInt8] { Array("evidence:\(network)".utf8) }
}
