// Mails of nyms on their way to the mail server: tried, tried again with growing pauses, given up after two days or on a clear
// refusal, of which the nym is told. The next attempt is on the disk before this one begins, so that a disk that takes nothing
// sends nothing; a recipient gets a mail twice only after a crash between the mail server's answer and our note of it, and
// then under the same Message-ID.

internal import Daemon
internal import Exits
internal import Logging
internal import MixCrypto
internal import NIOPosix
internal import NymProtocol
internal import Spool
internal import Synchronization
internal import WireFormat

/// Sends mails.
final class MailRounds: Sendable {
    private let parts: NymserverParts
    private let client: SMTPClient
    /// What became of recipients and is not on the disk yet, by the mail's row.
    private let unwritten = Mutex<[Int64: AttemptResult]>([:])
    private let isStopping = Mutex(false)

    /// Mails under way at one time.
    static let concurrent = 8
    /// The longest pause between two looks, real time: a request may bring a mail at any moment.
    static let longestPause = Duration.milliseconds(500)
    /// How long mails under way may take when the server stops.
    static let grace = Duration.seconds(15)

    init(parts: NymserverParts, client: SMTPClient) {
        self.parts = parts
        self.client = client
    }

    /// Sends until `stop`; then those under way end. A slow one keeps its place and nothing else.
    func run() async throws {
        try await withThrowingTaskGroup(of: Ended.self) { group in
            var underWay: Set<Int64> = []
            var isPausing = false
            while !isStopping.withLock({ $0 }) {
                let now = parts.clock.now()
                for mail in try await tolerant([], { try await self.due(at: now, besides: underWay) }) {
                    underWay.insert(mail.id)
                    group.addTask {
                        try await self.tolerant(()) { try await self.attempt(mail, at: now) }
                        return .mail(mail.id)
                    }
                }
                if !isPausing {
                    isPausing = true
                    group.addTask {
                        try? await Task.sleep(for: Self.longestPause)
                        return .pause
                    }
                }
                switch try await group.next() {
                case .mail(let id): underWay.remove(id)
                case .pause, nil: isPausing = false
                }
                try Task.checkCancellation()
            }
            try await group.waitForAll()
        }
    }

    /// What a wait has ended with.
    private enum Ended: Sendable {
        case mail(Int64)
        case pause
    }

    /// Trouble with the database that goes by ends nothing; there is a pause, so that it is not asked all the time.
    private func tolerant<Value: Sendable>(_ value: Value, _ body: () async throws -> Value) async throws -> Value {
        do {
            let value = try await body()
            parts.noteStore(nil)
            return value
        } catch let error as NymStoreError {
            guard error.isTemporary else { throw CommandFailure("\(error)") }
            parts.noteStore(error)
            try? await Task.sleep(for: Self.longestPause)
            return value
        }
    }

    /// Mails that can be begun beside those under way.
    private func due(at now: Timestamp, besides underWay: Set<Int64>) async throws -> [StoredNymMail] {
        let room = Self.concurrent - underWay.count
        guard room > 0 else { return [] }
        let due = try await blocking { [parts] in try parts.store.dueMails(now, limit: Self.concurrent + underWay.count)
        }
        return Array(due.filter { !underWay.contains($0.id) }.prefix(room))
    }

    /// Begins no attempt any more. Those under way end, for cutting one off would throw the mail server's answer away.
    func stop() { isStopping.withLock { $0 = true } }

    /// Tries what is due, and waits for all of it; how many mails that were.
    func round(at now: Timestamp) async throws -> Int {
        let due = try await due(at: now, besides: [])
        // All of them end, whatever becomes of one.
        let failures = await withTaskGroup(of: (any Error)?.self) { group in
            for mail in due {
                group.addTask {
                    do {
                        try await self.attempt(mail, at: now)
                        return nil
                    } catch { return error }
                }
            }
            return await group.reduce(into: [any Error]()) { failures, error in if let error { failures.append(error) }
            }
        }
        if let failure = failures.first { throw failure }
        return due.count
    }

    private func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        // In a task of its own: what became of a mail is noted though the server stops.
        try await Task { try await NIOThreadPool.singleton.runIfActive(body) }.value
    }

    private func attempt(_ row: StoredNymMail, at now: Timestamp) async throws {
        guard let waiting = WaitingMail(decoding: row.content) else {
            parts.counters.count("mails_out", kind: "unreadable")
            _ = try await blocking { [parts] in try parts.store.finishMail(row) }
            return
        }
        // Said by the mail server before, but not on the disk: written first, not asked again.
        if let result = unwritten.withLock({ $0[row.id] }) { return try await write(row, result, at: now) }
        var generator = SystemRandomNumberGenerator()
        let attempts = row.attempts + 1
        let lifetime = parts.settings.retries.lifetime
        let next: Timestamp?
        switch parts.settings.retries.next(
            deferrals: attempts, now: now, accepted: row.deadline - lifetime, using: &generator)
        {
        case .attempt(let time): next = time
        case .expired: next = nil
        }
        let claimed = next ?? now + parts.settings.retries.cap
        try await blocking { [parts] in try parts.store.retryMail(row, attempts: attempts, next: claimed) }
        var result = AttemptResult(waiting)
        for (place, outcome) in await deliver(waiting) { count(outcome, result.note(place, outcome)) }
        if next == nil {
            parts.counters.count("mails_out", kind: "expired", by: result.mail.open.count)
            result.giveUp()
        }
        result.attempts = attempts
        result.next = claimed
        unwritten.withLock { $0[row.id] = result }
        try await write(row, result, at: parts.clock.now())
    }

    private func count(_ outcome: ExitOutcome, _ word: String) {
        if case .deferred(let deferral) = outcome {
            parts.counters.count("mails_deferred", kind: deferral.reason.rawValue)
            note(deferral.reason)
        } else {
            parts.counters.count("mails_out", kind: word)
            parts.counters.health.set("mail-server", trouble: nil)
        }
    }

    /// Notes what became of an attempt, and tells the nym of what failed for good.
    private func write(_ row: StoredNymMail, _ result: AttemptResult, at now: Timestamp) async throws {
        let notice = try await notice(row, result, at: now)
        try await blocking { [parts] in
            guard !result.mail.open.isEmpty else {
                _ = try parts.store.finishMail(row, notice: notice)
                return
            }
            // The notice first, under a digest of its own: after a crash between the two it is not given twice.
            if let notice { _ = try parts.store.arrive(notice, for: row.account) }
            try parts.store.retryMail(
                row, content: result.mail.encoded, attempts: result.attempts, next: result.next)
        }
        unwritten.withLock { $0[row.id] = nil }
        if notice != nil { parts.counters.count("notices") }
    }

    /// Nil if nothing failed, or there is nobody to tell.
    private func notice(_ row: StoredNymMail, _ result: AttemptResult, at now: Timestamp) async throws -> NewNymItem? {
        guard !result.failures.isEmpty else { return nil }
        return try await blocking { [parts] in
            guard let stored = try parts.store.account(row.account),
                let account = try? NymAccount(decoding: stored.content)
            else { return nil }
            let text = DeliveryNotice(
                domain: parts.settings.domain, mail: result.mail.mail, failures: result.failures, now: now
            ).bytes
            let sealed = try NymSeal.seal(text, to: account.sealing)
            let places = result.failures.map(\.recipient).joined(separator: " ")
            let digest = Array("notice \(row.id) \(places)".utf8).withUnsafeBytes { parts.keys.arrivals.mac($0) }
            return NewNymItem(
                parts: [NewNymPart(.notice, sealed, isWanted: true)], digest: digest, day: NymTiming.day(of: now),
                // A notice has room beside the quota: it is small, and there are no more of them than mails were sent.
                mostItems: Int(Int32.max), mostBytes: UInt64(Int64.max))
        }
    }

    private func deliver(_ waiting: WaitingMail) async -> [(place: Int, outcome: ExitOutcome)] {
        let settings = parts.settings
        // Of whom is known what becomes of him without the mail server.
        var settled: [(place: Int, outcome: ExitOutcome)] = []
        var open: [Int] = []
        for place in waiting.open {
            let recipient = waiting.mail.recipients[place]
            // Who opted out since the request came gets nothing either; and nobody while his wish may not be known.
            switch try? await blocking({ [parts] in parts.declines(recipient) }) {
            case true?: settled.append((place, .refused(.optedOut, code: nil)))
            case false?: open.append(place)
            case nil: settled.append((place, .deferred(.wishesUnknown)))
            }
        }
        guard !open.isEmpty else { return settled }
        do throws(RefusalReason) {
            let recipients = try waiting.mail.recipients.map { text throws(RefusalReason) in try MailRecipient(text) }
            let sender = try MailRecipient("\(waiting.mail.from)@\(settings.domain)")
            let text = try NymMailText(waiting.mail.content, recipients: recipients)
            let composed = try NymMailHead(
                domain: settings.domain, complaints: settings.operatorAddress,
                showsDisplayNames: settings.showsDisplayNames
            ).compose(
                sender: sender, displayName: waiting.mail.displayName, text: text, recipients: recipients,
                token: waiting.token, now: waiting.accepted)
            let mail = SMTPMail(
                envelope: SMTPEnvelope(
                    sender: sender, recipients: open.map { recipients[$0] }, wireBytes: composed.wireBytes,
                    hasEightBit: composed.facts.hasEightBit),
                head: composed.head, body: ExitBody(bytes: composed.body))
            return settled + zip(open, await client.deliver(mail)).map { ($0, $1) }
        } catch {
            return settled + open.map { ($0, .refused(error, code: nil)) }
        }
    }

    /// Trouble that waiting will not help is told.
    private func note(_ reason: DeferralReason) {
        guard reason.concernsOperator else { return }
        if parts.counters.health.current["mail-server"] == nil {
            parts.logger.error("the mail server does not take mail (\(reason.rawValue)); see [smtp]")
        }
        parts.counters.health.set("mail-server", trouble: "it does not take mail: \(reason.rawValue)")
    }
}
