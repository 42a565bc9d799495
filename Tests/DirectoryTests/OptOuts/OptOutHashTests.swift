import Directory
import MixCrypto
import Testing
import WireFormat

@Suite("Opt-out hashes")
struct OptOutHashTests {
    @Test(
        "an address has one spelling",
        arguments: [
            ("Ada@Example.ORG", "ada@example.org"), ("ada+lists@example.org", "ada@example.org"),
            ("ada+a+b@example.org", "ada@example.org"), ("+ada@example.org", "+ada@example.org"),
            ("+ada+x@example.org", "+ada@example.org"), ("a.d-a_1@x-y.example", "a.d-a_1@x-y.example"),
            ("@Example.org", "@example.org"),
        ])
    func canonical(text: String, wanted: String) throws {
        let address = try #require(OptOutAddress(text))
        #expect(address.text == wanted)
        #expect(address.isDomain == wanted.hasPrefix("@"))
        #expect(address.domain.text == "@" + address.host)
        #expect(OptOutAddress(address.text) == address)
    }

    @Test(
        "what is no address is none",
        arguments: [
            "", "@", "ada", "ada@", "a@b@c", "a b@c.org", "ada@exa mple.org", "ada@ex\u{e4}mple.org", "ada@[1.2.3.4]",
            "ada@example.org\n", "\u{0}@example.org", String(repeating: "a", count: 250) + "@b.org",
        ])
    func refused(text: String) {
        #expect(OptOutAddress(text) == nil)
    }

    /// Computed with libsodium by another program. Everybody who wants to take part has to get the same: the salt is the first 16 bytes of the SHA-256 of the text
    /// `nightjar/1 opt-out NETWORK`, the cost 16 MiB and four passes.
    @Test("vectors")
    func vectors() throws {
        let hashing = OptOutHashing(network: "testing")
        let address = try #require(OptOutAddress("ada@example.org"))
        #expect(try hashing(address).hex == "a8bc46758180908bbb57b9b67356d762")
        #expect(try hashing(address.domain).hex == "b0d831e581d04dd39519fa34d753b0ef")
        #expect(try OptOutHashing(network: "other")(address).hex == "8dc267d6372090b855f917381f235a47")
    }

    @Test("a list knows addresses, extensions of them and whole hosts, and nobody else")
    func list() throws {
        let key = try TestDirectory.signingKey(1)
        let hashing = OptOutHashing(network: "testing")
        let named = try ["ada@example.org", "@quiet.example"].compactMap {
            try OptOutAddress($0).map(hashing.callAsFunction)
        }
        let statement = try OptOutStatement.make(
            named, network: "testing", published: TestDirectory.now, identity: key)
        let list = OptOutList(network: "testing", statements: [statement])
        #expect(list.count == 2 && list.nodes == 1)
        // A whole host counts when another node says so too; nothing is hashed to be remembered.
        #expect(list.contains("ada@example.org") && !list.contains("any@quiet.example"))
        let ada = try #require(OptOutAddress("ada@example.org"))
        let fresh = OptOutList(network: "testing", statements: [statement])
        #expect(fresh.remembered(ada) == nil && fresh.contains(ada) == true && fresh.remembered(ada) == true)
        let second = try OptOutStatement.make(
            named.suffix(1), network: "testing", published: TestDirectory.now, identity: TestDirectory.signingKey(2))
        list.replace([statement, second], areIndependent: { _, _ in false })
        #expect(list.contains("ada@example.org") && !list.contains("any@quiet.example"))
        list.replace([statement, second])
        #expect(list.count == 2 && list.nodes == 2)
        for address in ["ada@example.org", "ADA+x@example.org", "any@quiet.example", "one+two@QUIET.example"] {
            #expect(list.contains(address), "\(address)")
        }
        for address in ["bob@example.org", "ada@example.com", "a@sub.quiet.example", "nonsense", "@example.org"] {
            #expect(!list.contains(address), "\(address)")
        }
        #expect(list.holders(of: [named[0]]) == [key.verificationKey.nodeID])
        list.replace([])
        #expect(!list.contains("ada@example.org") && list.holders(of: Set(named)).isEmpty)
    }

    @Test("what is remembered has a bound and changes no answer")
    func bound() throws {
        let hashing = OptOutHashing(network: "testing")
        let list = OptOutList(network: "testing", remembered: 4)
        let wanted = try #require(OptOutAddress("user3@example.org"))
        list.replace([
            try OptOutStatement.make(
                [hashing(wanted)], network: "testing",
                published: TestDirectory.now, identity: TestDirectory.signingKey(1))
        ])
        for _ in 0..<2 {
            for number in 0..<8 { #expect(list.contains("user\(number)@example.org") == (number == 3)) }
        }
    }
}
