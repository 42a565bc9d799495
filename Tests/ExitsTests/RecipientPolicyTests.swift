import Exits
import TestSupport
import Testing
import WireFormat

@Suite struct MailRecipientTests {
    @Test(arguments: [
        "alice@example.org", "a.b-c_d+e@sub.example.org", "o'neill@EXAMPLE.org", "x@localhost",
        "a@xn--bcher-kva.example",
        "\(String(repeating: "u", count: 64))@example.org",
    ])
    func accepts(_ text: String) throws {
        let recipient = try MailRecipient(text)
        #expect(recipient.host == recipient.host.lowercased())
        #expect(recipient.address.lowercased() == text.lowercased())
    }

    @Test(arguments: [
        "", "@", "alice", "alice@", "@example.org", "a@b@c", "a b@example.org", "a@exa mple.org",
        "a@example.org\r\nRCPT TO:<x@y>",
        "a\u{0}@example.org", "\"a b\"@example.org", "<a@example.org>", "a@[127.0.0.1]", "a@127.0.0.1", "a@-x.org",
        "a@x-.org", "a@x..org",
        ".a@example.org", "a.@example.org", "a..b@example.org", "victim%example.com@exit.example",
        "host!user@exit.example",
        "ä@example.org", "a@exämple.org", "a@example.org,b@example.org", "a@_dmarc.example.org", "a@example.org.",
        "\(String(repeating: "u", count: 65))@example.org", "a@\(String(repeating: "h", count: 64)).org",
        "a@\(String(repeating: "h.", count: 130))org",
    ])
    func refuses(_ text: String) {
        #expect(throws: RefusalReason.badRecipient) { try MailRecipient(text) }
    }

    @Test func theUserIsComparedWithoutItsExtension() throws {
        #expect(try MailRecipient("Alice+News@example.org").plainUser == "alice")
        #expect(try MailRecipient("+x@example.org").plainUser == "+x")
    }
}

@Suite struct RecipientPolicyTests {
    @Test func theFirstMatchingRuleDecides() throws {
        let rules = try [
            "allow press@whitehouse.example", "deny .whitehouse.example", "deny postmaster@", "deny bob@example.org",
            "allow example.org", "deny *",
        ].map { text in try RecipientRule(text) }
        let policy = RecipientPolicy(rules: rules)
        let expected: [(String, RefusalReason?)] = [
            ("press@whitehouse.example", nil), ("Press+tag@WhiteHouse.example", nil),
            ("x@whitehouse.example", .deniedByPolicy), ("x@mail.whitehouse.example", .deniedByPolicy),
            ("x@notwhitehouse.example", .deniedByPolicy), ("postmaster@example.org", .deniedByPolicy),
            ("bob@example.org", .deniedByPolicy), ("BOB+anything@example.org", .deniedByPolicy),
            ("alice@example.org", nil),
            ("alice@sub.example.org", .deniedByPolicy),
        ]
        for (address, refusal) in expected {
            #expect(policy.refusal(of: try MailRecipient(address)) == refusal, "\(address)")
        }
        #expect(RecipientPolicy(allowsOthers: false).refusal(of: try MailRecipient("a@b.c")) == .deniedByPolicy)
        #expect(RecipientPolicy().refusal(of: try MailRecipient("a@b.c")) == nil)
    }

    @Test func aMessageIsCheckedAddressByAddress() throws {
        let policy = RecipientPolicy(rules: [try RecipientRule("deny evil.example")], maximumRecipients: 3)
        let results = policy.check(["a@example.org", "nonsense", "b@evil.example"])
        #expect(results.map { try? $0.get().address } == ["a@example.org", nil, nil])
        #expect(results[1] == .failure(.badRecipient))
        #expect(results[2] == .failure(.deniedByPolicy))
        #expect(policy.check(["a@b.c", "b@b.c", "c@b.c", "d@b.c"]).allSatisfy { $0 == .failure(.tooManyRecipients) })
    }

    @Test(arguments: ["", "allow", "permit *", "deny a b", "deny a@@b", "deny ..", "allow @example.org", "deny a b@c"])
    func rulesThatAreNotUnderstoodSayWhatToWrite(_ text: String) {
        do {
            _ = try RecipientRule(text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.description.contains("write"))
        }
    }
}

@Suite struct RecipientRatesTests {
    let start = Timestamp(seconds: 1_800_000_000)

    @Test func aBurstThenTheRate() throws {
        var rates = RecipientRates(
            perRecipient: MailRate(burst: 3, interval: .seconds(10)),
            perDomain: MailRate(burst: 100, interval: .seconds(1)))
        let alice = try MailRecipient("alice@example.org")
        for _ in 0..<3 { #expect(rates.take(alice, now: start) == .allowed) }
        #expect(rates.take(alice, now: start) == .wait(until: start + .seconds(10)))
        #expect(rates.take(try MailRecipient("Alice+x@example.org"), now: start) == .wait(until: start + .seconds(10)))
        #expect(rates.take(try MailRecipient("bob@example.org"), now: start) == .allowed)
        #expect(rates.take(alice, now: start + .seconds(10)) == .allowed)
        #expect(rates.take(alice, now: start + .seconds(10)) == .wait(until: start + .seconds(20)))
        for _ in 0..<3 { #expect(rates.take(alice, now: start + .hours(1)) == .allowed) }
        #expect(rates.take(alice, now: start + .hours(1)) != .allowed)
    }

    @Test func aDomainHasARateOfItsOwnAndARefusalTakesNothing() throws {
        var rates = RecipientRates(
            perRecipient: MailRate(burst: 2, interval: .seconds(10)),
            perDomain: MailRate(burst: 3, interval: .seconds(10)))
        for user in ["a", "b", "c"] { #expect(rates.take(try MailRecipient("\(user)@x.org"), now: start) == .allowed) }
        for _ in 0..<20 { #expect(rates.take(try MailRecipient("d@x.org"), now: start) != .allowed) }
        // The refused ones have not used up d's own bucket.
        #expect(rates.take(try MailRecipient("d@x.org"), now: start + .seconds(10)) == .allowed)
        #expect(rates.take(try MailRecipient("d@x.org"), now: start + .seconds(20)) == .allowed)
        #expect(rates.take(try MailRecipient("d@y.org"), now: start) == .allowed)
    }

    @Test func memoryIsBoundedAndKnownRecipientsAreNotHurtByAFlood() throws {
        var rates = RecipientRates(
            perRecipient: MailRate(burst: 2, interval: .seconds(10)),
            perDomain: MailRate(burst: 1_000_000, interval: .seconds(1)),
            capacity: 100)
        let alice = try MailRecipient("alice@example.org")
        #expect(rates.take(alice, now: start) == .allowed)
        var allowed = 0
        for index in 0..<1000 {
            if rates.take(try MailRecipient("u\(index)@h\(index).org"), now: start) == .allowed { allowed += 1 }
            #expect(rates.count <= 100)
        }
        // 98 entries are left for recipient and domain of 49 newcomers; two more may share the overflow bucket.
        #expect((49...52).contains(allowed))
        #expect(rates.take(alice, now: start) == .allowed)
        #expect(rates.take(alice, now: start) != .allowed)
        // When the buckets are full again their entries are forgotten and newcomers find room.
        #expect(rates.take(try MailRecipient("new@new.org"), now: start + .minutes(10)) == .allowed)
        #expect(rates.count == 2)
    }

    @Test func aClockSetBackDoesNotLockARecipientOut() throws {
        var rates = RecipientRates(perRecipient: MailRate(burst: 2, interval: .seconds(10)))
        let alice = try MailRecipient("alice@example.org")
        #expect(rates.take(alice, now: start) == .allowed)
        #expect(rates.take(alice, now: start - .days(1)) == .wait(until: start - .days(1) + .seconds(10)))
    }
}
