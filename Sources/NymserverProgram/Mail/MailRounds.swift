// Mails of nyms on their way to the mail server: tried, tried again with growing pauses, given up after two days or on a clear
// refusal, of which the nym is told. What became of each recipient is noted with the mail, so that none gets it twice but
// after a crash between the mail server's answer and our note: then the Message-ID is the same.

internal import Daemon
internal import Exits
internal import Logging
internal import MixCrypto
internal import NIOPosix
internal import NymProtocol
internal import Spool
internal import WireFormat

/// Sends mails.
struct MailRounds: Sendable {
    let parts: NymserverParts
    let client: SMTPClient

    /// Mails under way at one time.
    static let concurrent = 8
    /// The longest pause between two looks, real time: a request may bring a mail at any moment.
    static let longestPause = Duration.milliseconds(500)

    /// Sends until the task is cancelled.
    func run() async throws {
        while !Task.isCancelled {
            let now = parts.clock.now()
            let count: Int
            do {
                count = try await round(at: now)
                parts.noteStore(nil)
            } catch let error as NymStoreError {
                guard error.isTemporary else { throw CommandFailure("\(error)") }
                parts.noteStore(error)
                count = 0
            }
            guard count < Self.concurrent else { continue }
            try await Task.sleep(for: Self.longestPause)
        }
    }

    /// Tries what is due; how many mails that were.
    func round(at now: Timestamp) async throws -> Int {
        let due = try await blocking { try parts.store.dueMails(now, limit: Self.concurrent) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for mail in due { group.addTask { try await attempt(mail) } }
            try await group.waitForAll()
        }
        return due.count
    }

    private func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    private func attempt(_ row: StoredNymMail) async throws {
        guard var waiting = WaitingMail(decoding: row.content) else {
            parts.counters.count("mails_out", kind: "unreadable")
            _ = try await blocking { [parts] in try parts.store.finishMail(row) }
            return
        }
        let outcomes = await deliver(waiting)
        let now = parts.clock.now()
        var failures: [(recipient: String, reason: DeliveryNotice.Reason)] = []
        for (place, outcome) in outcomes {
            switch outcome {
            case .delivered:
                parts.counters.count("mails_out", kind: "delivered")
                waiting.settle(place)
            case .refused(let reason, let code):
                parts.counters.count("mails_out", kind: "refused")
                failures.append((waiting.mail.recipients[place], .refused(reason, code: code)))
                waiting.settle(place)
            case .deferred(let deferral):
                parts.counters.count("mails_deferred", kind: deferral.reason.rawValue)
                note(deferral.reason)
            }
        }
        var generator = SystemRandomNumberGenerator()
        let attempts = row.attempts + 1
        let lifetime = parts.settings.retries.lifetime
        if !waiting.open.isEmpty {
            switch parts.settings.retries.next(
                deferrals: attempts, now: now, accepted: row.deadline - lifetime, using: &generator)
            {
            case .attempt(let time):
                try await retry(row, waiting, failures, attempts: attempts, at: time, now: now)
                return
            case .expired:
                parts.counters.count("mails_out", kind: "expired", by: waiting.open.count)
                failures += waiting.open.map { (waiting.mail.recipients[$0], .expired) }
            }
        }
        try await finish(row, waiting.mail, failures, at: now)
    }

    /// The mail is tried again for those whose end is not known; of the others the nym is told now.
    private func retry(
        _ row: StoredNymMail, _ waiting: WaitingMail, _ failures: [(recipient: String, reason: DeliveryNotice.Reason)],
        attempts: Int, at time: Timestamp, now: Timestamp
    ) async throws {
        let notice = try await notice(row, waiting.mail, failures, at: now)
        let content = waiting.encoded
        try await blocking { [parts] in
            // The notice first, under a digest of its own: after a crash between the two it is not given twice.
            if let notice { _ = try parts.store.arrive(notice, for: row.account) }
            try parts.store.retryMail(row, content: content, attempts: attempts, next: time)
        }
    }

    private func finish(
        _ row: StoredNymMail, _ mail: NymMail, _ failures: [(recipient: String, reason: DeliveryNotice.Reason)],
        at now: Timestamp
    ) async throws {
        let notice = try await notice(row, mail, failures, at: now)
        _ = try await blocking { [parts] in try parts.store.finishMail(row, notice: notice) }
        if notice != nil { parts.counters.count("notices") }
    }

    /// Nil if nothing failed, or there is nobody to tell.
    private func notice(
        _ row: StoredNymMail, _ mail: NymMail, _ failures: [(recipient: String, reason: DeliveryNotice.Reason)],
        at now: Timestamp
    ) async throws -> NewNymItem? {
        guard !failures.isEmpty else { return nil }
        return try await blocking { [parts] in
            guard let stored = try parts.store.account(row.account),
                let account = try? NymAccount(decoding: stored.content)
            else { return nil }
            let text = DeliveryNotice(domain: parts.settings.domain, mail: mail, failures: failures, now: now).bytes
            let sealed = try NymSeal.seal(text, to: account.sealing)
            let places = failures.map(\.recipient).joined(separator: " ")
            let digest = Array("notice \(row.id) \(places)".utf8).withUnsafeBytes { parts.keys.arrivals.mac($0) }
            return NewNymItem(
                parts: [NewNymPart(.notice, sealed, isWanted: true)], digest: digest, day: NymTiming.day(of: now),
                // A notice has room beside the quota: it is small, and there are no more of them than mails were sent.
                mostItems: .max, mostBytes: .max)
        }
    }

    private func deliver(_ waiting: WaitingMail) async -> [(place: Int, outcome: ExitOutcome)] {
        let open = waiting.open
        let settings = parts.settings
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
            let outcomes = await client.deliver(mail)
            return zip(open, outcomes).map { ($0, $1) }
        } catch {
            return open.map { ($0, .refused(error, code: nil)) }
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
