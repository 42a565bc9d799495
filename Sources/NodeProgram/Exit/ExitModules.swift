// Composes mails and hands them to what delivers them. When and how often is the desk's business.

internal import Exits
internal import Messages
internal import MixCrypto
internal import NIOPosix
internal import Spool
internal import Synchronization
internal import WireFormat

/// The modules of an exit.
final class ExitModules: Sendable {
    private let settings: ExitSettings
    private let spool: Spool
    private let tokenKey: SymmetricSecret
    private let bodyLimit: Int
    private let replyAddress: @Sendable (MessageID, String, Timestamp) -> MailRecipient?
    private let wishes: RecipientWishes
    private let count: @Sendable (ExitEvent) -> Void
    private let smtp: SMTPClient?
    private let lmtp: [LMTPAddress: SMTPClient]
    private let programs: ProgramDelivery
    private let limits: Mutex<Limits>
    private let threads: NIOThreadPool

    /// Mails that are composed at the same time: a flood to people who opted out, each of whom costs a slow hash, delays the
    /// flood and other mail, and nothing else of the node.
    private static let composers = 2

    /// What keeps a mail back that could be delivered.
    private struct Limits {
        var flood: BodyFlood?
        var bytes: [ExitModule: ByteBudget]
        /// Deliveries that were let pass: a later attempt of one costs nothing.
        var admitted: Set<Int64> = []
        private var generator = SystemRandomNumberGenerator()

        init(flood: BodyFlood?, bytes: [ExitModule: ByteBudget]) {
            self.flood = flood
            self.bytes = bytes
        }

        /// The day's key for fingerprints of bodies; nil if they are not counted.
        mutating func salt(now: Timestamp) -> UInt64? { flood?.salt(now: now, using: &generator) }
    }

    /// - Throws: `SMTPSettingsError`.
    init(
        settings: ExitSettings, spool: Spool, tokenKey: SymmetricSecret, bodyLimit: Int,
        replyAddress: @escaping @Sendable (MessageID, String, Timestamp) -> MailRecipient?, wishes: RecipientWishes,
        count: @escaping @Sendable (ExitEvent) -> Void
    ) throws {
        self.settings = settings
        self.spool = spool
        self.tokenKey = tokenKey
        self.bodyLimit = bodyLimit
        self.replyAddress = replyAddress
        self.wishes = wishes
        self.count = count
        smtp = try settings.smtp.map { try SMTPClient(settings: $0, count: count) }
        var servers: [LMTPAddress: SMTPClient] = [:]
        for address in settings.lmtpServers {
            let server = SMTPSettings(lmtp: address, helloName: settings.identity.address.host)
            servers[address] = try SMTPClient(settings: server, count: count)
        }
        lmtp = servers
        threads = NIOThreadPool(numberOfThreads: Self.composers)
        threads.start()
        programs = ProgramDelivery(limit: settings.programTime)
        limits = Mutex(
            Limits(
                flood: settings.sameBody > 0 ? BodyFlood(limit: settings.sameBody) : nil,
                bytes: settings.hourlyBytes.mapValues { ByteBudget(hourly: $0) }))
    }

    /// Mails that a module may have under way.
    func concurrency(of module: ExitModule) -> Int {
        module == .program ? ProgramDelivery.concurrency : settings.concurrentDeliveries
    }

    func target(_ delivery: PendingDelivery) throws(RefusalReason) -> ExitTarget {
        guard let address = try? Address(canonical: delivery.recipient) else { throw .badRecipient }
        return try settings.target(address, wishes)
    }

    /// A delivery has ended.
    func forget(_ id: DeliveryRowID) {
        limits.withLock {
            $0.admitted.remove(id.number)
            $0.flood?.forget(id.number)
        }
    }

    func close() async {
        await smtp?.close()
        for client in lmtp.values { await client.close() }
        try? await threads.shutdownGracefully()
    }

    /// What became of an attempt; a mail that is kept back says until when.
    struct Attempt: Sendable {
        var outcome: ExitOutcome
        var notBefore: Timestamp?
    }

    /// Whether the recipient wants mail cannot be said now.
    private struct WishesUnknown: Error {}

    private struct Composed: Sendable {
        let target: ExitTarget
        let mail: ExitMail
        let body: ExitBody
        let token: Digest
        let fingerprint: BodyFingerprint?
    }

    func deliver(_ delivery: PendingDelivery, now: Timestamp) async -> Attempt {
        let composed: Result<Composed, RefusalReason>
        do {
            // Disk, scanning, and hashes of those who opted out: not on the cooperative pool, nor where others read bodies.
            composed = try await threads.runIfActive { [self] in try compose(delivery, now: now) }
        } catch is WishesUnknown {
            return Attempt(outcome: .deferred(.wishesUnknown))
        } catch {
            return Attempt(outcome: .deferred(.bodyUnreadable))
        }
        switch composed {
        case .failure(let reason): return Attempt(outcome: .refused(reason, code: nil))
        case .success(let mail):
            if let kept = keptBack(delivery.id, mail, now: now) { return kept }
            return Attempt(outcome: await hand(mail))
        }
    }

    /// - Throws: what the disk or the message's form is to blame for.
    private func compose(_ delivery: PendingDelivery, now: Timestamp) throws -> Result<Composed, RefusalReason> {
        let target: ExitTarget
        do throws(RefusalReason) { target = try self.target(delivery) } catch { return .failure(error) }
        let outside = target.outside
        // He may have said so since the message came.
        if let outside {
            guard let declines = wishes.declines(outside) else { throw WishesUnknown() }
            if declines { return .failure(.optedOut) }
        }
        let stored = try StoredMessage(bodyLimit: bodyLimit) { [spool] () throws(SpoolError) in
            try spool.openFile(delivery.file)
        }
        let salt = outside == nil ? nil : limits.withLock { $0.salt(now: now) }
        var fingerprinting = salt.map { BodyFingerprinting(salt: $0) }
        var facts = try stored.body.facts { fingerprinting?.update($0) }
        let link = outside.flatMap { wishes.optOutLink($0) }
        var body = stored.body
        let fields = stored.envelope.fields
        if outside != nil, settings.footer == .text, BodyFooter.isPossible(fields: fields, body: facts) {
            let footer = settings.texts.bodyFooter(settings.identity, optOut: link)
            body = body.followed(by: footer)
            facts = facts.followed(by: footer)
        }
        // What came from no message is named by its file.
        let name = delivery.message == MessageID() ? delivery.file.hex : delivery.message.hex
        let token = Array((name + " " + delivery.recipient).utf8).withUnsafeBytes { tokenKey.mac($0) }
        let replyTo =
            stored.envelope.replyBlocks.isEmpty ? nil : replyAddress(delivery.message, delivery.recipient, now)
        do throws(RefusalReason) {
            let mail = try ExitMail.compose(
                identity: settings.identity, recipients: target.shown.map { [$0] } ?? [], fields: fields, body: facts,
                token: token, texts: settings.texts, optOut: link, replyTo: replyTo, now: now)
            return .success(
                Composed(
                    target: target, mail: mail, body: body, token: token,
                    fingerprint: fingerprinting.flatMap { $0.finish() }))
        } catch {
            return .failure(error)
        }
    }

    /// Nil for a mail that may go now.
    private func keptBack(_ id: DeliveryRowID, _ mail: Composed, now: Timestamp) -> Attempt? {
        limits.withLock { limits in
            guard !limits.admitted.contains(id.number) else { return nil }
            let module = mail.target.module
            if let until = limits.bytes[module]?.take(mail.mail.wireBytes, now: now) {
                return Attempt(outcome: .deferred(.bandwidth), notBefore: until)
            }
            if let print = mail.fingerprint, let until = limits.flood?.take(print, mail: id.number, now: now) {
                limits.bytes[module]?.give(mail.mail.wireBytes)
                return Attempt(outcome: .deferred(.sameBody), notBefore: until)
            }
            limits.admitted.insert(id.number)
            return nil
        }
    }

    private func hand(_ it: Composed) async -> ExitOutcome {
        switch it.target {
        case .maildir(let path):
            let result = await MaildirDelivery(path: path).deliver(head: it.mail.head, body: it.body, token: it.token)
            if result.wasThere { count(.alreadyDelivered) }
            return result.outcome
        case .mail(let recipient): return await hand(it, to: recipient, by: smtp)
        case .lmtp(let server, let recipient): return await hand(it, to: recipient, by: lmtp[server])
        case .program(let program, let recipient):
            return await programs.deliver(
                program, sender: settings.bounces?.address ?? "", recipient: recipient.address, head: it.mail.head,
                body: it.body)
        }
    }

    private func hand(_ it: Composed, to recipient: MailRecipient, by client: SMTPClient?) async -> ExitOutcome {
        guard let client else { return .deferred(.unreachable) }
        let mail = SMTPMail(it.mail, sender: settings.bounces, recipients: [recipient], body: it.body)
        return await client.deliver(mail).first ?? .deferred(.unknown)
    }
}
