import Messages
import TestSupport
import Testing
import WireFormat

@Suite struct OutgoingMailTests {
    private func mail(_ text: String, _ options: OutgoingMail.Options = .init()) throws -> OutgoingMail {
        try OutgoingMail(Array(text.utf8), options: options)
    }

    private func text(_ mail: OutgoingMail) -> String { String(decoding: mail.body, as: UTF8.self) }

    private static let full = """
        Received: from laptop (laptop.home [192.0.2.7])
        \tby mail.example; Sat, 21 Nov 2026 06:30:00 +0000
        From: Alice Liddell <alice@example.org>
        To: bob@example.net
        Cc: carol@example.net
        Bcc: dave@example.net
        Date: Sat, 21 Nov 2026 06:30:00 +0000
        Message-ID: <1@laptop.home>
        Subject: a long
         \tsubject
        MIME-Version: 1.0 (Mac OS X Mail 16.0)
        Content-Type: multipart/mixed;
        \tboundary="b 1"
        content-transfer-encoding: 8bit
        Content-ID: <x@laptop.home>
        Content-Length: 77
        In-Reply-To: your letter <0@elsewhere.example> of yesterday
        References: <a@b> junk
         <c@d>
        X-Mailer: Secret 1.0
        X-Mailer: Secret 2.0
        User-Agent: Secret
        Reply-To: alice@example.org

        --b 1

        From: this line is text
        --b 1--

        """

    @Test(arguments: ["\n", "\r\n"])
    func whatIdentifiesTheSenderIsDropped(lineEnd: String) throws {
        let input = Self.full.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: lineEnd)
        let mail = try mail(input)
        #expect(
            mail.fields == [
                .subject: "a long subject", .mimeVersion: "1.0", .contentType: "multipart/mixed; boundary=\"b 1\"",
                .contentTransferEncoding: "8bit", .inReplyTo: "<0@elsewhere.example>", .references: "<a@b> <c@d>",
            ])
        #expect(
            mail.dropped == [
                "Received", "From", "To", "Cc", "Bcc", "Date", "Message-ID", "Content-ID", "Content-Length", "X-Mailer",
                "User-Agent", "Reply-To",
            ])
        #expect(text(mail) == "--b 1\r\n\r\nFrom: this line is text\r\n--b 1--\r\n")
        let everything = mail.fields.values.joined() + text(mail)
        for secret in ["alice", "Liddell", "laptop", "192.0.2", "Secret", "Mac OS", "carol", "dave"] {
            #expect(!everything.contains(secret))
        }
    }

    @Test func bodiesAreKeptByteForByte() throws {
        var rng = SeededRandom(name: "bodiesAreKeptByteForByte")
        for _ in 0..<40 {
            var body: [UInt8] = []
            for _ in 0..<Int.random(in: 0...20, using: &rng) {
                let line = rng.bytes(Int.random(in: 0...998, using: &rng))
                body += line.map { [0, 0x0A, 0x0D].contains($0) ? 0x2E : $0 } + [0x0D, 0x0A]
            }
            let head = Array("Subject: x\r\nContent-Type: application/x\r\n\r\n".utf8)
            #expect(try OutgoingMail(head + body).body == body)
        }
    }

    @Test(arguments: [
        "", "hello", "hello\n\nFrom: me\n", "Note: buy milk\nLater: more\n\ntext\n", "http://example.org/\nis a link\n",
        "\nFrom: alice@example.org\n", "dear bob,\nTo: be or not to be\n",
    ])
    func plainTextIsBody(input: String) throws {
        let mail = try mail(input)
        var wanted = input.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        if !wanted.isEmpty, !input.hasSuffix("\n") { wanted += "\r\n" }
        #expect(text(mail) == wanted)
        #expect(mail.fields.isEmpty)
        #expect(mail.dropped.isEmpty)
    }

    /// A damaged header must not be taken for text and sent along with the sender's name.
    @Test(arguments: [
        ("From: alice@example.org\nbroken line\n\nhello\n", 2),
        ("From: alice@example.org\nTo: bob@example.org\nhello bob, no empty line\n", 3),
        ("X-Trace: 1\nbroken line\nFrom: alice@example.org\n\nhello\n", 2),
        ("Subject: x\n continued\n=== \nDate: today\n\n", 3),
    ])
    func damagedHeadersAreRefused(input: String, line: Int) {
        #expect(throws: OutgoingMailError.headerLine(line)) { try mail(input) }
    }

    @Test func formsOfHeaderSections() throws {
        #expect(try mail("Subject: only a header").fields == [.subject: "only a header"])
        #expect(try text(mail("Subject: only a header\n\n")) == "")
        #expect(try mail("\u{FEFF}Subject: x\n\nhello").fields == [.subject: "x"])
        let mbox = try mail("From alice@example.org Sat Nov 21 06:30:00 2026\nSubject: x\n\nhello")
        #expect(mbox.fields == [.subject: "x"])
        #expect(mbox.dropped == ["From (mailbox separator)"])
        #expect(try mail("From: a\nSubject:\n\nx").dropped == ["From", "Subject"])
        #expect(try mail("From: a\nIn-Reply-To: nothing\n\nx").dropped == ["From", "In-Reply-To"])
        #expect(throws: OutgoingMailError.repeatedField(.contentType)) {
            try mail("From: a\nContent-Type: text/plain\nContent-Type: text/html\n\nx")
        }
        #expect(throws: OutgoingMailError.headerTooLarge) {
            try mail("From: a\n" + String(repeating: "X-Y: z\n", count: 40_000) + "\nx")
        }
    }

    @Test func optionsReplaceTheMailsOwn() throws {
        let mail = try mail("Subject: old\n\nx", .init(subject: "new", displayName: "Alice", inReplyTo: "<a@b>"))
        #expect(mail.fields == [.subject: "new", .displayName: "Alice", .inReplyTo: "<a@b>"])
        #expect(throws: OutgoingMailError.header(HeaderViolation("Subject", .controlCharacter))) {
            try self.mail("x", .init(subject: "a\r\nBcc: x"))
        }
        #expect(throws: OutgoingMailError.header(HeaderViolation("Subject", .controlCharacter))) {
            try self.mail("x", .init(subject: "\u{FC}\r\nBcc: x"))
        }
        #expect(throws: OutgoingMailError.header(HeaderViolation("display name", .unsafeName))) {
            try self.mail("x", .init(displayName: "a@b"))
        }
        #expect(throws: OutgoingMailError.header(HeaderViolation("In-Reply-To", .malformedMessageID))) {
            try self.mail("x", .init(inReplyTo: "a@b"))
        }
    }

    @Test func textOutsideASCII() throws {
        #expect(try mail("From: a\nSubject: Gr\u{FC}\u{DF}e\n\nx").fields[.subject] == "=?utf-8?b?R3LDvMOfZQ==?=")
        #expect(try mail("From: a\nSubject: =?utf-8?q?=C3=BC?= y\n\nx").fields[.subject] == "=?utf-8?q?=C3=BC?= y")
        // Not an encoded word, so meant as it stands.
        #expect(try mail("x", .init(subject: "1+1=?")).fields[.subject] == "=?utf-8?b?MSsxPT8=?=")
        #expect(
            try mail("Gr\u{FC}\u{DF}e").fields == [
                .mimeVersion: "1.0", .contentType: "text/plain; charset=utf-8", .contentTransferEncoding: "8bit",
            ])
        #expect(try OutgoingMail([0x47, 0x72, 0xFC]).fields[.contentType] == "text/plain; charset=unknown-8bit")
        #expect(throws: OutgoingMailError.notUTF8(.subject)) {
            try OutgoingMail(Array("Subject: ".utf8) + [0xFC] + Array("\n\nx".utf8))
        }
        #expect(throws: OutgoingMailError.header(HeaderViolation("Content-Type", .notASCII))) {
            try mail("Subject: x\nContent-Type: text/plain; name=\u{FC}\n\nx")
        }
    }

    @Test func whatMailCannotCarryIsRefusedWithAdvice() {
        let long = "Subject: x\n\nshort\n" + String(repeating: "x", count: 999) + "\n"
        #expect(throws: OutgoingMailError.body(.lineTooLong(line: 2))) { try mail(long) }
        #expect(OutgoingMailError.body(.lineTooLong(line: 2)).description.contains("mime"))
        #expect(throws: OutgoingMailError.body(.zeroByte(line: 1))) { try mail("Subject: x\n\na\0") }
        #expect(throws: OutgoingMailError.header(HeaderViolation("Content-Transfer-Encoding", .unsupportedEncoding))) {
            try mail("Subject: x\nContent-Transfer-Encoding: binary\n\na")
        }
    }

    @Test func longThreadsKeepTheirEnds() throws {
        let ids = (0..<300).map { "<message-number-\($0)@example.org>" }
        let mail = try mail("References: \(ids.joined(separator: "\n "))\nFrom: a\n\nx")
        let kept = try #require(mail.fields[.references]).split(separator: " ").map(String.init)
        #expect(kept.first == ids.first)
        #expect(kept.dropFirst() == ids.suffix(kept.count - 1)[...])
        #expect(kept.count > 50 && kept.count <= 100)
    }

    @Test func recipientsAreNeverTakenFromTheMail() throws {
        let mail = try mail("To: bob@example.net\n\nx")
        #expect(throws: EnvelopeError.noRecipient) { try mail.envelope(to: []) }
        #expect(EnvelopeError.noRecipient.description.contains("name a recipient with --to"))
        #expect(try mail.envelope(to: [Address("bob@example.net")]).bodyKind == .rfc5322)
    }

    /// Whatever bytes come in, what goes out passes the exit's checks.
    @Test func outputAlwaysPassesTheExit() throws {
        var rng = SeededRandom(name: "outputAlwaysPassesTheExit")
        let pieces = [
            "From: a", "Subject: ", "Subject: x\u{FC}", "\n", "\r\n", "\n\n", " ", "\t", ":", "=?utf-8?q?a?=",
            "References: <a@b>",
            "Content-Type: text/plain", "\u{0}", "\r", "x", "\u{FEFF}", "From ", "\u{85}",
            String(repeating: "y ", count: 400),
        ]
        var accepted = 0
        for _ in 0..<3000 {
            let input = (0..<Int.random(in: 1...9, using: &rng)).map { _ in pieces.randomElement(using: &rng) ?? "" }
                .joined()
            guard let mail = try? OutgoingMail(Array(input.utf8)) else { continue }
            accepted += 1
            let headers = try HeaderRules.senderHeaders(from: mail.fields)
            #expect(headers.allSatisfy { !$0.serialized.isEmpty })
            var check = MailBodyCheck()
            try check.consume(mail.body)
            try check.finish()
            #expect(throws: Never.self) { try mail.envelope(to: [.drop]) }
        }
        #expect(accepted > 200)
    }
}
