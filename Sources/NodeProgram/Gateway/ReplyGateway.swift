// Ordinary mail to a reply address, sent back through the reply blocks that came with the message. Order of the steps, so
// that a crash anywhere neither loses nor doubles an answer: set blocks aside (store of records), give the packets to the
// spool, erase the blocks, say 250. Whoever tries again gets the same blocks and the same packets, and nodes know those.

internal import Exits
internal import Messages
internal import Sphinx
internal import Spool
internal import Synchronization
internal import WireFormat

final class ReplyGateway: LMTPReceiver {
    private let settings: GatewaySettings
    private let pools: ReplyPools
    private let courier: ReplyCourier
    private let clock: @Sendable () -> Timestamp
    private let count: @Sendable (String) -> Void
    /// One mail at a time: two attempts of the same must not meet.
    private let turn = Mutex(())

    /// - Parameter count: told of what happened, `gateway_...`.
    init(
        settings: GatewaySettings, pools: ReplyPools, courier: ReplyCourier,
        clock: @escaping @Sendable () -> Timestamp, count: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.pools = pools
        self.courier = courier
        self.clock = clock
        self.count = count
    }

    /// The reply address that a mail for this recipient offers; nil if there is none.
    func address(for message: MessageID, recipient: String, now: Timestamp) -> MailRecipient? {
        let token = pools.token(message, recipient)
        guard pools.isOffered(token, now: now) else { return nil }
        return try? MailRecipient("\(GatewaySettings.prefix)\(token.text)@\(settings.domain)")
    }

    func check(recipient: String) -> LMTPReply {
        guard let token = token(recipient) else {
            count("gateway_unknown_recipients")
            return Self.unknown
        }
        switch Result(catching: { () throws(SpoolError) in try pools.standing(token, now: clock()) }) {
        case .success(.good): return LMTPReply(250, "2.1.5", "recipient ok")
        case .success(.ended(let time)):
            count("gateway_ended_recipients")
            return LMTPReply(550, "5.1.1", "this reply address ended on \(time)")
        case .success(.usedUp):
            count("gateway_used_recipients")
            return Self.usedUp
        case .success(.unknown):
            count("gateway_unknown_recipients")
            return Self.unknown
        case .failure: return Self.trouble
        }
    }

    func deliver(_ mail: LMTPMail) -> [LMTPReply] {
        guard let answer = GatewayMail(mail.content, sender: mail.sender) else {
            count("gateway_refused_header")
            return mail.recipients.map { _ in LMTPReply(552, "5.3.4", "the header is too long") }
        }
        guard !answer.isAutomatic else {
            count("gateway_automatic")
            return mail.recipients.map { _ in LMTPReply(250, "2.0.0", "automatic mail is not sent on") }
        }
        return mail.recipients.map { recipient in
            guard let token = token(recipient) else { return Self.unknown }
            return turn.withLock { _ in
                do { return try send(answer, token) } catch {
                    count("gateway_deferred")
                    return Self.trouble
                }
            }
        }
    }

    private static let unknown = LMTPReply(550, "5.1.1", "no such reply address")
    private static let usedUp = LMTPReply(550, "5.1.1", "all reply blocks of this address are used up")
    private static let trouble = LMTPReply(451, "4.3.0", "cannot be taken just now; try again later")

    /// The token of `r+TOKEN@domain`.
    private func token(_ recipient: String) -> ReplyToken? {
        let address = recipient.lowercased()
        let suffix = "@\(settings.domain)"
        guard address.hasPrefix(GatewaySettings.prefix), address.hasSuffix(suffix) else { return nil }
        return ReplyToken(address.dropFirst(GatewaySettings.prefix.count).dropLast(suffix.count))
    }

    private func send(_ answer: GatewayMail, _ token: ReplyToken) throws -> LMTPReply {
        let now = clock()
        guard case .good(let message) = try pools.standing(token, now: now) else { return Self.usedUp }
        let digest = answer.digest(token)
        let envelope = try Envelope(recipients: [.drop], bodyKind: .raw)
        let encoded = try MessageEncoder.encode(envelope, body: answer.content)
        let id = digest.withBytes { MessageID(copying: UnsafeRawBufferPointer(rebasing: $0[..<MessageID.byteCount])) }
        let parts = try MessageParts(encoded, id: id)
        // One group: a mail is no longer than 32 parts.
        guard parts.layout.groups == 1, let group = parts.layout.group(0) else {
            return Self.tooLarge(group: nil, left: 0)
        }
        let blocks: [SURB]
        switch try pools.reserve(
            digest, of: message, needed: group.dataShares, wanted: group.totalShares, now: now)
        {
        case .done: return Self.taken
        case .tooFew(0): return Self.usedUp
        case .tooFew(let left):
            count("gateway_too_large")
            return Self.tooLarge(group: group, left: left)
        case .blocks(let surbs): blocks = surbs
        }
        CrashPoint.reached(.answerReserved)
        let shipments = try zip(parts.parts(ofGroup: 0), blocks).map { part, block in
            try courier.shipment(part, through: block, at: now)
        }
        let results = try courier.spool.performAndWait(shipments.map(\.operation))
        guard courier.settle(shipments, results) else { throw SpoolError.busy }
        CrashPoint.reached(.answerEnqueued)
        try pools.finish(digest, of: message)
        count("gateway_answers")
        return Self.taken
    }

    private static let taken = LMTPReply(250, "2.0.0", "on its way")

    private static func tooLarge(group: PartLayout.Group?, left: Int) -> LMTPReply {
        let room = max(0, left * ShareCapacity.full.rawValue - 1024)
        let need = group.map { "this answer needs \($0.dataShares) reply blocks and \(left) are left: " } ?? ""
        return LMTPReply(552, "5.3.4", "\(need)it may have at most \(room) bytes")
    }
}
