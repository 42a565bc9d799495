// Puts reassembled messages into mailboxes of this node, as encoded messages cut into blocks. The blocks and a mark at the
// delivery are one transaction; then the outcome is noted, then the delivery forgotten. A crash in between finds the mark and
// notes once more. The blocks are given out from the time on that the message's last hop asked for.

internal import Daemon
internal import Messages
internal import Mixing
internal import NIOPosix
internal import Spool
internal import WireFormat

actor MailboxPost {
    private let mailboxes: Mailboxes
    private let bodyLimit: Int
    private let clock: ScaledTime
    private let count: @Sendable (_ name: String, _ kind: String) -> Void
    private let noted: @Sendable (PendingDelivery, DeliveryStatus) async -> Void
    private struct Entry {
        var delivery: PendingDelivery
        /// Whether its blocks are in the mailbox already.
        var isPosted: Bool
    }
    private var waiting: [Entry] = []
    private var worker: Task<Void, Never>?
    private var isStopping = false

    /// The mark of a delivery whose blocks are in its mailbox (`DeliveryState`).
    static let posted = 2
    /// How long to wait, real time, when the spool has no room or fails.
    private static let pause = Duration.seconds(5)

    /// - Parameters:
    ///   - count: told of the kinds of what happened: `mailbox_blocks`, `deliveries_ended`.
    ///   - noted: told of every delivery's end, before it is forgotten; after a crash it may be told again.
    init(
        mailboxes: Mailboxes, bodyLimit: Int, clock: ScaledTime,
        count: @escaping @Sendable (_ name: String, _ kind: String) -> Void,
        noted: @escaping @Sendable (PendingDelivery, DeliveryStatus) async -> Void
    ) {
        self.mailboxes = mailboxes
        self.bodyLimit = bodyLimit
        self.clock = clock
        self.count = count
        self.noted = noted
    }

    /// Whether a delivery goes into a mailbox.
    static func takes(_ recipient: String) -> Bool { recipient.hasPrefix("box:") }

    /// Deliveries that have not ended.
    var pending: Int { waiting.count }

    /// Takes over deliveries.
    func add(_ deliveries: [PendingDelivery]) {
        add(deliveries.map { Entry(delivery: $0, isPosted: false) })
    }

    private func add(_ entries: [Entry]) {
        waiting += entries
        guard worker == nil, !isStopping, !waiting.isEmpty else { return }
        worker = Task { await self.work() }
    }

    /// Takes over what an earlier run left.
    func resume(_ stored: [StoredDelivery]) {
        add(
            stored.map { row in
                Entry(
                    delivery: PendingDelivery(
                        id: row.id, message: row.message, recipient: row.recipient, file: row.file,
                        deadline: row.deadline, release: row.nextAttempt, attempts: row.attempts),
                    isPosted: row.state == Self.posted)
            })
    }

    /// Ends after the delivery under way; the rest stays in the spool for the next start.
    func stop() async {
        isStopping = true
        worker?.cancel()
        await worker?.value
    }

    private func work() async {
        while !isStopping, let entry = waiting.first {
            let delivery = entry.delivery
            let posted = entry.isPosted ? End(status: .delivered, reason: nil) : await deliver(delivery)
            guard let end = posted else {
                // One that has to wait lets the others pass; all of them wait when nothing can be stored.
                waiting.append(waiting.removeFirst())
                do { try await Task.sleep(for: Self.pause) } catch { break }
                continue
            }
            await noted(delivery, end.status)
            do throws(SpoolError) { _ = try await mailboxes.spool.perform([.finishDelivery(delivery.id)]) } catch {
                // The row stays; the next start finds its mark, or refuses it again.
                count("mailbox_blocks", "not_finished")
            }
            count("deliveries_ended", end.reason?.rawValue ?? "delivered")
            waiting.removeFirst()
        }
        worker = nil
    }

    private struct End {
        var status: DeliveryStatus
        var reason: DropReason?
    }

    /// One attempt; nil if it has to be made again.
    private func deliver(_ delivery: PendingDelivery) async -> End? {
        let now = clock.now()
        guard now < delivery.deadline else { return End(status: .expired, reason: .deliveryExpired) }
        guard let address = try? Address(canonical: delivery.recipient), let mailbox = mailboxes.mailbox(address) else {
            return End(status: .refused, reason: .recipientRefused)
        }
        let prepared: Prepared
        do { prepared = try await prepare(delivery, mailbox, now: now) } catch {
            return Self.isDamage(error) ? End(status: .refused, reason: .badMessage) : nil
        }
        let blocks: [NewMailBlock]
        switch prepared {
        case .refused(let end): return end
        case .blocks(let ready): blocks = ready
        }
        let operation = SpoolOperation.deliverToMailbox(
            delivery.id, state: Self.posted, mailbox: mailbox, blocks: blocks)
        guard let results = try? await mailboxes.spool.perform([operation]) else { return nil }
        switch results.first {
        case .mailStored:
            count("mailbox_blocks", "stored_message")
            return End(status: .delivered, reason: nil)
        case .noSuchMailbox: return End(status: .refused, reason: .unknownMailbox)
        case .mailboxFull: return End(status: .refused, reason: .mailboxFull)
        default: return nil
        }
    }

    private enum Prepared: Sendable {
        case refused(End)
        case blocks([NewMailBlock])
    }

    /// Asks the policy and cuts the message, which is then in memory: at most some 8 MiB, one message at a time.
    private func prepare(_ delivery: PendingDelivery, _ mailbox: MailboxID, now: Timestamp) async throws -> Prepared {
        let (mailboxes, bodyLimit) = (mailboxes, bodyLimit)
        // Disk and copying: not on the cooperative pool.
        return try await NIOThreadPool.singleton.runIfActive {
            guard let policy = try mailboxes.policy(of: mailbox) else {
                return .refused(End(status: .refused, reason: .unknownMailbox))
            }
            let stored = try StoredMessage(bodyLimit: bodyLimit) { () throws(SpoolError) in
                try mailboxes.spool.openFile(delivery.file)
            }
            let introduction = stored.envelope.fields[.introduction].flatMap { MailboxToken(hex: $0) }
            guard policy.admits(introduction: introduction) else {
                return .refused(End(status: .declined, reason: .recipientRefused))
            }
            var file = try mailboxes.spool.openFile(delivery.file)
            return .blocks(
                try Mailboxes.blocks(
                    of: delivery.message, encoded: file.rest(), release: delivery.release, now: now))
        }
    }

    /// Whether a message can never be delivered, and not only not now.
    private static func isDamage(_ error: any Error) -> Bool {
        if let error = error as? SpoolError { return error == .damaged || error == .unknown }
        return error is MessageError || error is EnvelopeError
    }
}
