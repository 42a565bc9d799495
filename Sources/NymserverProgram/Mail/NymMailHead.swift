// The head of a mail that leaves as a nym. From, Date, Message-ID and the notice to recipients are the server's; the nym has
// its subject, its threading and its MIME fields, checked again.

internal import Exits
internal import Messages
internal import WireFormat

/// What the server says of itself in mails of nyms.
struct NymMailHead {
    let domain: String
    /// Where recipients complain.
    let complaints: MailRecipient
    let showsDisplayNames: Bool

    /// Date is rounded down to this, so that it adds nothing to what mail servers write.
    static let dateStep = Interval.hours(1)

    /// One mail, ready for a mail server.
    struct Composed: Sendable {
        let head: [UInt8]
        let body: [UInt8]
        let facts: BodyFacts

        var wireBytes: Int { head.count + facts.wireBytes }
    }

    /// - Parameters:
    ///   - sender: the nym's address.
    ///   - displayName: shown before it; may be empty.
    ///   - token: becomes the Message-ID: the same at every attempt.
    ///   - now: when the mail was accepted; Date is the same at every attempt too.
    func compose(
        sender: MailRecipient, displayName: String, text: NymMailText, recipients: [MailRecipient], token: Digest,
        now: Timestamp
    ) throws(RefusalReason) -> Composed {
        var scan = BodyScan()
        scan.update(text.body)
        let facts = scan.finish()
        if let reason = facts.refusal { throw reason }
        do throws(HeaderViolation) {
            let fields = try fields(sender, displayName, text, recipients, facts, token, now)
            return Composed(head: fields.flatMap(\.serialized) + [0x0D, 0x0A], body: text.body, facts: facts)
        } catch {
            throw RefusalReason(error.reason)
        }
    }

    /// In a fixed order, so that the head does not show which program wrote the mail.
    private func fields(
        _ sender: MailRecipient, _ displayName: String, _ text: NymMailText, _ recipients: [MailRecipient],
        _ facts: BodyFacts, _ token: Digest, _ now: Timestamp
    ) throws(HeaderViolation) -> [HeaderField] {
        let checked = try HeaderRules.senderHeaders(from: text.fields.filter { $0.key.isHeader })
        let shown = recipients.count == 1 ? recipients : text.shown
        var fields = [
            try HeaderField("Date", MailDate.text(now, step: Self.dateStep)),
            try from(sender, displayName),
            try HeaderField(
                "To", shown.isEmpty ? "undisclosed-recipients:;" : shown.map(\.address).joined(separator: ", ")),
            // 20 of the 32 bytes: more than enough to be unique, and a short line.
            try HeaderField("Message-ID", "<\(Hex.encode(token.bytes.prefix(20)))@\(domain)>"),
        ]
        fields += checked.filter { SenderField(headerName: $0.name)?.isMIME == false }
        fields += try facts.mimeFields(beside: checked.filter { SenderField(headerName: $0.name)?.isMIME == true })
        fields.append(
            try HeaderField(
                "Comments",
                "The writer of this message uses a pseudonym; the operator of \(domain) does not know who it is. "
                    + "Complaints and requests to receive no more: \(complaints.address)"))
        fields.append(try HeaderField("List-Help", "<mailto:\(complaints.address)?subject=\(sender.address)>"))
        return fields
    }

    /// The name stands before the address untagged, for it is the nym's own; letters and marks alone, so that it is never an
    /// address and hides nothing. One that is not allowed is left out.
    private func from(_ sender: MailRecipient, _ displayName: String) throws(HeaderViolation) -> HeaderField {
        if showsDisplayNames, !displayName.isEmpty,
            let field = try? HeaderRules.from(displayName: nil, address: sender.address, defaultName: displayName)
        {
            return field
        }
        return try HeaderField("From", sender.address)
    }
}
