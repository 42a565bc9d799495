import Daemon
import Exits
import Messages
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

/// What From and recipients mean, what is remembered, what is told.
@Suite struct GatewayRulesTests {
    @Test func fromIsANymOrNobodyOrNothing() {
        let senders = GatewaySenders(
            anonymous: ["anonymous@nightjar.invalid"], nyms: ["alice@nym.example", "al@nym.example"])
        #expect(senders.sender("Anonymous@Nightjar.invalid") == .anonymous)
        #expect(senders.sender("ALICE@nym.example") == .nym("alice@nym.example"))
        #expect(senders.sender("al@nym.example") == .nym("al@nym.example"))
        for none in ["", "alice", "alice@nym.example.org", "me@example.org"] { #expect(senders.sender(none) == nil) }
        #expect(
            senders.refusal("me@example.org").dropFirst()
                == ["anonymous@nightjar.invalid (nobody)", "alice@nym.example", "al@nym.example"])
        #expect(senders.refusal("").count == 1)
    }

    @Test func recipientsAreWhatAMailProgramCanWrite() throws {
        let domains: Set<String> = ["nym.example"]
        func name(_ text: String) throws -> String { try GatewayRecipients.name(of: text, nymDomains: domains) }
        #expect(try name("bob@example.org") == "smtp:bob@example.org")
        #expect(try name("Bob@NYM.example") == "nym:Bob@nym.example")
        #expect(try name("bob@contact.nightjar.invalid") == "bob")
        #expect(try name("info@alpha.mbox.nightjar.invalid") == "mbox:info@alpha")
        #expect(try name("00ff@alpha.box.nightjar.invalid") == "box:00ff@alpha")
        for wrong in [
            "bob", "anonymous@nightjar.invalid", "x@identity.nightjar.invalid", "a@b.invalid",
            "a b@contact.nightjar.invalid",
        ] {
            #expect(throws: GatewayRecipients.Refusal.self) { try name(wrong) }
        }
    }

    @Test func foldersHaveNoDots() {
        #expect(GatewayMaildir.folderName(of: "Alice@nym.example") == "alice@nym_example")
        #expect(GatewayMaildir.folderName(of: "../a/b\u{e9}@x") == "___a_b__@x")
        // Both are names of nyms.
        #expect(GatewayMaildir.folderName(of: "a_b@nym.example") == "a_+b@nym_example")
        let names = ["a.b@x", "a_b@x", "a._b@x", "a_.b@x", "a__b@x", "a-b@x"]
        #expect(Set(names.map(GatewayMaildir.folderName)).count == names.count)
    }

    @Test func recordsSurviveCoding() throws {
        var random = SeededRandom(name: "recordsSurviveCoding")
        for count in 0..<9 {
            var record = GatewayRecord(
                messageID: count == 0 ? "" : "<\(count)@x>", made: Timestamp(milliseconds: 1_795_240_800_123),
                messages: (0..<count).map { _ in .random(using: &random) })
            record.number = UInt64(count)
            record.noticed = Set((0..<count).map { .init(message: UInt8($0), recipient: UInt8($0 / 2)) })
            #expect(try GatewayRecord(decoding: record.encoded) == record)
            for length in 0..<record.encoded.count {
                #expect(throws: WireError.self) { try GatewayRecord(decoding: Array(record.encoded.prefix(length))) }
            }
        }
    }

    @Test func noticesSayWhatHappenedAndBelongToTheThread() throws {
        let made = Timestamp(seconds: 1_795_240_800)
        let notice = GatewayNotice(
            recipient: "smtp:bob@example.org", status: "refused", code: 550, messageID: "<1@x>", made: made, id: "5f3c")
        let text = String(decoding: notice.head(now: made) + notice.body, as: UTF8.self)
        #expect(text.contains("Subject: Not delivered: mail to smtp:bob@example.org\r\n"))
        #expect(text.contains("In-Reply-To: <1@x>\r\n") && text.contains("Auto-Submitted: auto-replied\r\n"))
        #expect(text.contains("refused it (code 550)") && text.contains("nightjar sent 5f3c"))
        let same = GatewayNotice(
            recipient: "smtp:bob@example.org", status: "refused", code: 0, messageID: "", made: made, id: "5f3c")
        #expect(same.token == notice.token)
        #expect(!String(decoding: same.head(now: made), as: UTF8.self).contains("In-Reply-To"))
    }

    @Test func wrongPasswordsAreLimitedAndLockNobodyOut() async throws {
        let login = GatewayLogin(user: "nightjar", hash: try PasswordHash(of: Array("right".utf8)))
        func check(_ user: String, _ password: String) async -> UInt16 {
            await login.check(SubmissionLogin(user: user, password: Array(password.utf8))).code
        }
        #expect(await check("nightjar", "right") == 235)
        #expect(await check("other", "right") == 535)
        await withTaskGroup(of: UInt16.self) { group in
            for number in 1..<GatewayLogin.limit { group.addTask { await check("nightjar", "wrong\(number)") } }
            for await code in group { #expect(code == 535) }
        }
        #expect(await check("nightjar", "wrong") == 454)
        #expect(await check("nightjar", "right") == 235)
        // Nobody who was not in before gets further.
        let fresh = GatewayLogin(user: "nightjar", hash: try PasswordHash(of: Array("right".utf8)))
        #expect(await fresh.check(SubmissionLogin(user: "nightjar", password: [])).code == 535)
    }

    @Test func theOwnerComesInWhoeverWasFirst() async throws {
        let directory = try TemporaryDirectory("gateway-files")
        let files = GatewayFiles(directory: directory.path)
        for password in ["first", "second"] {
            try files.writePassword(password, user: "nightjar")
            let (user, hash) = try files.readPassword()
            let login = GatewayLogin(user: user, hash: hash, mark: try files.readMark())
            func check(_ password: String) async -> UInt16 {
                await login.check(SubmissionLogin(user: "nightjar", password: Array(password.utf8))).code
            }
            await withTaskGroup(of: UInt16.self) { group in
                for number in 0..<GatewayLogin.limit { group.addTask { await check("wrong\(number)") } }
                for await code in group { #expect(code == 535) }
            }
            #expect(await check("wrong") == 454)
            #expect(await check(password) == 235)
        }
        // A mark is of no effect beside another hash.
        let other = GatewayLogin(
            user: "nightjar", hash: try PasswordHash(of: Array("third".utf8)), mark: try files.readMark())
        #expect(await other.check(SubmissionLogin(user: "nightjar", password: Array("second".utf8))).code == 535)
    }

    @Test func aMarkThatCannotBeReadIsNoMarkOnlyIfThereIsNone() throws {
        let directory = try TemporaryDirectory("gateway-mark")
        let files = GatewayFiles(directory: directory.path)
        #expect(try files.readMark() == nil)
        try files.writePassword("first", user: "nightjar")
        #expect(try files.readMark() != nil)
        for bytes in [Array("no mark\n".utf8), [], [UInt8](repeating: 65, count: 1 << 20)] {
            try AtomicFile.write(bytes, to: directory.file("mark"))
            #expect(throws: CommandFailure.self) { try files.readMark() }
        }
    }

    @Test func passwordHashesAreReadAsTheyAreWritten() throws {
        let hash = try PasswordHash(of: Array("a password".utf8))
        #expect(PasswordHash(hash.text) == hash && hash.matches(Array("a password".utf8)))
        #expect(!hash.matches(Array("a passwore".utf8)) && !hash.matches([]))
        #expect(PasswordHash("$argon2id$v=19$m=4194304,t=3,p=1$AAAA$AAAA") == nil)
        #expect(PasswordHash("") == nil)
        #expect(throws: CryptoError.malformed) { try PasswordHash(of: []) }
        var random = SeededRandom(name: "passwords")
        let made = (0..<100).map { _ in GatewayPassword.make(using: &random) }
        #expect(Set(made).count == 100 && made.allSatisfy { $0.count == 29 })
    }

    @Test func headersOfSubmittedMail() throws {
        let header = try SubmittedHeader(
            Array(
                "From: \"Alice L.\" <a@b>\r\nMessage-ID: <1@x>\r\nReferences: <0@x> <2@y>\r\nX-Mailer: M\r\n\r\nText\r\n"
                    .utf8))
        #expect(header.from == ["a@b"] && header.messageID == "<1@x>" && header.displayName == "Alice L.")
        #expect(!header.isReadReceipt)
        let kept = String(decoding: header.content { $0 == "<0@x>" }, as: UTF8.self)
        #expect(kept == "References: <2@y>\r\n\r\nText\r\n")
        let receipt = try SubmittedHeader(
            Array("From: a@b\r\nContent-Type: multipart/report; report-type=Disposition-Notification\r\n\r\n".utf8))
        #expect(receipt.isReadReceipt)
        let bare = try SubmittedHeader(Array("From: a@b\r\n\r\nX-Not: a header\r\n\r\nText\r\n".utf8))
        let again = try OutgoingMail(bare.content { _ in false })
        #expect(again.body == Array("X-Not: a header\r\n\r\nText\r\n".utf8))
        #expect(try SubmittedHeader(Array("no header\r\n".utf8)).from.isEmpty)
    }
}
