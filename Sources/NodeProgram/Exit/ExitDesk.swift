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
        let module: ExitModule
    }

    private let settings: ExitSettings
    private let spool: Spool
    private let modules: ExitModules
    private let clock: ScaledTime
    private let receipts: ReceiptDesk
    private let count: @Sendable (ExitEvent) -> Void
    private let ended: @Sendable (DropReason?) -> Void
    private let warn: @Sendable (String?) -> Void
    private var rates: RecipientRates
    private var pool: MixPool
    private var generator = SystemRandomNumberGenerator()
    private var entries: [Int64: Entry] = [:]
    /// Released by the pool, ordered by the time of the next attempt.
    private var waiting: [Int64: Timestamp] = [:]
    private var running: [Int64: Task<Void, Never>] = [:]
    private var modulesOfRunning: [Int64: ExitModule] = [:]
    /// Deliveries that wait because many have the same body.
    private var floods: Set<Int64> = []
    private var timer: Task<Void, Never>?
    private var isStopping = false

    /// - Parameters:
    ///   - tokenKey: makes Message-IDs and file names from message ids, the same at every attempt.
    ///   - receipts: told how it stands with each recipient.
    ///   - replyAddress: what Reply-To is to say in the mail of a message for a recipient; may block.
    ///   - wishes: who wants no mail; asked right before each attempt.
    ///   - count: told of outcomes.
    ///   - warn: told what somebody should look at, and nil when it is over.
    ///   - ended: told once for each delivery that ends: nil for delivered, else why not.
    init(
        settings: ExitSettings, spool: Spool, tokenKey: SymmetricSecret, strategy: MixStrategy, bodyLimit: Int,
        clock: ScaledTime, receipts: ReceiptDesk,
        replyAddress: @escaping @Sendable (MessageID, String, Timestamp) -> MailRecipient?,
        wishes: RecipientWishes = .unknown,
        warn: @escaping @Sendable (String?) -> Void = { _ in },
        count: @escaping @Sendable (ExitEvent) -> Void, ended: @escaping @Sendable (DropReason?) -> Void
    ) throws {
        self.settings = settings
        self.spool = spool
        self.clock = clock
        self.receipts = receipts
        self.warn = warn
        self.count = count
        self.ended = ended
        modules = try ExitModules(
            settings: settings, spool: spool, tokenKey: tokenKey, bodyLimit: bodyLimit, replyAddress: replyAddress,
            wishes: wishes, count: count)
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
                delivery: delivery, nextAttempt: delivery.release, attempts: delivery.attempts,
                module: module(of: delivery))
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
            entries[row.id.number] = Entry(
                delivery: delivery, nextAttempt: row.nextAttempt, attempts: row.attempts, module: module(of: delivery))
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
        await modules.close()
    }

    private func turn() {
        guard !isStopping else { return }
        let now = clock.now()
        for id in pool.due(now: now, using: &generator) {
            if let entry = entries[id] { waiting[id] = entry.nextAttempt }
        }
        let due = waiting.filter { $0.value <= now || entries[$0.key].map { $0.delivery.deadline <= now } ?? true }
            .sorted { $0.value < $1.value }
        var free = freePlaces
        var isBusy = false
        for (id, _) in due {
            guard let entry = entries[id] else {
                waiting[id] = nil
                continue
            }
            let module = entry.module
            guard free[module, default: 0] > 0 else {
                isBusy = true
                continue
            }
            free[module, default: 0] -= 1
            waiting[id] = nil
            modulesOfRunning[id] = module
            running[id] = Task { await self.attempt(id, entry) }
        }
        timer?.cancel()
        timer = nil
        // What is due and has no place is looked at again when a place becomes free.
        let later = isBusy ? waiting.values.filter { $0 > now }.min() : waiting.values.min()
        guard let next = [pool.nextWake, later].compactMap({ $0 }).min() else { return }
        timer = Task { [clock] in
            do { try await clock.sleep(until: next) } catch { return }
            self.turn()
        }
    }

    /// The module whose places an attempt takes; any for what has become undeliverable.
    private func module(of delivery: PendingDelivery) -> ExitModule {
        (try? Address(canonical: delivery.recipient)).flatMap { settings.route(of: $0)?.module } ?? .maildir
    }

    /// How many more mails each module may have under way.
    private var freePlaces: [ExitModule: Int] {
        var places: [ExitModule: Int] = [:]
        for module in ExitModule.allCases { places[module] = modules.concurrency(of: module) }
        for module in modulesOfRunning.values { places[module, default: 0] -= 1 }
        return places
    }

    private func attempt(_ id: Int64, _ entry: Entry) async {
        let now = clock.now()
        if now >= entry.delivery.deadline {
            return await finish(id, .expired, ended: .deliveryExpired, receipt: (.expired, 0))
        }
        if !entry.hasRate, let address = try? Address(canonical: entry.delivery.recipient),
            let recipient = settings.route(of: address)?.outside
        {
            if case .wait(let until) = rates.take(recipient, now: now) {
                count(.deferred(.recipientRate))
                entries[id]?.nextAttempt = until
                return again(id, at: min(until, entry.delivery.deadline))
            }
            entries[id]?.hasRate = true
        }
        let attempts = entry.attempts + 1
        await note(id, nextAttempt: now, attempts: attempts, state: DeliveryState.attempting)
        let attempt = await modules.deliver(entry.delivery, now: now)
        let outcome = attempt.outcome
        count(outcome.event)
        noteFlood(id, isHeld: outcome == .deferred(.sameBody))
        switch outcome {
        case .delivered: await finish(id, nil, ended: nil, receipt: outcome.receipt)
        case .refused(let reason, _):
            await finish(id, nil, ended: DropReason(reason), receipt: outcome.receipt)
        case .deferred(let deferral):
            if deferral.isAmbiguous { count(.ambiguousRetry) }
            let accepted = entry.delivery.deadline - settings.retries.lifetime
            switch settings.retries.next(deferrals: attempts, now: clock.now(), accepted: accepted, using: &generator) {
            case .attempt(let next):
                let at = min(max(next, attempt.notBefore ?? next), entry.delivery.deadline)
                entries[id]?.attempts = attempts
                await tell(entry.delivery, outcome.receipt)
                await note(id, nextAttempt: at, attempts: attempts, state: DeliveryState.waiting)
                again(id, at: at)
            case .expired: await finish(id, .expired, ended: .deliveryExpired, receipt: (.expired, deferral.code ?? 0))
            }
        }
    }

    private func noteFlood(_ id: Int64, isHeld: Bool) {
        guard floods.contains(id) != isHeld else { return }
        if isHeld { floods.insert(id) } else { floods.remove(id) }
        // The number stays out of it: it would tell how much mail passes.
        if floods.isEmpty || floods.count == 1, isHeld || floods.isEmpty {
            warn(isHeld ? "many mails have the same body and wait; see same-body in doc/EXITS.md" : nil)
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
        modulesOfRunning[id] = nil
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
        modules.forget(DeliveryRowID(id))
        noteFlood(id, isHeld: false)
        entries[id] = nil
        running[id] = nil
        modulesOfRunning[id] = nil
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
