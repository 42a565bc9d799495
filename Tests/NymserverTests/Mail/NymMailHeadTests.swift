import Exits
import Messages
import MixCrypto
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("The head of a nym's mail")
struct NymMailHeadTests {
    static let now = Timestamp(seconds: 1_795_300_123)

    static func mail(
        _ content: String, to recipients: [String] = ["bob@example.org"], name: String = "", shows: Bool = true
    ) throws -> String {
        let addresses = try recipients.map { try MailRecipient($0) }
        let text = try NymMailText(Array(content.utf8), recipients: addresses)
        let head = NymMailHead(
            domain: "nym.example", complaints: try MailRecipient("you@example.org"), showsDisplayNames: shows)
        let composed = try head.compose(
            sender: try MailRecipient("alice@nym.example"), displayName: name, text: text, recipients: addresses,
            token: Digest.sha256([1, 2, 3]), now: now)
        return String(decoding: composed.head + composed.body, as: UTF8.self)
    }

    @Test("From, Date, Message-ID and the notice are the server's; subject, threading and MIME are the nym's")
    func fields() throws {
        let mail = try Self.mail(
            "Subject: hello\r\nFrom: root@bank.example\r\nReceived: by home\r\nBcc: eve@example.org\r\nX-Mailer: m\r\n"
                + "In-Reply-To: <a@b.example>\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n\r\ntext\r\n")
        let lines = mail.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.contains("From: alice@nym.example"))
        #expect(lines.contains("To: bob@example.org"))
        #expect(lines.contains("Subject: hello") && lines.contains("In-Reply-To: <a@b.example>"))
        #expect(lines.contains("Content-Type: text/plain; charset=utf-8") && lines.contains("MIME-Version: 1.0"))
        #expect(lines.contains { $0.hasPrefix("Date: ") && $0.hasSuffix(":00:00 +0000") })
        #expect(mail.contains("Complaints and requests") && mail.contains("you@example.org"))
        for word in ["bank.example", "Received", "Bcc", "eve@", "X-Mailer", "home"] { #expect(!mail.contains(word)) }
        #expect(mail.hasSuffix("\r\n\r\ntext\r\n"))
    }

    @Test("a display name stands untagged, one that could pass for an address is left out")
    func names() throws {
        #expect(try Self.mail("\r\nx\r\n", name: "Alice B.").contains("From: \"Alice B.\" <alice@nym.example>\r\n"))
        for name in ["root@bank.example", "a\" <b@c>", "\u{202E}x", "a\r\nBcc: x@y"] {
            #expect(try Self.mail("\r\nx\r\n", name: name).contains("From: alice@nym.example\r\n"))
        }
        #expect(try Self.mail("\r\nx\r\n", name: "Alice", shows: false).contains("From: alice@nym.example\r\n"))
    }

    @Test("recipients that To and Cc do not name are shown to nobody")
    func recipients() throws {
        let both = ["bob@example.org", "carol@example.org"]
        #expect(try Self.mail("\r\nx\r\n", to: both).contains("To: undisclosed-recipients:;"))
        let shown = try Self.mail("To: Bob <bob@example.org>, dan@example.org\r\n\r\nx\r\n", to: both)
        #expect(shown.contains("To: bob@example.org\r\n") && !shown.contains("carol") && !shown.contains("dan"))
    }

    @Test("a body without header fields begins after the empty line, and a broken header is refused")
    func broken() throws {
        #expect(try Self.mail("\r\nonly text\r\n").hasSuffix("\r\n\r\nonly text\r\n"))
        for content in [
            "no header\r\n\r\nx\r\n", " folded\r\n\r\n", "Subject: a\r\nSubject: b\r\n\r\n", "Subject: a\n\nx\n",
        ] {
            #expect(throws: RefusalReason.self) { try Self.mail(content) }
        }
        #expect(throws: RefusalReason.self) { try Self.mail("Subject: =?utf-8?q?=0d=0aBcc:_x?=\r\n\r\nx\r\n") }
    }
}
