// The mail that leaves an exit: a head made here, then the sender's body as it is. Notices to recipients stand in the
// head, because a body that is altered is no longer what was signed or encrypted. What a sender may put into the head
// is decided by `HeaderRules`, applied here again whatever the sender's own program did.

public import Messages
public import WireFormat

/// A head ready to be sent, and what the server wants to know beforehand.
public struct ExitMail: Hashable, Sendable {
    /// Header fields and the blank line after them, ASCII, CRLF line ends.
    public let head: [UInt8]
    /// Head and body in bytes with CRLF line ends, before dot-stuffing: the SIZE of RFC 1870.
    public let wireBytes: Int
    /// Whether the body has bytes over 127.
    public let hasEightBit: Bool

    /// Composes the head.
    ///
    /// - Parameters:
    ///   - recipients: what To shows; empty for `undisclosed-recipients`.
    ///   - fields: what the sender set. A display name shows in From, tagged.
    ///   - body: the facts of the body that will follow.
    ///   - token: a keyed digest of the message id (HMAC under a secret of the exit's). It becomes the Message-ID: the
    ///     same at every attempt, so that doubles can be recognised, and telling nobody else the id.
    ///   - texts: what recipients are told.
    ///   - optOut: an address that ends mail to this recipient when it is written to; nil for none.
    ///   - replyTo: where answers go that reach the sender; nil for none.
    ///   - now: the time of the attempt, for Date.
    /// - Throws: why this mail cannot be sent at all; everything a hostile sender can cause ends here.
    public static func compose(
        identity: ExitIdentity, recipients: [MailRecipient], fields: [SenderField: String], body: BodyFacts,
        token: Digest, texts: ExitTexts = ExitTexts(), optOut: MailRecipient? = nil, replyTo: MailRecipient? = nil,
        now: Timestamp
    ) throws(RefusalReason) -> ExitMail {
        if let reason = body.refusal { throw reason }
        let headers: [HeaderField]
        do throws(HeaderViolation) {
            headers = try fieldList(
                identity: identity, recipients: recipients, sender: fields, body: body, token: token,
                texts: texts, optOut: optOut, replyTo: replyTo, now: now)
        } catch {
            throw RefusalReason(error.reason)
        }
        let head = headers.flatMap(\.serialized) + [0x0D, 0x0A]
        return ExitMail(head: head, wireBytes: head.count + body.wireBytes, hasEightBit: body.hasEightBit)
    }

    /// All fields in a fixed order, so that the head does not show which program wrote the mail.
    private static func fieldList(
        identity: ExitIdentity, recipients: [MailRecipient], sender: [SenderField: String], body: BodyFacts,
        token: Digest, texts: ExitTexts, optOut: MailRecipient?, replyTo: MailRecipient?, now: Timestamp
    ) throws(HeaderViolation) -> [HeaderField] {
        let checked = try HeaderRules.senderHeaders(from: sender)
        let displayName = identity.showsDisplayNames ? sender[.displayName] : nil
        let shown = recipients.map(\.address).joined(separator: ", ")
        var headers = [
            try HeaderField("Date", MailDate.text(now, step: identity.dateStep)),
            try HeaderRules.from(
                displayName: displayName, address: identity.address.address, defaultName: identity.senderName),
            try HeaderField("To", shown.isEmpty ? "undisclosed-recipients:;" : shown),
            // 20 of the 32 bytes: more than enough to be unique, and a short line.
            try HeaderField("Message-ID", "<\(Hex.encode(token.bytes.prefix(20)))@\(identity.address.host)>"),
        ]
        if let replyTo { headers.append(try HeaderField("Reply-To", replyTo.address)) }
        if sender[.subject] == nil {
            headers.append(try HeaderField(SenderField.subject.name, identity.defaultSubject))
        }
        headers += checked.filter { SenderField(headerName: $0.name)?.isMIME == false }
        headers += try body.mimeFields(beside: checked.filter { SenderField(headerName: $0.name)?.isMIME == true })
        headers.append(try HeaderField("X-Anonymous", "yes"))
        headers.append(
            try HeaderField("Comments", ExitTexts.filled(texts.comments, identity, optOut: optOut)))
        if let optOut {
            // RFC 2369: mail programs make a button of it.
            headers.append(try HeaderField("List-Help", "<mailto:\(Self.escaped(identity.complaints))>"))
            headers.append(try HeaderField("List-Unsubscribe", "<mailto:\(Self.escaped(optOut))>"))
        }
        return headers
    }

    /// An address in a mailto: URL (RFC 6068), where some characters of addresses mean something else.
    private static func escaped(_ address: MailRecipient) -> String {
        address.address.utf8.map { byte in
            "#$&'*/=?^_`{|}+%".utf8.contains(byte) && byte != UInt8(ascii: "_") && byte != UInt8(ascii: "+")
                ? "%" + Hex.encode([byte]).uppercased() : String(decoding: [byte], as: UTF8.self)
        }.joined()
    }
}
