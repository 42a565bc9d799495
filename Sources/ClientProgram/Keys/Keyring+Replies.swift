// The secrets of reply blocks. Each identity has secrets of its own, so that an answer to one can never be taken for an
// answer to another: who could make us mix them up would know that both are ours.

internal import Messages
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// What can be told of an identity.
struct IdentityInfo: Hashable, Sendable {
    let name: String
    /// When its first secret that is still kept was made.
    let since: Timestamp
    /// How many secrets open its answers.
    let secrets: Int
    /// Until when its newest secret makes reply blocks.
    let makesUntil: Timestamp
}

/// An answer that one of our reply blocks brought.
struct OpenedReply: Sendable {
    /// Whose reply block it was.
    let identity: String
    /// 25,620 bytes.
    let content: [UInt8]
    /// Opens a part that another node sealed.
    let messageKey: SymmetricSecret
}

/// How long secrets of reply blocks live.
enum SURBSecretSchedule {
    /// The identity that receipts come back to.
    static let receipts = "receipts"
    /// Who one is without a name.
    static let standard = "default"
    /// New reply blocks are made with a secret for so long.
    static let making = Interval.days(90)
    /// A secret opens answers for so long after the next one was made. No block of ours lives longer than
    /// `ReplyBlockPeriods.longestLife`, 60 days, so that every answer has 30 days more to be fetched and read.
    static let opening = Interval.days(90)

    /// The secret of `identity` that makes blocks at `now`.
    static func current(_ secrets: [SURBSecret], identity: String, at now: Timestamp) -> SURBSecret? {
        secrets.filter { $0.identity == identity && $0.created <= now && now < $0.created + making }
            .max { $0.created < $1.created }
    }

    /// Whether `secret` has a successor that is old enough. What decides is the successor's age and not the secret's own:
    /// a clock that is years ahead for an hour then destroys nothing.
    static func isSpent(_ secret: SURBSecret, among secrets: [SURBSecret], at now: Timestamp) -> Bool {
        secrets.contains {
            $0.identity == secret.identity && $0.created > secret.created && $0.created + opening <= now
        }
    }
}

extension Keyring {
    private var surbSecrets: [SURBSecret] { items.compactMap(\.surbSecret) }

    /// Identities, by name.
    func identities() -> [IdentityInfo] {
        Dictionary(grouping: surbSecrets, by: \.identity).map { name, secrets in
            let times = secrets.map(\.created)
            let oldest = times.min() ?? Timestamp(milliseconds: 0)
            let newest = times.max() ?? oldest
            return IdentityInfo(
                name: name, since: oldest, secrets: secrets.count, makesUntil: newest + SURBSecretSchedule.making)
        }.sorted { $0.name < $1.name }
    }

    /// Makes reply blocks of `identity`. Makes the identity if there is none of this name, and the next secret every three
    /// months; secrets that no answer can need any more go then.
    /// - Throws: `KeyringError`.
    func currentMaker(identity: String, at now: Timestamp) throws -> SURBMaker {
        let identity = try EntryName.check(identity, of: "an identity")
        if let secret = SURBSecretSchedule.current(surbSecrets, identity: identity, at: now) { return secret.maker }
        return try change { items in
            let secrets = items.compactMap(\.surbSecret)
            // Another process may have been faster.
            if let secret = SURBSecretSchedule.current(secrets, identity: identity, at: now) { return secret.maker }
            items.removeAll { item in
                item.surbSecret.map { SURBSecretSchedule.isSpent($0, among: secrets, at: now) } ?? false
            }
            let created = Timestamp(seconds: now.seconds)
            let secret = SURBSecret(identity: identity, created: created, secret: try .random())
            items.append(.surbSecret(secret))
            return secret.maker
        }
    }

    /// Opens an answer with whichever secret made its reply block; nil if none of ours did.
    /// - Throws: `SURBError.damaged` if it is ours and was changed on its way.
    func openReply(_ record: ReplyRecord) throws(SURBError) -> OpenedReply? {
        let info = try ReplyInfo(record.surb.bytes + record.sealedKeys)
        // The newest first: most answers are to blocks made lately.
        for secret in surbSecrets.reversed() {
            do throws(SURBError) {
                let (content, messageKey) = try secret.maker.open(info, payload: record.payload)
                return OpenedReply(identity: secret.identity, content: content, messageKey: messageKey)
            } catch {
                guard error == .notOurs else { throw error }
            }
        }
        return nil
    }
}

extension SURBSecret {
    fileprivate var maker: SURBMaker { SURBMaker(secret: SymmetricSecret(secret.bytes)) }
}
