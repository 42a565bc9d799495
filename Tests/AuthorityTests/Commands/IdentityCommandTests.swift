import Foundation
import Testing

@Suite("Identity commands", .timeLimit(.minutes(3)))
struct IdentityCommandTests {
    @Test("a key without passphrase: mode 0600, its document again, never replaced")
    func bare() async throws {
        let alice = try Operator()
        let made = try await alice.must("identity new --output alice.key")
        #expect(made.output.hasPrefix("nightjar-authority-identity 1\nfingerprint "))
        #expect(made.messages.contains("the identity key is in alice.key"))
        #expect(alice.bytes("alice.key").count == 64)
        let mode = try FileManager.default.attributesOfItem(atPath: alice.path("alice.key"))[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let shown = try await alice.must("identity show alice.key")
        #expect(shown.output == made.output)
        #expect(shown.messages.contains("has no passphrase"))
        try alice.file("alice.identity", made.output)
        let document = try await alice.must("identity show alice.identity")
        let fingerprint = try #require(made.messages.split(separator: "\n").first { $0.hasPrefix("fingerprint ") })
        #expect(document.output.replacing("  ", with: " ") == fingerprint + "\n")
        let again = try await alice.run("identity new --output alice.key")
        #expect(again.code == 1)
        #expect(again.messages == "alice.key exists already; move it away if you really want a new key\n")
        #expect(again.output.isEmpty)
    }

    @Test("a key with a passphrase opens with it alone")
    func sealed() async throws {
        let alice = try Operator()
        try alice.file("words", "correct horse\n")
        try alice.file("others", "wrong donkey\n")
        let made = try await alice.must("identity new --output alice.key --passphrase-fd 3 3< words")
        let seed = alice.bytes("alice.key")
        #expect(seed.count == 132)
        let shown = try await alice.must("identity show alice.key --passphrase-fd 3 3< words")
        #expect(shown.output == made.output)
        #expect(!shown.messages.contains("has no passphrase"))
        let wrong = try await alice.run("identity show alice.key --passphrase-fd 3 3< others")
        #expect(wrong.code == 4 && wrong.output.isEmpty)
        #expect(
            wrong.messages
                == "the passphrase does not open the identity key alice.key: it is wrong, or the file is damaged; try again\n"
        )
        let none = try await alice.run("identity show alice.key")
        #expect(none.code == 2)
        #expect(none.messages == "there is no terminal to ask for the passphrase; give it with --passphrase-fd N\n")
        let empty = try await alice.run("identity show alice.key --passphrase-fd 3 3< /dev/null")
        #expect(empty.code == 2 && empty.messages.contains("an empty one was given"))
        let closed = try await alice.run("identity show alice.key --passphrase-fd 987")
        #expect(closed.code == 2 && closed.messages.contains("--passphrase-fd 987 is not an open descriptor"))
        let asked = try await alice.run("identity new --output other.key --passphrase")
        #expect(asked.code == 2 && asked.messages.contains("there is no terminal"))
        #expect(alice.bytes("other.key").isEmpty)
        // Each byte counts.
        for index in [0, 20, 45, 131] {
            var damaged = seed
            damaged[index] ^= 1
            try alice.file("damaged.key", damaged)
            try await alice.shell("chmod 600 damaged.key")
            let answer = try await alice.run("identity show damaged.key --passphrase-fd 3 3< words")
            #expect(answer.code != 0 && answer.output.isEmpty, "byte \(index)")
            #expect(answer.messages.split(separator: "\n").count == 1, "\(answer.messages)")
        }
    }

    @Test("files that are no key are named as such")
    func badFiles() async throws {
        let alice = try Operator()
        let missing = try await alice.run("identity show alice.key")
        #expect(missing.code == 1)
        #expect(
            missing.messages == "there is no identity key alice.key; make one with: nightjar-authority identity new\n")
        try alice.file("text", "hello\n")
        let text = try await alice.run("identity show text")
        #expect(text.code == 1 && text.messages.contains("text is not an identity key: its size is neither 64 nor 132"))
        try await alice.must("identity new --output alice.key > alice.identity")
        try await alice.shell("chmod 644 alice.key")
        let open = try await alice.run("identity show alice.key")
        #expect(open.code == 1 && open.messages == "alice.key can be read by others; run: chmod 600 alice.key\n")
        let nowhere = try await alice.run("identity new --output nowhere/alice.key")
        #expect(nowhere.code == 1 && nowhere.messages.contains("no such file or directory"))
        // A document with another fingerprint than its key's.
        let changed = alice.text("alice.identity").replacing("fingerprint ", with: "fingerprint 0")
        try alice.file("changed.identity", changed)
        let answer = try await alice.run("identity show changed.identity")
        #expect(answer.code == 1)
    }
}
