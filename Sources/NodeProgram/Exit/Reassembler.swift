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
    private let refused: @Sendable (DropReason) -> Void
    private let ready: @Sendable ([PendingDelivery]) -> Void
    private let queue = DispatchQueue(label: "nightjar.reassembler")

    /// - Parameters:
    ///   - rememberFor: how long the name of a finished message is kept, so that late parts are known as such.
    ///   - refused: told of each recipient that is not taken.
    ///   - ready: told of deliveries that are durable.
    init(
        spool: Spool, gate: any RecipientGate, bodyLimit: Int, deliveryDeadline: Interval, rememberFor: Interval,
        clock: @escaping @Sendable () -> Timestamp, ledger: NodeLedger,
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
        do {
            let file = try write(partial)
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
            var deliveries: [NewDelivery] = []
            for address in stored.envelope.recipients {
                if let reason = gate.refusal(of: address) {
                    refused(reason)
                } else {
                    deliveries.append(
                        NewDelivery(
                            recipient: address.description, file: file, deadline: now + deliveryDeadline,
                            nextAttempt: release))
                }
            }
            guard !deliveries.isEmpty else {
                try spool.discard(file)
                return drop(partial, shares: shares, reason: .recipientRefused, now: now)
            }
            let operation = SpoolOperation.completeMessage(
                message: partial.message, forgetAfter: now + rememberFor, deliveries: deliveries)
            try spool.submit([operation]) { [self, deliveries] results in
                guard case .completed(let ids) = results.first else { return later(partial.message, release: release) }
                ledger.book { $0.delivered(shares) }
                ready(
                    zip(ids, deliveries).map { id, delivery in
                        PendingDelivery(
                            id: id, message: partial.message, recipient: delivery.recipient, file: file.name,
                            deadline: delivery.deadline, release: release, attempts: 0)
                    })
            }
        } catch let error as ErasureError {
            // The sender's parts do not fit together: no more parts can help.
            _ = error
            drop(partial, shares: shares, reason: .badMessage, now: now)
        } catch {
            later(partial.message, release: release)
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

    /// The disk is full or failing: the parts are kept, and the message is tried again later and at every start.
    private func later(_ message: MessageID, release: Timestamp) {
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
