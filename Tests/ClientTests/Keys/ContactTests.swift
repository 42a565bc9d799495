// Contacts, cards and other people's keys, as people use them.

import Daemon
import Foundation
import Glibc
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5))) struct ContactTests {
    private func client(_ user: User) throws -> Client {
        let quiet = Glibc.open("/dev/null", O_WRONLY)
        return try Client(home: user.home, environment: [:], terminal: Terminal(output: quiet, errors: quiet))
    }

    @Test func keysTravelAndAreCompared() async throws {
        let (alice, bob) = (try User(), try User())
        var run = try await alice.run("key", "new", "private")
        #expect(run.code == 0, "\(run)")
        let fingerprint = String(run.output.dropLast())
        run = try await alice.run("key", "export")
        #expect(run.code == 0 && run.output.hasPrefix("-----BEGIN NIGHTJAR PUBLIC KEY-----\n"), "\(run)")
        #expect(!run.output.contains("private"))
        #expect(run.messages == "fingerprint: \(fingerprint)\n")
        let mail = "Dear Bob,\r\n> " + run.output.replacing("\n", with: "\r\n> ") + "\r\n-- \r\nA.\r\n"
        let file = try bob.file("alice.eml", mail)

        run = try await bob.run("key", "import", file, "--fingerprint", fingerprint.uppercased())
        #expect(
            run
                == Transcript(
                    output: fingerprint + "\n", messages: "this is now the key of the contact alice\n", code: 0),
            "\(run)")
        run = try await bob.run("key", "show", "alice")
        #expect(run.output.contains("alice (contact)") && run.output.contains(fingerprint), "\(run)")

        // Another key for the same name is refused until it is asked for; a slip and another fingerprint are told apart.
        _ = try await alice.run("key", "new", "second")
        let second = try bob.file("second", try await alice.run("key", "export", "second").output)
        let other = try await alice.run("key", "show", "second", "--json")
        struct Shown: Decodable { var name, fingerprint, publicKey: String }
        let shown = try JSONDecoder().decode(Shown.self, from: Data(other.output.utf8))
        #expect(
            try await bob.run("key", "import", second, "--name", "alice")
                == .failure(
                    4,
                    "the contact alice has the key \(fingerprint) and this one is \(shown.fingerprint); if it really is the new "
                        + "one (ask), add --replace"))
        #expect(
            try await bob.run("key", "import", second, "--name", "alice", "--fingerprint", fingerprint)
                == .failure(
                    4,
                    "the key's fingerprint is \(shown.fingerprint) and not \(fingerprint): it is another key; do not use it, and "
                        + "find out where it came from"))
        let slip = fingerprint.dropLast() + (fingerprint.hasSuffix("a") ? "b" : "a")
        run = try await bob.run("key", "import", second, "--name", "alice", "--fingerprint", String(slip))
        #expect(run.code == 2 && run.messages.contains("has a slip in it"), "\(run)")
        #expect(try await bob.run("key", "import", second, "--name", "alice", "--replace").code == 0)
        #expect(try client(bob).resolveKey("alice")?.fingerprint.description == shown.fingerprint)

        // Sealed with what the contact has, opened with the keyring.
        let sealed = try MailSeal.seal([1, 2, 3], to: #require(try client(bob).resolveKey("alice")))
        let keyring = try Keyring.open(path: "\(alice.home)/keyring", directory: alice.home, passphrase: .none)
        let opened = try #require(try keyring.openMail(sealed))
        #expect(opened.key == "second" && opened.mail == [1, 2, 3])
        #expect(try await alice.run("key", "delete", "second").code == 2)
        #expect(try await alice.run("key", "delete", "second", "--yes").code == 0)
        try keyring.refresh()
        #expect(try keyring.openMail(sealed) == nil)
        #expect(
            try await alice.run("key", "delete", "second", "--yes")
                == .failure(2, "there is no key called second; see `nightjar key list`"))
    }

    @Test func whatIsNoKeyIsSaidSo() async throws {
        let user = try User()
        let key = try KEMPrivateKey(seed: .random(count: 32)).publicKey
        let armor = PublicKeyText.armor(key)
        var damaged = PublicKeyText.binary(key)
        damaged[1000] ^= 1
        var newer = PublicKeyText.binary(key)
        newer[1] = 2
        let cases: [(String, String)] = [
            ("Hello\n", PublicKeyError.none.description), ("", PublicKeyError.none.description),
            (armor + armor, PublicKeyError.several(2).description),
            (Armor.encode(damaged, kind: .publicKey), PublicKeyError.damaged.description),
            (Armor.encode(newer, kind: .publicKey), PublicKeyError.version.description),
            (Armor.encode(Array(damaged.dropLast()), kind: .publicKey), PublicKeyError.damaged.description),
            (String(armor.dropLast(30)), PublicKeyError.damaged.description),
            ("NIGHTJAR:KEY:ABC!", PublicKeyError.damaged.description),
            ("nightjar:key:", PublicKeyError.version.description),
        ]
        for (text, message) in cases {
            let file = try user.file("key", text)
            #expect(
                try await user.run("key", "import", file, "--name", "x") == .failure(1, message), "\(text.prefix(60))")
        }
        for good in [armor, PublicKeyText.mark(key), PublicKeyText.mark(key).lowercased() + "\n", " > " + armor] {
            #expect(try PublicKeyText.parse(Array(good.utf8)) == key)
            #expect(try PublicKeyText.parse(PublicKeyText.binary(key)) == key)
        }
        let odd = try user.file("Not A Name.key", armor)
        #expect(
            try await user.run("key", "import", odd)
                == .failure(2, "whose key is it? give the contact a name with --name NAME"))
        #expect(try await user.run("contact", "list").messages.contains("there are no contacts yet"))
    }

    @Test func theQRCodeHoldsTheKey() throws {
        let text = PublicKeyText.mark(try KEMPrivateKey(seed: .random(count: 32)).publicKey)
        #expect(text.utf8.count == 1994)
        let code = try #require(QRCode(text))
        #expect(code.modules.count == 125 && code.columns == 133, "version 27: the text is taken in alphanumeric mode")
        // Three finder patterns, the fourth corner without one.
        func finder(_ row: Int, _ column: Int) -> Bool {
            (0..<7).allSatisfy { r in
                (0..<7).allSatisfy { c in
                    let ring = max(abs(r - 3), abs(c - 3))
                    return code.modules[row + r][column + c] == (ring != 2)
                }
            }
        }
        #expect(finder(0, 0) && finder(0, 118) && finder(118, 0) && !finder(118, 118))
        let lines = code.lines(colored: false)
        #expect(lines.count == 67 && lines.allSatisfy { $0.count == 133 })
        #expect(lines[0].allSatisfy { $0 == " " } && lines[2].hasPrefix("    █▀▀▀▀▀█"))
        #expect(QRCode(String(repeating: "x", count: 3000)) == nil, "more than any code holds")
    }

    @Test func namesStandForAddresses() async throws {
        let user = try User()
        try user.configure("[aliases]\nboss = \"boss@example.org\"\nalice = \"old@example.org\"\n")
        #expect(try await user.run("contact", "add", "alice", "--address", "alice@example.org").code == 0)
        let resolved = try client(user).resolve("alice")
        #expect(resolved.address.description == "smtp:alice@example.org" && resolved.contact == "alice")
        #expect(try client(user).resolve("boss").address.description == "smtp:boss@example.org")
        #expect(try client(user).resolve("bob@example.org").contact == nil)
        let list = try await user.run("contact", "list")
        #expect(list.code == 0 && list.output.contains("boss   -    alias       smtp:boss@example.org"), "\(list)")
        #expect(!list.output.contains("old@example.org"), "the contact goes before the alias")
        #expect(throws: CommandFailure.self) { try client(user).resolve("nobody") }

        let json = try await user.run("contact", "list", "--json")
        struct Shown: Decodable {
            var name: String
            var address, fingerprint: String?
            var letsUsIn, isIntroduced: Bool
        }
        let shown = try JSONDecoder().decode([Shown].self, from: Data(json.output.utf8))
        #expect(shown.map(\.name) == ["alice"] && shown[0].address == "smtp:alice@example.org")
        #expect(try await user.run("contact", "remove", "alice").code == 0)
        #expect(try client(user).resolve("alice").address.description == "smtp:old@example.org")
        let unknown = Transcript.failure(2, "there is no contact called alice; see `nightjar contact list`")
        #expect(try await user.run("contact", "remove", "alice") == unknown)
        #expect(try await user.run("contact", "show", "alice") == unknown)

        for (arguments, start) in [
            (["Alice", "--address", "a@b.example"], "Alice cannot be the name of a contact"),
            (["a@b", "--address", "a@b.example"], "a@b cannot be the name of a contact"),
            (["carol", "--address", "nonsense@"], "nonsense@: "),
            (["carol", "--introduction", "xyz"], "--introduction takes 32 hexadecimal digits"),
            (["carol"], "nothing is said about carol"),
        ] {
            let run = try await user.run(["contact", "add"] + arguments)
            #expect(run.code == 2 && run.messages.hasPrefix(start), "\(run)")
        }
        try user.configure("[aliases]\nBoss = \"boss@example.org\"\nbad = \"nonsense\"\nnumber = 3\n")
        let run = try await user.run("contact", "list")
        #expect(run.code == 2 && run.messages.split(separator: "\n").count == 3, "\(run)")
    }

    @Test func twoPeopleIntroduceThemselves() async throws {
        var random = SeededRandom(name: "twoPeopleIntroduceThemselves")
        let network = try TestNetwork()
        let (alice, bob) = (try User(), try User())
        for user in [alice, bob] { try await user.join(network) }
        #expect(
            try await alice.run("contact", "introduce", "bob")
                == .failure(
                    2,
                    "you have no mailbox in testing to introduce anybody to; make one with `nightjar mailbox create`"))
        func addMailbox(_ user: User) throws -> OwnMailbox {
            let keyring = try Keyring.open(path: "\(user.home)/keyring", directory: user.home, passphrase: .none)
            let box = try OwnMailbox.new(
                name: "default", network: "testing", node: network["alpha"].id, nodeName: "alpha", introducedOnly: true,
                at: ScaledClock.systemTime(), using: &random)
            try keyring.add(box)
            try keyring.changeMailbox(box.id) { $0.noteSent($0.policy) }
            return box
        }
        func mailbox(_ user: User) throws -> OwnMailbox {
            try Keyring.open(path: "\(user.home)/keyring", directory: user.home, passphrase: .none).mailboxes()[0]
        }
        let (hers, his) = (try addMailbox(alice), try addMailbox(bob))
        _ = try await alice.run("key", "new", "me")

        var run = try await alice.run("contact", "introduce", "bob")
        #expect(run.code == 0 && run.messages.contains("hears of it with the next"), "\(run)")
        let card = try ContactCard(armor: run.output)
        #expect(card.address == (try hers.address) && card.key != nil)
        #expect(try mailbox(alice).policy.introductions == [card.introduction].compactMap(\.self))
        #expect(try mailbox(alice).policyChanged)
        // The same card again is the same introduction.
        #expect(try await alice.run("contact", "introduce", "bob").output == run.output)
        #expect(try mailbox(alice).policy.introductions.count == 1)

        let file = try bob.file("card", "> " + run.output.replacing("\n", with: "\n> "))
        run = try await bob.run("contact", "add", "alice", "--card", file)
        #expect(run.code == 0 && run.messages.contains("compare it with its owner"), "\(run)")
        let found = try client(bob).resolve("alice")
        #expect(found.address == card.address && found.introduction == card.introduction && found.key == card.key)
        #expect(try await bob.run("contact", "list").output.contains("us to it"))

        run = try await bob.run("contact", "introduce", "alice", "-o", bob.directory.file("back"))
        #expect(run.code == 0 && run.output.isEmpty, "\(run)")
        let back = try String(contentsOfFile: bob.directory.file("back"), encoding: .utf8)
        #expect(try ContactCard(armor: back).address == (try his.address))
        #expect(try await bob.run("contact", "list").output.contains("mutually"))
        #expect(try await alice.run("contact", "add", "bob", "--card", alice.file("back", back)).code == 0)
        #expect(try await alice.run("contact", "list").output.contains("mutually"))

        // Forgetting shuts the mailbox.
        try Keyring.open(path: "\(alice.home)/keyring", directory: alice.home, passphrase: .none)
            .changeMailbox(hers.id) { $0.noteSent($0.policy) }
        run = try await alice.run("contact", "remove", "bob")
        #expect(run.code == 0 && run.messages.contains("lets bob in no longer"), "\(run)")
        #expect(try mailbox(alice).policy.introductions.isEmpty)
        #expect(try mailbox(alice).policyChanged)
    }

    @Test func cardsThatAreNoneAreRefused() throws {
        var random = SeededRandom(name: "cardsThatAreNoneAreRefused")
        let card = ContactCard(
            address: try Address("a@b.example"), key: try KEMPrivateKey(seed: .random(count: 32)).publicKey,
            introduction: .random(using: &random))
        #expect(try ContactCard(armor: card.armor) == card)
        let plain = ContactCard(address: try Address("a@b.example"))
        #expect(try ContactCard(armor: "x\n" + plain.armor) == plain)
        #expect(throws: ContactCardError.none) { try ContactCard(armor: "nothing") }
        #expect(throws: ContactCardError.several(2)) { try ContactCard(armor: card.armor + plain.armor) }
        let bytes = Armor.decode(card.armor, kind: .contact).blocks[0]
        for _ in 0..<200 {
            var changed = bytes
            changed[Int.random(in: 1..<bytes.count, using: &random)] ^= UInt8(
                1 << Int.random(in: 0..<8, using: &random))
            #expect(throws: ContactCardError.damaged) {
                try ContactCard(armor: Armor.encode(changed, kind: .contact))
            }
        }
        for length in [1, 5, 8, 9, bytes.count - 1] {
            #expect(throws: ContactCardError.damaged) {
                try ContactCard(armor: Armor.encode(Array(bytes.prefix(length)), kind: .contact))
            }
        }
        // Whole, but of a later version.
        var newer = Array(bytes.dropLast(8))
        newer[0] = 2
        #expect(throws: ContactCardError.version) {
            try ContactCard(armor: Armor.encode(newer + Digest.sha256(newer).bytes.prefix(8), kind: .contact))
        }
        newer[0] = 1
        newer[1] = 64
        #expect(throws: ContactCardError.version) {
            try ContactCard(armor: Armor.encode(newer + Digest.sha256(newer).bytes.prefix(8), kind: .contact))
        }
    }

    @Test func contactsSurviveTheirEncoding() throws {
        var random = SeededRandom(name: "contactsSurviveTheirEncoding")
        var contact = Contact(name: "alice", added: Timestamp(seconds: 1_800_000_000))
        let key = try KEMPrivateKey(seed: .random(count: 32)).publicKey
        for mask in 0..<16 {
            contact.address = mask & 1 == 0 ? nil : try Address("alice@example.org")
            contact.key = mask & 2 == 0 ? nil : key
            contact.introduction = mask & 4 == 0 ? nil : .random(using: &random)
            contact.given =
                mask & 8 == 0 ? nil : .init(token: .random(using: &random), mailbox: .random(using: &random))
            let bytes = contact.encoded
            #expect(try Contact(name: "alice", decoding: bytes) == contact)
            #expect(throws: (any Error).self) { try Contact(name: "alice", decoding: bytes + [0]) }
            #expect(throws: (any Error).self) { try Contact(name: "alice", decoding: bytes.dropLast()) }
        }
    }
}

extension Client {
    fileprivate func resolveKey(_ name: String) throws -> KEMPublicKey? { try contact(name)?.key }
}
