// Delivers messages to the outside: waits until each is released by the mixing strategy, tries, tries again, gives up only
// on a clear permanent answer or at the deadline. Every attempt is noted in the spool before it begins, so that after a
// crash the node knows which mails may have gone out already.

internal import Daemon
internal import Exits
internal import Foundation
internal import Messages
internal import MixCrypto
internal import Mixing
internal import NIOPosix
internal import Spool
internal import WireFormat

/// Values of a delivery's `state` in the spool.
enum DeliveryState {
    static let waiting = 0
    /// An attempt has begun; found at start, its outcome is not known.
    static let attempting = 1
}

actor ExitDesk {
    private struct Entry {
        var delivery: PendingDelivery
        var nextAttempt: Timestamp
        var attempts: Int
        var hasRate = false
    }

    private let settings: ExitSettings
    private let spool: Spool
    private let smtp: SMTPClient?
    private let tokenKey: SymmetricSecret
    private let bodyLimit: Int
    private let clock: ScaledTime
    private let receipts: ReceiptDesk
    private let replyAddress: @Sendable (MessageID, String, Timestamp) -> MailRecipient?
    private let wishes: RecipientWishes
    private let count: @Sendable (ExitEvent) -> Void
    private let ended: @Sendable (DropReason?) -> Void
    private var rates: RecipientRates
    private var pool: MixPool
    private var generator = SystemRandomNumberGenerator()
    private var entries: [Int64: Entry] = [:]
    /// Released by the pool, ordered by the time of the next attempt.
    private var waiting: [Int64: Timestamp] = [:]
    private var running: [Int64: Task<Void, Never>] = [:]
    private var timer: Task<Void, Never>?
    private var isStopping = false

    /// - Parameters:
    ///   - tokenKey: makes Message-IDs and file names from message ids, the same at every attempt.
    ///   - receipts: told how it stands with each recipient.
    ///   - replyAddress: what Reply-To is to say in the mail of a message for a recipient; may block.
    ///   - wishes: who wants no mail; asked right before each attempt.
    ///   - count: told of outcomes.
    ///   - ended: told once for each delivery that ends: nil for delivered, else why not.
    init(
        settings: ExitSettings, spool: Spool, tokenKey: SymmetricSecret, strategy: MixStrategy, bodyLimit: Int,
        clock: ScaledTime, receipts: ReceiptDesk,
        replyAddress: @escaping @Sendable (MessageID, String, Timestamp) -> MailRecipient?,
        wishes: RecipientWishes = .unknown,
        count: @escaping @Sendable (ExitEvent) -> Void, ended: @escaping @Sendable (DropReason?) -> Void
    ) throws {
        self.settings = settings
        self.spool = spool
        self.tokenKey = tokenKey
        self.bodyLimit = bodyLimit
        self.clock = clock
        self.receipts = receipts
        self.replyAddress = replyAddress
        self.wishes = wishes
        self.count = count
        self.ended = ended
        smtp = try settings.smtp.map { try SMTPClient(settings: $0, count: count) }
        rates = RecipientRates(perRecipient: settings.perRecipient, perDomain: settings.perDomain)
        pool = MixPool(strategy: strategy, now: clock.now())
    }

    /// Deliveries that have not ended.
    var pending: Int { entries.count }

    /// Takes over new deliveries. They pass the mixing strategy like packets do.
    func add(_ deliveries: [PendingDelivery]) {
        let now = clock.now()
        for delivery in deliveries {
            entries[delivery.id.number] = Entry(
                delivery: delivery, nextAttempt: delivery.release, attempts: delivery.attempts)
            pool.insert(id: delivery.id.number, release: delivery.release, now: now)
        }
        turn()
    }

    /// Takes over what an earlier run left: what had been tried already does not wait in the pool again.
    func resume(_ stored: [StoredDelivery]) async {
        let now = clock.now()
        for row in stored {
            if receipts.isSettled(row.message, row.recipient) {
                // Its end is on record, the crash came before the delivery was forgotten.
                await commit(.finishDelivery(row.id))
                continue
            }
            if row.state == DeliveryState.attempting { count(.ambiguousRetry) }
            let delivery = PendingDelivery(
                id: row.id, message: row.message, recipient: row.recipient, file: row.file,
                deadline: row.deadline, release: row.nextAttempt, attempts: row.attempts)
            entries[row.id.number] = Entry(delivery: delivery, nextAttempt: row.nextAttempt, attempts: row.attempts)
            if row.attempts == 0, row.state == DeliveryState.waiting {
                pool.insert(id: row.id.number, release: row.nextAttempt, now: now)
            } else {
                waiting[row.id.number] = row.nextAttempt
            }
        }
        turn()
    }

    /// Tries everything now that was deferred.
    func flush() {
        for id in waiting.keys { waiting[id] = clock.now() }
        turn()
    }

    /// Begins nothing new and waits for mails under way; they are deferred if they take longer than `grace`.
    func stop(grace: Duration) async {
        isStopping = true
        timer?.cancel()
        let tasks = Array(running.values)
        let guardian = Task {
            try await Task.sleep(for: grace)
            for task in tasks { task.cancel() }
        }
        for task in tasks { await task.value }
        guardian.cancel()
        await smtp?.close()
    }

    private func turn() {
        guard !isStopping else { return }
        let now = clock.now()
        for id in pool.due(now: now, using: &generator) {
            if let entry = entries[id] { waiting[id] = entry.nextAttempt }
        }
        let due = waiting.filter { $0.value <= now || entries[$0.key].map { $0.delivery.deadline <= now } ?? true }
            .sorted { $0.value < $1.value }
        for (id, _) in due where running.count < settings.concurrentDeliveries {
            waiting[id] = nil
            guard let entry = entries[id] else { continue }
            running[id] = Task { await self.attempt(id, entry) }
        }
        timer?.cancel()
        timer = nil
        let isBusy = running.count >= settings.concurrentDeliveries
        guard let next = [pool.nextWake, isBusy ? nil : waiting.values.min()].compactMap({ $0 }).min() else { return }
        timer = Task { [clock] in
            do { try await clock.sleep(until: next) } catch { return }
            self.turn()
        }
    }

    private func attempt(_ id: Int64, _ entry: Entry) async {
        let now = clock.now()
        if now >= entry.delivery.deadline {
            return await finish(id, .expired, ended: .deliveryExpired, receipt: (.expired, 0))
        }
        if !entry.hasRate, let recipient = try? target(entry.delivery).recipient {
            if case .wait(let until) = rates.take(recipient, now: now) {
                count(.deferred(.recipientRate))
                entries[id]?.nextAttempt = until
                return again(id, at: min(until, entry.delivery.deadline))
            }
            entries[id]?.hasRate = true
        }
        let attempts = entry.attempts + 1
        await note(id, nextAttempt: now, attempts: attempts, state: DeliveryState.attempting)
        let outcome = await deliver(entry.delivery, now: now)
        count(outcome.event)
        switch outcome {
        case .delivered: await finish(id, nil, ended: nil, receipt: outcome.receipt)
        case .refused(let reason, _):
            await finish(id, nil, ended: DropReason(reason), receipt: outcome.receipt)
        case .deferred(let deferral):
            if deferral.isAmbiguous { count(.ambiguousRetry) }
            let accepted = entry.delivery.deadline - settings.retries.lifetime
            switch settings.retries.next(deferrals: attempts, now: clock.now(), accepted: accepted, using: &generator) {
            case .attempt(let at):
                entries[id]?.attempts = attempts
                await tell(entry.delivery, outcome.receipt)
                await note(id, nextAttempt: at, attempts: attempts, state: DeliveryState.waiting)
                again(id, at: at)
            case .expired: await finish(id, .expired, ended: .deliveryExpired, receipt: (.expired, deferral.code ?? 0))
            }
        }
    }

    /// Mails that came from no message, such as answers, have no sender who waits for a receipt.
    private func tell(_ delivery: PendingDelivery, _ receipt: (status: DeliveryStatus, code: UInt16)) async {
        guard delivery.message != MessageID() else { return }
        await receipts.note(delivery.message, delivery.recipient, receipt.status, code: receipt.code)
    }

    private func again(_ id: Int64, at time: Timestamp) {
        entries[id]?.nextAttempt = time
        waiting[id] = time
        running[id] = nil
        turn()
    }

    private func finish(
        _ id: Int64, _ event: ExitEvent?, ended reason: DropReason?,
        receipt: (status: DeliveryStatus, code: UInt16)
    ) async {
        if let event { count(event) }
        if let entry = entries[id] { await tell(entry.delivery, receipt) }
        CrashPoint.reached(.outcomeNoted)
        await commit(.finishDelivery(DeliveryRowID(id)))
        entries[id] = nil
        running[id] = nil
        ended(reason)
        turn()
    }

    private func note(_ id: Int64, nextAttempt: Timestamp, attempts: Int, state: Int) async {
        await commit(.updateDelivery(DeliveryRowID(id), nextAttempt: nextAttempt, attempts: attempts, state: state))
    }

    /// A spool that is closed or failing keeps its row: the delivery is known again at the next start.
    private func commit(_ operation: SpoolOperation) async {
        do throws(SpoolError) { _ = try await spool.perform([operation]) } catch { count(.deferred(.storage)) }
    }

    /// Where a delivery goes: a Maildir, or a recipient by way of the mail server.
    private enum Target {
        case maildir(path: String, name: String)
        case mail(MailRecipient)

        var recipient: MailRecipient? {
            if case .mail(let recipient) = self { recipient } else { nil }
        }
    }

    private func target(_ delivery: PendingDelivery) throws(RefusalReason) -> Target {
        guard let address = try? Address(canonical: delivery.recipient) else { throw .badRecipient }
        switch address.kind {
        case .smtp:
            guard settings.smtp != nil else { throw .deniedByPolicy }
            let recipient = try MailRecipient(address.mailAddress ?? "")
            if let reason = settings.policy.refusal(of: recipient) { throw reason }
            return .mail(recipient)
        case .mbox:
            switch settings.mailboxes?[address.user] {
            case .maildir(let path): return .maildir(path: path, name: address.user)
            case .mail(let recipient) where settings.smtp != nil: return .mail(recipient)
            default: throw .unknownMailbox
            }
        default: throw .deniedByPolicy
        }
    }

    private func deliver(_ delivery: PendingDelivery, now: Timestamp) async -> ExitOutcome {
        let target: Target
        do throws(RefusalReason) { target = try self.target(delivery) } catch { return .refused(error, code: nil) }
        let (spool, bodyLimit, settings, tokenKey) = (spool, bodyLimit, settings, tokenKey)
        let (replyAddress, wishes) = (replyAddress, wishes)
        struct Composed: Sendable {
            let mail: ExitMail
            let body: ExitBody
            let token: Digest
        }
        let composed: Result<Composed, RefusalReason>
        do {
            // Disk and scanning: not on the cooperative pool.
            composed = try await NIOThreadPool.singleton.runIfActive {
                // He may have said so since the message came.
                if let recipient = target.recipient, wishes.declines(recipient) { return .failure(.optedOut) }
                let stored = try StoredMessage(bodyLimit: bodyLimit) { () throws(SpoolError) in
                    try spool.openFile(delivery.file)
                }
                let facts = try stored.body.facts()
                // What came from no message is named by its file.
                let name = delivery.message == MessageID() ? delivery.file.hex : delivery.message.hex
                let token = Array((name + " " + delivery.recipient).utf8).withUnsafeBytes { tokenKey.mac($0) }
                let replyTo =
                    stored.envelope.replyBlocks.isEmpty
                    ? nil : replyAddress(delivery.message, delivery.recipient, now)
                do throws(RefusalReason) {
                    let shown = target.recipient.map { [$0] } ?? []
                    let mail = try ExitMail.compose(
                        identity: settings.identity, recipients: shown, fields: stored.envelope.fields, body: facts,
                        token: token, replyTo: replyTo, now: now)
                    return .success(Composed(mail: mail, body: stored.body, token: token))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            return .deferred(.bodyUnreadable)
        }
        switch (composed, target) {
        case (.failure(let reason), _): return .refused(reason, code: nil)
        case (.success(let it), .maildir(let path, _)):
            let result = await MaildirDelivery(path: path).deliver(head: it.mail.head, body: it.body, token: it.token)
            if result.wasThere { count(.alreadyDelivered) }
            return result.outcome
        case (.success(let it), .mail(let recipient)):
            guard let smtp else { return .deferred(.unreachable) }
            let mail = SMTPMail(it.mail, sender: settings.bounces, recipients: [recipient], body: it.body)
            let outcomes = await smtp.deliver(mail)
            return outcomes.first ?? .deferred(.unknown)
        }
    }
}

/// The rules by which a message's recipients are taken or not, asked before anything is stored for them.
struct ExitGate: RecipientGate {
    let settings: ExitSettings
    /// This node's names: an `mbox:` address must be at one of them.
    let names: Set<String>
    var wishes = RecipientWishes.unknown

    func refusal(of address: Address) -> DropReason? {
        switch address.kind {
        case .smtp:
            guard settings.smtp != nil, let recipient = try? MailRecipient(address.mailAddress ?? "") else {
                return .recipientRefused
            }
            guard settings.policy.refusal(of: recipient) == nil else { return .recipientRefused }
            return wishes.declines(recipient) ? .recipientOptedOut : nil
        case .mbox:
            return names.contains(address.host.lowercased()) && settings.mailboxes?[address.user] != nil
                ? nil : .recipientRefused
        case .box, .nym, .drop: return .recipientRefused
        }
    }
}

extension DropReason {
    /// Why a delivery ended that was refused.
    fileprivate init(_ reason: RefusalReason) {
        self =
            switch reason {
            case .optedOut: .recipientOptedOut
            case .deniedByPolicy, .unknownMailbox: .recipientRefused
            default: .deliveryRefused
            }
    }
}
