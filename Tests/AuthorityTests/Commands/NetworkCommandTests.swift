import Foundation
import Testing

@Suite("Network file commands", .timeLimit(.minutes(5)))
struct NetworkCommandTests {
    /// Keys and documents of these authorities, and TOML that names them.
    static func ceremony(_ names: [String], toml: String = "name = \"example\"\n") async throws -> Operator {
        let table = try Operator("ceremony")
        var text = toml
        for name in names {
            try await table.must("identity new --output \(name).key > \(name).identity")
            text += """

                [[authority]]
                name = "\(name)"
                identity = "\(name).identity"
                urls = ["https://\(name).example.org"]

                """
        }
        try table.file("network.toml", text)
        return table
    }

    @Test("three sign one draft: the count grows, and two are enough")
    func signing() async throws {
        let table = try await Self.ceremony(["alice", "bob", "carol"])
        let drafted = try await table.must("draft-network network.toml --output example.draft")
        #expect(drafted.messages.contains("with 3 authorities, of which 0 may fail; 2 must sign"))
        let none = try await table.run("show-network example.draft")
        #expect(none.code == 4)
        #expect(none.output.contains("0 of 3 authorities have signed, 2 are needed; not yet: alice, bob, carol"))
        #expect(none.messages.contains("has 0 good signatures of its own authorities, but 2 are needed"))
        let first = try await table.must("sign-network example.draft --identity alice.key")
        #expect(first.messages.contains("signed as alice into example.draft"))
        #expect(first.messages.contains("1 of 3 authorities have signed, 2 are needed; not yet: bob, carol"))
        let one = try await table.run("show-network example.draft")
        #expect(one.code == 4)
        let second = try await table.must("sign-network example.draft --identity carol.key --output example.network")
        #expect(second.messages.contains("2 of 3 authorities have signed, 2 are needed; not yet: bob"))
        #expect(try await table.run("show-network example.draft").code == 4, "the draft stays as it was")
        let shown = try await table.must("show-network example.network")
        #expect(shown.output.contains("quorum       2 of 3; 0 may fail"))
        #expect(shown.output.contains("authority    alice  "))
        #expect(shown.output.contains("parameter    slot-length 20m"))
        // All see one fingerprint: who drafts, who signs, who looks.
        let fingerprint = try #require(drafted.messages.split(separator: "\n").last)
        #expect(first.messages.contains(fingerprint) && second.messages.contains(fingerprint))
        #expect(shown.output.replacing("fingerprint  ", with: "fingerprint ").contains(fingerprint))
        // Signing again replaces.
        let again = try await table.must("sign-network example.network --identity carol.key")
        #expect(again.messages.contains("2 of 3"))
        try await table.must("sign-network example.network --identity bob.key")
        let json = try await table.must("show-network example.network --json")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(report["quorum"] as? Int == 2 && report["problem"] == nil)
        #expect((report["authorities"] as? [[String: Any]])?.allSatisfy { $0["hasSigned"] as? Bool == true } == true)
    }

    @Test("strangers, forgeries and other files are refused in words")
    func refused() async throws {
        let table = try await Self.ceremony(["alice", "bob", "carol"])
        try await table.must("draft-network network.toml --output example.draft")
        try await table.must("identity new --output mallory.key")
        let stranger = try await table.run("sign-network example.draft --identity mallory.key")
        #expect(stranger.code == 4)
        #expect(stranger.messages.contains("is no authority of example.draft; it names alice, bob, carol"))
        try await table.must("sign-network example.draft --identity alice.key")
        try await table.must("sign-network example.draft --identity bob.key --output example.network")
        // Somebody else's signature under the draft.
        let text = table.text("example.draft")
        let id = try #require(text.split(separator: "\n").first { $0.hasPrefix("signature ") }?.dropFirst(10))
        let other = String(repeating: "0", count: 63) + "1"
        try table.file("signed.draft", text.replacing(id, with: other))
        let signed = try await table.run("sign-network signed.draft --identity bob.key")
        #expect(signed.code == 4 && signed.messages.contains("is signed by \(other), who is no authority of it"))
        // A change behind the signatures' back.
        try table.file(
            "changed.network", table.text("example.network").replacing("https://bob.", with: "https://bcb."))
        let changed = try await table.run("show-network changed.network")
        #expect(changed.code == 4)
        #expect(changed.messages.contains("the signature of authority alice on the network file is wrong"))
        for (name, content) in [("hello", "hello\n"), ("empty", ""), ("half", String(text.prefix(900)))] {
            try table.file(name, content)
            for command in ["show-network \(name)", "sign-network \(name) --identity alice.key"] {
                let answer = try await table.run(command)
                #expect(answer.code == 1 && answer.messages.hasPrefix("\(name) is not a network file: "), "\(command)")
            }
        }
        let missing = try await table.run("show-network nothing")
        #expect(missing.code == 1 && missing.messages == "cannot read nothing: no such file or directory\n")
    }

    @Test("what is wrong with the TOML is told at once, with its lines")
    func badDraft() async throws {
        let table = try await Self.ceremony(["alice"])
        try table.file(
            "network.toml",
            """
            name = "Example"
            mirors = []

            [parameters]
            slot-length = "2h"
            fresh-for = "1h"

            [[authority]]
            name = "alice"
            identity = "alice.identity"
            urls = ["alice.example.org"]

            [[authority]]
            name = "ALICE"
            identity = "missing.identity"

            [[authority]]
            name = "bob"
            identity = "alice.identity"
            """)
        let answer = try await table.run("draft-network network.toml")
        #expect(answer.code == 2 && answer.output.isEmpty)
        for part in [
            "network.toml:1: 'name': a network's name has 1 to 32 lower-case letters, digits and hyphens",
            "network.toml:2: there is no setting 'mirors'; did you mean 'mirrors'?",
            "slot-length <= fresh-for <= valid-for must hold",
            "network.toml:11: 'urls': 'alice.example.org' is not an address such as https://alice.example.org",
            "cannot read ./missing.identity: no such file or directory",
            "network.toml:19: 'identity': it is the same as that of alice",
        ] {
            #expect(answer.messages.contains(part), "\(part)\nin\n\(answer.messages)")
        }
    }

    @Test("the set changes with a quorum of the old and of the new")
    func succession() async throws {
        let table = try await Self.ceremony(["alice", "bob", "carol"])
        try await table.must("draft-network network.toml --output example.draft")
        for name in ["alice", "bob"] { try await table.must("sign-network example.draft --identity \(name).key") }
        try await table.shell("mv example.draft example.network")
        // Bob and Carol go, Dave and Erin come.
        var toml = table.text("network.toml").replacing("name = \"example\"", with: "name = \"example\"\nversion = 2")
        for (old, new) in [("bob", "dave"), ("carol", "erin")] {
            try await table.must("identity new --output \(new).key > \(new).identity")
            toml = toml.replacing(old, with: new)
        }
        try table.file("next.toml", toml)
        let unnamed = try await table.run("draft-network next.toml")
        #expect(unnamed.code == 2 && unnamed.messages.contains("name its file with: previous = \"FILE\""))
        let named = toml.replacing("version = 2", with: "version = 2\nprevious = \"example.network\"")
        try table.file("next.toml", named)
        try table.file("jump.toml", named.replacing("version = 2", with: "version = 3"))
        let jump = try await table.run("draft-network jump.toml")
        #expect(jump.code == 2 && jump.messages.contains("version must be 2, one more than that of"))
        try table.file("forever.toml", "test-network = true\n" + named)
        let forever = try await table.run("draft-network forever.toml")
        #expect(forever.code == 2 && forever.messages.contains("can never change"))
        let drafted = try await table.must("draft-network next.toml --output next.draft")
        #expect(drafted.messages.contains("and 2 of the 3 authorities of version 1"))
        // Bob is in the old set only.
        let blind = try await table.run("sign-network next.draft --identity bob.key")
        #expect(blind.code == 4 && blind.messages.contains("name that with --previous"))
        for name in ["alice", "dave"] {
            try await table.must("sign-network next.draft --identity \(name).key --previous example.network")
        }
        #expect(try await table.run("show-network next.draft").code == 0, "enough for whoever trusts it first")
        let short = try await table.run("show-network next.draft --previous example.network")
        #expect(short.code == 4)
        #expect(short.output.contains("1 of 3 authorities of version 1 have signed, 2 are needed; not yet: bob, carol"))
        #expect(short.messages.contains("of the authorities of the installed edition, but 2 are needed"))
        let last = try await table.must("sign-network next.draft --identity bob.key --previous example.network")
        #expect(last.messages.contains("signed as bob"))
        #expect(last.messages.contains("2 of 3 authorities have signed, 2 are needed; not yet: erin"))
        #expect(last.messages.contains("2 of 3 authorities of version 1 have signed, 2 are needed; not yet: carol"))
        try await table.must("show-network next.draft --previous example.network")
        // Another network, and an edition that does not follow.
        let backwards = try await table.run("show-network example.network --previous next.draft")
        #expect(backwards.code == 4)
    }
}
