// What the writer of a mail is told when it has not arrived: a mail from the gateway itself. Pure.

internal import Messages
internal import MixCrypto
internal import WireFormat

/// A notice about one recipient of a mail.
struct GatewayNotice: Equatable, Sendable {
    let recipient: String
    /// As `nightjar sent` says it.
    let status: String
    /// What the recipient's mail server answered; 0 for nothing.
    let code: UInt16
    /// Message-ID of the mail as its writer has it; empty for none.
    let messageID: String
    let made: Timestamp
    /// As `nightjar sent` shows it.
    let id: String
    /// What the nym's server said, for mail of a nym.
    var answer: String?

    /// Ends of a message that its writer does not expect.
    static let failures: Set<String> = ["refused", "declined", "expired", "not sent", "unknown"]

    private var reason: String {
        if let answer { return "The nym's server has not sent it: \(Printable.text(answer))" }
        return switch status {
        case "refused":
            code == 0
                ? "The exit's rules refuse mail to this address."
                : "The recipient's mail server refused it (code \(code))."
        case "declined": "The recipient wants no anonymous mail, or none from senders that were not introduced."
        case "expired": "The exit tried until its time was over, and the recipient's mail server never took it."
        case "not sent":
            "No packet of it could be made in time: there was no path, or `nightjar run` or `nightjar gateway` did not run."
        default: "Nothing was heard of it in time. It may have arrived all the same."
        }
    }

    private var advice: String {
        if answer != nil { return "What can be done about it, `nightjar nym status` says." }
        return switch status {
        case "refused", "declined": "Sending it again will not help."
        default: "You can send it again."
        }
    }

    /// Header fields and the empty line.
    func head(now: Timestamp) -> [UInt8] {
        var fields = [
            ("Date", ReceivedMessage.date(now)), ("From", "\"Nightjar gateway\" <gateway@nightjar.invalid>"),
            ("To", SealedMailText.sender), ("Subject", "Not delivered: mail to \(Printable.text(recipient))"),
            ("Message-ID", "<\(Hex.encode(token.bytes.prefix(20)))@nightjar.invalid>"),
            ("Auto-Submitted", "auto-replied"),
            ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8"),
        ]
        if !messageID.isEmpty {
            fields.append(("In-Reply-To", messageID))
            fields.append(("References", messageID))
        }
        return fields.compactMap { try? HeaderField($0.0, $0.1) }.flatMap(\.serialized) + [0x0D, 0x0A]
    }

    var body: [UInt8] {
        let verb = status == "unknown" ? "is not known to have arrived" : "was not delivered"
        let lines = [
            "Your mail of \(ReceivedMessage.date(made)) to", "", "    \(Printable.text(recipient))", "",
            "\(verb): \(status).", reason, advice, "",
            answer == nil ? "Details: nightjar sent \(id)" : "It was mail \(id).",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    /// The same for the same end of the same mail.
    var token: Digest { Digest.sha256(Array("nightjar/1 gateway notice\n\(id)\n\(recipient)\n\(status)".utf8)) }
}
