// What a nym is told of a mail that did not arrive: a mail of the server's own, in plain words.

internal import Exits
internal import Messages
internal import NymProtocol
internal import WireFormat

/// A notice about recipients that a mail did not reach.
struct DeliveryNotice {
    enum Reason: Hashable, Sendable {
        case refused(RefusalReason, code: UInt16?)
        case expired

        var words: String {
            switch self {
            case .expired: "no mail server took the mail for two days, and it is tried no more"
            case .refused(let reason, let code):
                Self.words(reason) + (code.map { " (the mail server's code is \($0))" } ?? "")
            }
        }

        private static func words(_ reason: RefusalReason) -> String {
            switch reason {
            case .recipientRefused: "the mail server does not take mail for this address"
            case .contentRefused: "the mail server refused the mail for what is in it"
            case .tooLarge: "the mail is larger than the mail server takes"
            case .badRecipient: "this is no address that mail can go to"
            case .optedOut: "this address wants no anonymous mail"
            case .longBodyLine: "the mail has a line longer than 998 bytes"
            case .zeroByteInBody: "the mail has a zero byte in it"
            case .badHeader, .longHeader, .badEncodedWord, .badDisplayName: "the mail's header is not well-formed"
            default: "the mail was refused"
            }
        }
    }

    let domain: String
    let mail: NymMail
    let failures: [(recipient: String, reason: Reason)]
    /// When it was found out; the notice tells the day.
    let now: Timestamp

    /// The whole mail, lines ending in CRLF.
    var bytes: [UInt8] {
        let subject = Self.subject(mail.content)
        var lines = [
            "From: mailer-daemon@\(domain)", "To: \(mail.from)@\(domain)",
            "Date: \(MailDate.text(now, step: .days(1)))",
            "Subject: Not delivered" + (subject.isEmpty ? "" : ": \(subject)"),
            "Auto-Submitted: auto-replied", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit", "", "Your mail did not reach:", "",
        ]
        for failure in failures { lines += ["  \(failure.recipient)", "    \(failure.reason.words)", ""] }
        return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    /// The mail's subject, if it is short and plain.
    private static func subject(_ content: [UInt8]) -> String {
        let subject = NymSynopsis(of: content, day: 0).subject
        return String(
            subject.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }.prefix(60).map(Character.init))
    }
}
