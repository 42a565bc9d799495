import Directory
import Exits
import Messages
import MixCrypto
import Testing
import WireFormat

@testable import NodeProgram

/// What people say who want no anonymous mail, or want it again.
@Suite("Opt-out door", .timeLimit(.minutes(2)))
struct OptOutDoorTests {
    @Test("a request is confirmed by an answer, and then the exit declines for the address at once")
    func confirmed() throws {
        let stage = try OptOutStage()
        #expect(stage.write(to: "optout").code == 250)
        #expect(try !stage.declines("ada@example.org"))
        let mails = try stage.outbox.mails()
        #expect(mails.count == 1 && mails[0].to == "ada@example.org" && mails[0].sender == nil)
        let text = mails[0].text
        #expect(
            text.contains("Auto-Submitted: auto-generated\r\n") && text.contains("From: anonymous@exit.example\r\n"))
        #expect(text.contains("abuse@exit.example") && text.contains("If it was not you, do nothing"))
        #expect(text.utf8.allSatisfy { $0 < 128 } && !text.contains("please"))
        #expect(text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 100 })
        let token = try #require(text.firstMatch(of: /Reply-To: (confirm\+[a-z2-7]{32})@/)).1
        #expect(stage.write(to: token.uppercased(), head: "In-Reply-To: <x@y>\r\n", body: "yes").code == 250)
        for address in ["ada@example.org", "Ada@example.org", "ada+news@example.org"] {
            #expect(try stage.declines(address), "\(address)")
        }
        #expect(try !stage.declines("bob@example.org"))
        let done = try stage.outbox.mails()
        #expect(done.count == 1 && done[0].to == "ada@example.org" && done[0].text.contains("Done."))
        #expect(done[0].text.contains("optin@reply.exit.example"))
        // The statement follows, and says nothing but the hash.
        let statement = try #require(stage.desk.statement.current)
        let hash = try OptOutHashing(network: "testing")(#require(OptOutAddress("ada@example.org")))
        #expect(statement.hashes == [hash])
        #expect(!String(decoding: statement.bytes, as: UTF8.self).contains("ada"))
        // A new process knows it.
        try stage.restart()
        #expect(try stage.declines("ada@example.org"))
    }

    @Test("the link of a delivered mail needs no confirmation, and no record of the mail")
    func link() throws {
        let stage = try OptOutStage()
        let link = try #require(stage.desk.wishes.optOutLink(MailRecipient("Ada+x@example.org")))
        #expect(link.user.hasPrefix("optout+") && link.user.utf8.count <= 64 && link.host == OptOutStage.domain)
        try stage.restart()
        // Whoever has it had the mail: also from another address, and what a mail program sends for a click.
        let reply = stage.write(
            to: link.address.uppercased(), from: "a@else.example", sender: "a@else.example",
            head: "Auto-Submitted: auto-generated\r\n", body: "")
        #expect(reply.code == 250 && stage.outbox.count == 0)
        #expect(try stage.declines("ada@example.org"))
        #expect(stage.write(to: link.address).code == 250)
        #expect(stage.desk.book.hashes.count == 1)
    }

    @Test("forged and altered links change nothing")
    func forgedLinks() throws {
        let stage = try OptOutStage()
        let link = try #require(stage.desk.wishes.optOutLink(MailRecipient("ada@example.org"))).user
        var letters = Array(link.utf8)
        for index in "optout+".utf8.count..<letters.count {
            letters[index] ^= 1
            let altered = String(decoding: letters, as: UTF8.self)
            letters[index] ^= 1
            #expect(stage.write(to: altered).code == 550)
        }
        for text in [
            "optout+", "optout+x", link + "a", String(link.dropLast()), "optout+\(String(repeating: "a", count: 56))",
        ] {
            #expect(stage.write(to: text).code == 550, "\(text)")
        }
        // Another exit's key.
        let hash = try OptOutHashing(network: "testing")(#require(OptOutAddress("ada@example.org")))
        let key = SymmetricSecret(copying: [UInt8](repeating: 6, count: 32))
        let other = OptOutToken(hash: hash, host: "example.org", key: key, at: OptOutStage.start).text(key: key)
        #expect(stage.write(to: "optout+\(other)").code == 550)
        // Notices and vacation messages to the link, and one that is too old.
        #expect(stage.write(to: link, sender: "").code == 250)
        #expect(stage.write(to: link, head: "Auto-Submitted: auto-replied\r\n").code == 250)
        stage.clock.now = OptOutStage.start + .days(732)
        #expect(stage.write(to: link).text.contains("too old"))
        #expect(try stage.desk.book.hashes.isEmpty && !stage.declines("ada@example.org"))
    }

    @Test(
        "who does not write from the address itself is told so, and nobody gets a mail",
        arguments: [
            ("ada@example.org", "eve@example.org"), ("ada@example.org, bob@example.org", "ada@example.org"),
            ("ada@example.org\r\nFrom: eve@example.org", "ada@example.org"), ("nobody", "ada@example.org"),
            ("", "ada@example.org"),
        ])
    func wrongFrom(from: String, sender: String) throws {
        let stage = try OptOutStage()
        let reply = stage.write(to: "optout", from: from, sender: sender)
        #expect(reply.code == 550 && reply.text.contains("From"))
        #expect(try stage.outbox.count == 0 && !stage.declines("ada@example.org"))
    }

    @Test("programs ask for nothing and confirm nothing")
    func automatic() throws {
        let stage = try OptOutStage()
        let signs = [
            "Auto-Submitted: auto-replied\r\n", "auto-submitted:  AUTO-GENERATED (vacation)\r\n",
            "Auto-Submitted: auto-notified; x=y\r\n", "Precedence: bulk\r\n", "X-Autoreply: yes\r\n",
        ]
        for sign in signs { #expect(stage.write(to: "optout", head: sign).code == 250) }
        #expect(stage.write(to: "optout", sender: "").code == 250)
        #expect(stage.outbox.count == 0)
        #expect(stage.write(to: "optout", head: "Auto-Submitted: no\r\n").code == 250)
        let confirm = try stage.outbox.confirmation()
        for sign in signs { #expect(stage.write(to: confirm, head: sign).code == 250) }
        // A bounce of the question.
        #expect(stage.write(to: confirm, from: "MAILER-DAEMON@example.org", sender: "").code == 250)
        #expect(try !stage.declines("ada@example.org"))
        #expect(stage.write(to: confirm).code == 250)
        #expect(try stage.declines("ada@example.org"))
    }

    @Test("a confirmation is good once, for three days, for its address alone, and cannot be guessed")
    func confirmations() throws {
        let stage = try OptOutStage()
        stage.write(to: "optout")
        let ada = try stage.outbox.confirmation()
        stage.write(to: "optout", from: "bob@example.org", sender: "bob@example.org")
        let bob = try stage.outbox.confirmation()
        #expect(ada != bob)
        // Bob with what was sent to Ada; nobody's; an altered one.
        #expect(stage.write(to: ada, from: "bob@example.org", sender: "bob@example.org").text.contains("answer from"))
        #expect(stage.write(to: "confirm+" + String(repeating: "a", count: 32)).code == 550)
        #expect(stage.write(to: "confirm+x").code == 550)
        let altered = String(ada.dropLast()) + (ada.hasSuffix("a") ? "b" : "a")
        #expect(stage.write(to: altered).code == 550)
        #expect(try !stage.declines("ada@example.org") && !stage.declines("bob@example.org"))
        // Too late.
        stage.clock.now = OptOutStage.start + .days(3)
        #expect(stage.write(to: bob, from: "bob@example.org", sender: "bob@example.org").code == 550)
        stage.clock.now = OptOutStage.start + .days(2)
        #expect(stage.write(to: ada, from: "ADA+tag@Example.org", sender: "ada@example.org").code == 250)
        #expect(try stage.declines("ada@example.org"))
        // Once: after she has taken it back the old answer does not count again.
        _ = try stage.desk.book.withdraw(#require(stage.desk.book.hashes.first))
        #expect(stage.write(to: ada).code == 550)
        #expect(try !stage.declines("ada@example.org"))
    }

    @Test("one question a day for an address, also after a restart; a mail server that fails is asked again")
    func rates() throws {
        let stage = try OptOutStage()
        stage.outbox.answer(.deferred(.unreachable))
        #expect(stage.write(to: "optout").code == 451)
        stage.outbox.answer(.delivered(code: 250))
        #expect(stage.write(to: "optout").code == 250 && stage.outbox.count == 1)
        for _ in 0..<20 { #expect(stage.write(to: "optout").code == 250) }
        #expect(stage.write(to: "optout", from: "ada+other@example.org", sender: "ada+other@example.org").code == 250)
        try stage.restart()
        #expect(stage.write(to: "optout").code == 250 && stage.outbox.count == 1)
        stage.clock.now = OptOutStage.start + .hours(25)
        #expect(stage.write(to: "optout").code == 250 && stage.outbox.count == 2)
        #expect(stage.counts["opt_out_asked_already"] == 22)
        // An address that does not exist: nobody asked, and nobody is told.
        stage.outbox.answer(.refused(.recipientRefused, code: 550))
        #expect(stage.write(to: "optout", from: "no@example.org", sender: "no@example.org").code == 250)
    }

    @Test("a flood of forged requests sends few mails, and few refusals")
    func flood() throws {
        let limits = OptOutLimits(
            perHost: MailRate(burst: 3, interval: .minutes(5)), inAll: MailRate(burst: 5, interval: .minutes(1)),
            refusals: MailRate(burst: 4, interval: .minutes(2)))
        let stage = try OptOutStage(limits: limits)
        var codes: [UInt16] = []
        for number in 0..<20 {
            let host = number < 10 ? "one.example" : "two.example"
            codes.append(stage.write(to: "optout", from: "u\(number)@\(host)", sender: "u\(number)@\(host)").code)
        }
        #expect(try Set(stage.outbox.mails().map(\.to)).count == 5)
        // Nobody is told that it is done, and nobody gets a notice: his mail server tries again.
        #expect(codes.count { $0 == 451 } == 15 && codes.count { $0 == 250 } == 5)
        stage.clock.now = OptOutStage.start + .minutes(10)
        #expect(stage.write(to: "optout", from: "u19@two.example", sender: "u19@two.example").code == 250)
        #expect(stage.outbox.count == 1)
    }

    @Test("a whole domain is its postmaster's to say, and anybody there may confirm")
    func domain() throws {
        let stage = try OptOutStage()
        #expect(stage.write(to: "optout+domain").text.contains("postmaster@example.org"))
        let sender = "postmaster@example.org"
        #expect(stage.write(to: "optout+domain", from: sender, sender: sender).code == 250)
        let confirm = try stage.outbox.confirmation()
        #expect(stage.write(to: confirm, from: "eve@else.example", sender: "eve@else.example").code == 550)
        #expect(stage.write(to: confirm, from: "jane@example.org", sender: "jane@example.org").code == 250)
        for address in ["ada@example.org", "postmaster@example.org", "x+y@EXAMPLE.org"] {
            #expect(try stage.declines(address))
        }
        #expect(try !stage.declines("ada@mail.example.org"))
    }

    @Test("who takes it back gets mail again, after an answer; another exit's opt-out is told")
    func back() throws {
        let stage = try OptOutStage()
        let address = try MailRecipient("ada@example.org")
        let link = try #require(stage.desk.wishes.optOutLink(address))
        stage.write(to: link.address)
        #expect(!stage.desk.wishes.hasOptedIn(address))
        #expect(stage.write(to: "optin").code == 250)
        #expect(try stage.declines("ada@example.org"))
        #expect(stage.write(to: try stage.outbox.confirmation()).code == 250)
        #expect(try !stage.declines("ada@example.org"))
        #expect(stage.desk.wishes.hasOptedIn(try MailRecipient("Ada+x@example.org")))
        #expect(try stage.outbox.mails().count == 1)
        // The statement follows when its pause is over.
        #expect(stage.desk.statement.current?.hashes.count == 1)
        stage.clock.now = OptOutStage.start + .minutes(6)
        stage.desk.turn(at: stage.clock.now)
        stage.desk.drain()
        #expect(stage.desk.statement.current?.hashes.isEmpty == true)
        // Another exit holds one.
        let hash = try OptOutHashing(network: "testing")(#require(OptOutAddress("bob@example.org")))
        let other = try DirectoryFixture.identity("other")
        stage.list.replace([
            try OptOutStatement.make([hash], network: "testing", published: OptOutStage.start, identity: other)
        ])
        #expect(try stage.declines("bob@example.org"))
        let reply = stage.write(to: "optin", from: "bob@example.org", sender: "bob@example.org")
        #expect(reply.code == 550 && reply.text.contains("node-\(other.verificationKey.nodeID.hex.prefix(4))"))
        // Opting out ends what was said before.
        stage.write(to: link.address)
        #expect(!stage.desk.wishes.hasOptedIn(address))
    }

    @Test("a link that is older than the wish for mail undoes nothing; a younger one counts")
    func oldLink() throws {
        let stage = try OptOutStage()
        let address = try MailRecipient("ada@example.org")
        let old = try #require(stage.desk.wishes.optOutLink(address))
        stage.write(to: "optout")
        stage.write(to: try stage.outbox.confirmation())
        _ = try stage.outbox.mails()
        stage.clock.now = OptOutStage.start + .days(2)
        stage.write(to: "optin")
        #expect(stage.write(to: try stage.outbox.confirmation()).code == 250)
        for _ in 0..<2 {
            #expect(stage.write(to: old.address).text.contains("older than"))
            #expect(try !stage.declines("ada@example.org"))
            try stage.restart()
        }
        let young = try #require(stage.desk.wishes.optOutLink(address))
        #expect(stage.write(to: young.address).code == 250)
        #expect(try stage.declines("ada@example.org"))
    }

    @Test("who opts in is told what still keeps mail away, and asked only if there is something to take back")
    func whatStands() throws {
        let stage = try OptOutStage()
        #expect(stage.write(to: "optin").text.contains("no opt-out"))
        let other = try DirectoryFixture.identity("other")
        let hash = try OptOutHashing(network: "testing")(#require(OptOutAddress("ada@example.org")))
        stage.list.replace([
            try OptOutStatement.make([hash], network: "testing", published: OptOutStage.start, identity: other)
        ])
        stage.write(to: "optout")
        stage.write(to: try stage.outbox.confirmation())
        let postmaster = "postmaster@example.org"
        _ = try stage.outbox.mails()
        stage.write(to: "optout+domain", from: postmaster, sender: postmaster)
        stage.write(to: try stage.outbox.confirmation(), from: postmaster, sender: postmaster)
        _ = try stage.outbox.mails()
        stage.write(to: "optin")
        #expect(stage.write(to: try stage.outbox.confirmation()).code == 250)
        let text = try #require(stage.outbox.mails().first).text
        #expect(text.contains("node-\(other.verificationKey.nodeID.hex.prefix(4))"))
        #expect(text.contains("postmaster of example.org") && !text.contains("Done."))
        #expect(try stage.declines("ada@example.org"))
    }

    @Test("links of one host do not fill the list; who is on it already is not counted")
    func entries() throws {
        let stage = try OptOutStage(limits: OptOutLimits(entriesPerHost: MailRate(burst: 2, interval: .hours(1))))
        func follow(_ address: String) throws -> UInt16 {
            stage.write(to: try #require(stage.desk.wishes.optOutLink(MailRecipient(address))).address).code
        }
        #expect(try ["a", "b", "c"].map { try follow("\($0)@catch.example") } == [250, 250, 451])
        #expect(try follow("a@catch.example") == 250)
        #expect(try follow("a@else.example") == 250)
        stage.clock.now = OptOutStage.start + .hours(1)
        #expect(try follow("c@catch.example") == 250)
    }

    @Test("one exit ends nobody else's mail to a whole host; a new exit says that it does not know yet")
    func others() throws {
        let stage = try OptOutStage()
        let hash = try OptOutHashing(network: "testing")(#require(OptOutAddress("@large.example")))
        let statements = try ["one", "two"].map { name in
            try OptOutStatement.make(
                [hash], network: "testing", published: OptOutStage.start, identity: DirectoryFixture.identity(name))
        }
        stage.list.replace([statements[0]])
        #expect(try !stage.declines("ada@large.example"))
        stage.list.replace(statements)
        #expect(try stage.declines("ada@large.example"))
        stage.list.replace(statements, areIndependent: { _, _ in false })
        #expect(try !stage.declines("ada@large.example"))
        // What was said here counts at once.
        _ = try stage.desk.book.optOut(hash, .domain, at: OptOutStage.start)
        #expect(try stage.declines("ada@large.example"))
        stage.isReady.set(false)
        #expect(try stage.desk.answer(MailRecipient("ada@large.example")) == true)
        #expect(try stage.desk.answer(MailRecipient("bob@example.org")) == nil)
    }

    @Test("a store that was lost is restored from the node's own statement")
    func lost() throws {
        let stage = try OptOutStage()
        stage.write(to: try #require(stage.desk.wishes.optOutLink(MailRecipient("ada@example.org"))).address)
        try stage.restart(losing: true)
        #expect(try stage.declines("ada@example.org"))
        #expect(stage.counts["opt_out_restored"] == 1)
        // Forgotten after two years, and then stated no more.
        stage.clock.now = OptOutStage.start + .days(732)
        stage.desk.turn(at: stage.clock.now)
        stage.desk.drain()
        #expect(try !stage.declines("ada@example.org"))
        #expect(stage.desk.statement.current?.hashes.isEmpty == true)
    }

    @Test("reply addresses are none of the door's")
    func replies() throws {
        let stage = try OptOutStage()
        for address in [
            "r+\(String(repeating: "a", count: 32))", "optouts", "x@elsewhere.example", "optout@else.example",
        ] {
            #expect(stage.write(to: address).code == 0, "\(address)")
        }
    }
}
