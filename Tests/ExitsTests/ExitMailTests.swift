import Exits
import Messages
import TestSupport
import Testing
import WireFormat

@Suite struct ExitMailTests {
    let identity: ExitIdentity
    let alice: MailRecipient
    let token = Digest.init(Array(0..<32)) ?? Digest()
    /// 2026-11-21 06:48:19, a Saturday.
    let now = Timestamp("2026-11-21T06:48:19Z") ?? Timestamp(seconds: 0)

    init() throws {
        identity = ExitIdentity(
            address: try MailRecipient("anonymous@exit.example"), complaints: try MailRecipient("abuse@exit.example"))
        alice = try MailRecipient("alice@example.org")
    }

    private func facts(_ text: String) throws -> BodyFacts { try ExitBody(bytes: Array(text.utf8)).facts() }

    private func head(_ fields: [SenderField: String] = [:], body: String = "hello\n", to: [MailRecipient]? = nil)
        throws -> String
    {
        let mail = try ExitMail.compose(
            identity: identity, recipients: to ?? [alice], fields: fields, body: facts(body), token: token, now: now)
        return String(decoding: mail.head, as: UTF8.self)
    }

    @Test func theHeadOfAPlainMail() throws {
        let text = try head()
        #expect(
            text.hasPrefix(
                """
                Date: Sat, 21 Nov 2026 06:00:00 +0000\r
                From: "\(HeaderRules.anonymousName)" <anonymous@exit.example>\r
                To: alice@example.org\r
                Message-ID: <000102030405060708090a0b0c0d0e0f10111213@exit.example>\r
                Subject: Anonymous message\r
                X-Anonymous: yes\r
                Comments: This message came
                """))
        #expect(text.hasSuffix("abuse@exit.example\r\n\r\n"))
        #expect(!text.contains("MIME"))
        #expect(text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 })
    }

    @Test func theOperatorNamesTheNameless() throws {
        func from(_ name: String, _ fields: [SenderField: String] = [:]) throws -> String? {
            var identity = identity
            identity.senderName = name
            let mail = try ExitMail.compose(
                identity: identity, recipients: [alice], fields: fields, body: facts("x\n"), token: token, now: now)
            return String(decoding: mail.head, as: UTF8.self).split(separator: "\r\n").first { $0.hasPrefix("From: ") }
                .map(String.init)
        }
        #expect(try from("Nobody known") == "From: \"Nobody known\" <anonymous@exit.example>")
        #expect(try from("Jemand Gr\u{FC}n")?.hasPrefix("From: =?utf-8?") == true)
        #expect(
            try from("Nobody", [.displayName: "Ada"])
                == "From: \"Ada \(HeaderRules.displayNameTag)\" <anonymous@exit.example>")
        #expect(throws: RefusalReason.badDisplayName) { try from("ceo@bank.example") }
    }

    @Test func dateIsRoundedDownInUTC() throws {
        for (time, step, expected) in [
            ("1970-01-01T00:59:59Z", Interval.hours(1), "Thu, 01 Jan 1970 00:00:00 +0000"),
            ("2024-02-29T23:59:59Z", .hours(1), "Thu, 29 Feb 2024 23:00:00 +0000"),
            ("2024-02-29T23:59:59Z", .days(1), "Thu, 29 Feb 2024 00:00:00 +0000"),
            ("2027-12-31T12:34:56Z", .milliseconds(0), "Fri, 31 Dec 2027 12:34:56 +0000"),
        ] {
            var identity = identity
            identity.dateStep = step
            let mail = try ExitMail.compose(
                identity: identity, recipients: [alice], fields: [:], body: facts(""), token: token,
                now: try #require(Timestamp(time)))
            #expect(String(decoding: mail.head, as: UTF8.self).hasPrefix("Date: \(expected)\r\n"))
        }
    }

    @Test func theSenderSetsWhatHeMay() throws {
        let text = try head([
            .subject: "Grüße", .inReplyTo: "<a@b>", .references: "<a@b> <c@d>", .displayName: "Robin Hood",
            .contentType: "text/plain; charset=utf-8",
        ])
        #expect(text.contains("From: \"Robin Hood \(HeaderRules.displayNameTag)\" <anonymous@exit.example>\r\n"))
        #expect(text.contains("Subject: =?utf-8?b?"))
        #expect(text.contains("References: <a@b> <c@d>\r\n"))
        #expect(text.contains("MIME-Version: 1.0\r\n"))
        #expect(!text.contains("Anonymous message"))
        // The display name is no field of its own.
        #expect(!text.contains("display name"))
    }

    @Test func displayNamesCanBeTurnedOff() throws {
        var identity = identity
        identity.showsDisplayNames = false
        let mail = try ExitMail.compose(
            identity: identity, recipients: [alice], fields: [.displayName: "Robin Hood"], body: facts(""),
            token: token, now: now)
        #expect(!String(decoding: mail.head, as: UTF8.self).contains("Robin"))
    }

    @Test func eightBitBodiesAreDeclared() throws {
        let plain = try head(body: "Grüße\n")
        #expect(
            plain.contains(
                "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"))
        let declared = try head([.contentType: "text/html; charset=iso-8859-1"], body: "Grüße\n")
        #expect(declared.contains("Content-Transfer-Encoding: 8bit\r\n"))
        #expect(!declared.contains("text/plain"))
        let encoded = try head([.contentTransferEncoding: "base64", .mimeVersion: "1.0"], body: "Grüße\n")
        #expect(!encoded.contains("8bit") && !encoded.contains("text/plain"))
    }

    @Test func toMayBeHiddenOrShowAll() throws {
        #expect(try head(to: []).contains("To: undisclosed-recipients:;\r\n"))
        let bob = try MailRecipient("bob@example.org")
        #expect(try head(to: [alice, bob]).contains("To: alice@example.org, bob@example.org\r\n"))
    }

    @Test(
        arguments: [
            ([.subject: "x\r\nBcc: victim@example.org"], .badHeader), ([.subject: "x\u{0}y"], .badHeader),
            ([.subject: "x\ny"], .badHeader), ([.subject: "=?utf-8?B?DQpCY2M6IHg=?="], .badEncodedWord),
            ([.subject: "=?utf-8?Q?a=0D=0Ab?="], .badEncodedWord), ([.subject: "=?utf-7?Q?abc?="], .badEncodedWord),
            ([.subject: String(repeating: "x", count: 999)], .longHeader),
            ([.subject: String(repeating: "x ", count: 2000)], .longHeader),
            ([.displayName: "\" <ceo@bank.example>"], .badDisplayName),
            ([.displayName: "ceo@bank.example"], .badDisplayName),
            ([.displayName: "x\u{202E}y"], .badDisplayName), ([.displayName: "a\r\nb"], .badDisplayName),
            ([.references: "nonsense"], .badHeader), ([.mimeVersion: "2.0"], .badHeader),
            ([.contentTransferEncoding: "binary"], .badHeader), ([.contentType: "text/plain\r\n\r\nbody"], .badHeader),
        ] as [([SenderField: String], RefusalReason)])
    func whatAHostileSenderSetsIsRefusedByName(_ fields: [SenderField: String], _ reason: RefusalReason) {
        #expect(throws: reason) { try head(fields) }
    }

    @Test func bodiesThatMailCannotCarryAreRefused() {
        #expect(throws: RefusalReason.longBodyLine) { try head(body: String(repeating: "x", count: 999)) }
        #expect(throws: RefusalReason.zeroByteInBody) { try head(body: "a\u{0}b") }
    }

    @Test func sizeAndFlagsAreThoseOfTheWire() throws {
        let mail = try ExitMail.compose(
            identity: identity, recipients: [alice], fields: [:], body: facts("ä\n.\nx"), token: token, now: now)
        #expect(mail.wireBytes == mail.head.count + 4 + 3 + 3)
        #expect(mail.hasEightBit)
    }
}
