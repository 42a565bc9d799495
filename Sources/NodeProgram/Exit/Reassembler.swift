// From parts to messages: when the last part that is needed has been committed, the message is rebuilt group by group into
// a sealed file, its envelope read, and in one transaction its parts are replaced by deliveries. A crash before that
// transaction leaves the parts, and the work is done again at the next start.

internal import Dispatch
internal import Exits
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

/// Whom an exit delivers to.
protocol RecipientGate: Sendable {
    /// Nil if mail for `address` is taken here, else why not.
    func refusal(of address: Address) -> DropReason?
}

final class Reassembler: Sendable {
    private let spool: Spool
    private let gate: any RecipientGate
    private let bodyLimit: Int
    private let deliveryDeadline: Interval
    private let rememberFor: Interval
    private let clock: @Sendable () -> Timestamp
    private let ledger: NodeLedger
    private let receipts: ReceiptDesk
    private let keepReplyBlocks: @Sendable (Envelope, MessageID, [String]) throws(SpoolError) -> Void
    private let refused: @Sendable (DropReason) -> Void
    private let ready: @Sendable ([PendingDelivery]) -> Void
    private let queue = DispatchQueue(label: "nightjar.reassembler")

    /// - Parameters:
    ///   - rememberFor: how long the name of a finished message is kept, so that late parts are known as such.
    ///   - receipts: keeps the book of every message, and answers questions.
    ///   - keepReplyBlocks: given the envelope, the message and the recipients that are taken, before anything is delivered.
    ///   - refused: told of each recipient that is not taken.
    ///   - ready: told of deliveries that are durable.
    init(
        spool: Spool, gate: any RecipientGate, bodyLimit: Int, deliveryDeadline: Interval, rememberFor: Interval,
        clock: @escaping @Sendable () -> Timestamp, ledger: NodeLedger, receipts: ReceiptDesk,
        keepReplyBlocks: @escaping @Sendable (Envelope, MessageID, [String]) throws(SpoolError) -> Void,
        refused: @escaping @Sendable (DropReason) -> Void,
        ready: @escaping @Sendable ([PendingDelivery]) -> Void
    ) {
        self.spool = spool
        self.gate = gate
        self.bodyLimit = bodyLimit
        self.deliveryDeadline = deliveryDeadline
        self.rememberFor = rememberFor
        self.clock = clock
        self.ledger = ledger
        self.receipts = receipts
        self.keepReplyBlocks = keepReplyBlocks
        self.refused = refused
        self.ready = ready
    }

    /// Rebuilds a message that has all it needs; it is delivered from `release` on.
    func rebuild(_ message: MessageID, release: Timestamp) {
        queue.async { [self] in
            let partial: PartialMessage?
            do throws(SpoolError) { partial = try spool.readMessage(message) } catch {
                return later(message, release: release)
            }
            guard let partial, partial.isComplete else { return }
            work(on: partial, release: release)
        }
    }

    /// Waits until everything asked for so far is done.
    func drain() { queue.sync {} }

    private func work(on partial: PartialMessage, release: Timestamp) {
        let now = clock()
        let shares = partial.groups.values.reduce(0) { $0 + $1.held }
        var made: FinishedFile?
        do {
            let file = try write(partial)
            made = file
            let stored: StoredMessage
            do {
                stored = try StoredMessage(bodyLimit: bodyLimit) { [spool] () throws(SpoolError) in
                    try spool.openFile(file)
                }
                try check(stored)
            } catch let error as SpoolError {
                throw error
            } catch {
                try spool.discard(file)
                return drop(partial, shares: shares, reason: .badMessage, now: now)
            }
            switch stored.envelope.bodyKind {
            case .rfc5322, .raw:
                try deliver(partial, stored.envelope, file: file, shares: shares, release: release, now: now)
            case .statusQuery:
                defer { try? spool.discard(file) }
                try answer(partial, stored, shares: shares, release: release, now: now)
            case .receipt, .nym:
                // Goes through reply blocks only.
                try spool.discard(file)
                drop(partial, shares: shares, reason: .badMessage, now: now)
            }
        } catch let error as ErasureError {
            // The sender's parts do not fit together: no more parts can help.
            _ = error
            drop(partial, shares: shares, reason: .badMessage, now: now)
        } catch {
            later(partial.message, release: release, without: made)
        }
    }

    private func deliver(
        _ partial: PartialMessage, _ envelope: Envelope, file: FinishedFile, shares: Int, release: Timestamp,
        now: Timestamp
    ) throws {
        var deliveries: [NewDelivery] = []
        var statuses: [(address: String, status: DeliveryStatus)] = []
        for address in envelope.recipients {
            let reason = gate.refusal(of: address)
            statuses.append((address.description, reason.map(DeliveryStatus.init(refusedFor:)) ?? .queued))
            if let reason {
                refused(reason)
            } else {
                deliveries.append(
                    NewDelivery(
                        recipient: address.description, file: file, deadline: now + deliveryDeadline,
                        nextAttempt: release))
            }
        }
        try receipts.open(partial.message, recipients: statuses, block: envelope.receiptBlock)
        guard !deliveries.isEmpty else {
            try spool.discard(file)
            let hasDeclined = statuses.allSatisfy { $0.status == .declined }
            return drop(
                partial, shares: shares, reason: hasDeclined ? .recipientOptedOut : .recipientRefused, now: now)
        }
        try keepReplyBlocks(envelope, partial.message, deliveries.map(\.recipient))
        CrashPoint.reached(.bookOpened)
        let operation = SpoolOperation.completeMessage(
            message: partial.message, forgetAfter: now + rememberFor, deliveries: deliveries)
        try spool.submit([operation]) { [self, deliveries] results in
            guard case .completed(let ids) = results.first else {
                return later(partial.message, release: release, without: file)
            }
            ledger.book { $0.delivered(shares) }
            ready(
                zip(ids, deliveries).map { id, delivery in
                    PendingDelivery(
                        id: id, message: partial.message, recipient: delivery.recipient, file: file.name,
                        deadline: delivery.deadline, release: release, attempts: 0)
                })
        }
    }

    /// A question: the answer's packet takes the place of the question's parts, in one transaction.
    private func answer(
        _ partial: PartialMessage, _ stored: StoredMessage, shares: Int, release: Timestamp, now: Timestamp
    ) throws {
        let read = try stored.body.open()
        var name: [UInt8] = []
        while let piece = try read() { name += piece.prefix(MessageID.byteCount + 1) }
        guard let message = MessageID(name) else {
            return drop(partial, shares: shares, reason: .badMessage, now: now)
        }
        let shipment = try receipts.answer(to: message, through: stored.envelope.receiptBlock)
        let done = SpoolOperation.completeMessage(
            message: partial.message, forgetAfter: now + rememberFor, deliveries: [])
        try spool.submit([done] + (shipment.map { [$0.operation] } ?? [])) { [self] results in
            guard case .completed? = results.first else { return later(partial.message, release: release) }
            ledger.book { $0.delivered(shares) }
            if let shipment { receipts.settle(shipment, results.dropFirst()) }
        }
    }

    private func write(_ partial: PartialMessage) throws -> FinishedFile {
        var assembler = MessageAssembler(layout: try PartLayout(messageLength: partial.length))
        var file = try spool.makeFile()
        while let group = assembler.nextGroup {
            let shares = try spool.readShares(message: partial.message, group: group.number)
            try file.append(
                try assembler.data(from: shares.map { ErasureCode.Share(index: $0.index, bytes: $0.bytes) }))
        }
        return try file.finish()
    }

    /// Reads the body once to its end, so that a message that does not decode is never begun to be delivered.
    private func check(_ stored: StoredMessage) throws {
        let read = try stored.body.open()
        while try read() != nil {}
    }

    private func drop(_ partial: PartialMessage, shares: Int, reason: DropReason, now: Timestamp) {
        let operation = SpoolOperation.dropMessage(message: partial.message, forgetAfter: now + rememberFor)
        // `closed` leaves the parts for the next start.
        try? spool.submit([operation]) { [ledger] results in
            if case .removed = results.first { ledger.book { $0.heldAndDropped(reason, shares) } }
        }
    }

    /// The disk is full or failing: the parts are kept, and the message is tried again later and at every start. The next
    /// attempt makes a file of its own, so that this one's goes.
    private func later(_ message: MessageID, release: Timestamp, without file: FinishedFile? = nil) {
        // Asks the database, which the writer's thread must not wait for.
        if let file { queue.async { [spool] in try? spool.discard(file) } }
        queue.asyncAfter(deadline: .now() + Self.pauseAfterFailure) { [weak self] in
            self?.rebuild(message, release: release)
        }
    }

    private static let pauseAfterFailure = DispatchTimeInterval.seconds(5)
}

/// A delivery that the spool holds.
struct PendingDelivery: Sendable {
    let id: DeliveryRowID
    let message: MessageID
    /// Canonical address text.
    let recipient: String
    let file: SealedFileName
    let deadline: Timestamp
    /// Not before this time.
    let release: Timestamp
    /// Attempts so far.
    let attempts: Int
}
