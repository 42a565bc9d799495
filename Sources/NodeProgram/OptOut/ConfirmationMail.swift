// The mails that the door itself sends: one that asks, one that says that it is done. Plain words, no content of anybody's.

internal import Directory
internal import Exits
internal import Messages
internal import WireFormat

/// Writes the door's mails.
struct ConfirmationMail: Sendable {
    let identity: ExitIdentity
    /// The domain of the door.
    let domain: String
    /// Name of the network.
    let network: String

    /// Asks whether it was meant.
    /// - Parameter confirm: where the answer goes.
    func asking(
        _ purpose: OptOutRequests.Purpose, _ address: OptOutAddress, to recipient: MailRecipient,
        confirm: MailRecipient,
        id: [UInt8], now: Timestamp
    ) throws -> SMTPMail {
        let whom = address.isDomain ? "everybody at \(address.host)" : address.text
        let answerer = address.isDomain ? "an address at \(address.host)" : address.text
        let wish: String
        let effect: String
        switch purpose {
        case .optOut:
            wish = "gets no more anonymous mail through the remailers of the network\n\(network)."
            effect =
                "After that no exit of this network sends such mail there any more; it takes up\nto an hour until all know."
        case .optIn:
            wish = "may get anonymous mail through this remailer of the network\n\(network)."
            effect = "After that this exit sends such mail there again."
        }
        let text = """
            Hello,

            somebody, probably you, asked that
                \(whom)
            \(wish)

            To confirm, answer this mail within three days. It does not matter what you
            write. The answer must come from \(answerer), and go to

                \(confirm.address)

            \(effect)

            If it was not you, do nothing: then nothing changes. You get at most one such
            mail a day.

            \(purpose == .optOut ? "You can take it back later: write to \(optIn(address)).\n" : "")Questions and complaints: \(identity.complaints.address)
            """
        let subject =
            purpose == .optOut
            ? "Please confirm: no more anonymous mail" : "Please confirm: anonymous mail is welcome"
        return try mail(subject, text, to: recipient, replyTo: confirm, id: id, now: now)
    }

    /// Says that it is done.
    /// - Parameter stands: what keeps mail away although an opt-out was taken back, a sentence each.
    func done(
        _ purpose: OptOutRequests.Purpose, _ address: OptOutAddress, to recipient: MailRecipient,
        stands: [String] = [], id: [UInt8], now: Timestamp
    ) throws -> SMTPMail {
        let whom = address.isDomain ? "everybody at \(address.host)" : address.text
        let text: String
        switch purpose {
        case .optOut:
            text = """
                Done. This exit sends \(whom)
                no anonymous mail any more, and within an hour no exit of the network
                \(network) does. The senders are told that you declined.

                What is kept is a salted hash of the address, not the address. It is forgotten
                after two years. To take it back before, write to
                \(optIn(address)).

                Questions and complaints: \(identity.complaints.address)
                """
        case .optIn where !stands.isEmpty:
            let reasons = stands.map { "- " + Self.ascii($0) }.joined(separator: "\n")
            text = """
                Taken back at this exit: \(whom).
                But no mail comes as long as this stands:

                \(reasons)

                Should you change your mind, write to \(optOut(address)).
                Questions and complaints: \(identity.complaints.address)
                """
        case .optIn:
            text = """
                Done. This exit may send anonymous mail to
                \(whom) from now on.

                Should you change your mind, write to \(optOut(address)).
                Questions and complaints: \(identity.complaints.address)
                """
        }
        return try mail("Your wish about anonymous mail", text, to: recipient, replyTo: nil, id: id, now: now)
    }

    /// Contacts of other exits are anybody's words.
    private static func ascii(_ text: String) -> String {
        String(text.unicodeScalars.filter { (32...126).contains($0.value) }.map(Character.init).prefix(400))
    }

    private func optIn(_ address: OptOutAddress) -> String {
        "\(address.isDomain ? "optin+domain" : "optin")@\(domain)"
    }
    private func optOut(_ address: OptOutAddress) -> String {
        "\(address.isDomain ? "optout+domain" : "optout")@\(domain)"
    }

    private func mail(
        _ subject: String, _ text: String, to recipient: MailRecipient, replyTo: MailRecipient?, id: [UInt8],
        now: Timestamp
    ) throws -> SMTPMail {
        var fields = [
            try HeaderField("Date", MailDate.text(now, step: identity.dateStep)),
            try HeaderField("From", identity.address.address),
            try HeaderField("To", recipient.address),
            try HeaderField("Message-ID", "<\(Hex.encode(id))@\(identity.address.host)>"),
        ]
        if let replyTo { fields.append(try HeaderField("Reply-To", replyTo.address)) }
        fields += [
            try HeaderField("Subject", subject),
            // No program must answer it (RFC 3834).
            try HeaderField("Auto-Submitted", "auto-generated"),
            try HeaderField("MIME-Version", "1.0"),
            try HeaderField("Content-Type", "text/plain; charset=us-ascii"),
        ]
        let head = fields.flatMap(\.serialized) + [0x0D, 0x0A]
        let body = Array(text.replacing("\n", with: "\r\n").utf8) + [0x0D, 0x0A]
        return SMTPMail(
            envelope: SMTPEnvelope(
                sender: nil, recipients: [recipient], wireBytes: head.count + body.count, hasEightBit: false),
            head: head, body: ExitBody(bytes: body))
    }
}
