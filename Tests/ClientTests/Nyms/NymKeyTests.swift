// Nyms in the keyring, in exported files, and in the code that a person copies from one device to another.

import Daemon
import Glibc
import Messages
import MixCrypto
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.timeLimit(.minutes(5))) struct NymKeyTests {
    private let directory: TemporaryDirectory
    private let now = Timestamp(seconds: 1_800_000_000)

    init() throws { directory = try TemporaryDirectory("nightjar-nym-keys") }

    private func ring(_ name: String = "ring") throws -> Keyring {
        try Keyring.open(
            path: directory.file("\(name)/keyring"), directory: directory.file(name), passphrase: .none)
    }

    private func nym(_ address: String = "alice@nym.example") throws -> OwnNym {
        var random = SystemRandomNumberGenerator()
        return OwnNym(
            address: address, network: "testing", created: now,
            server: try KEMPrivateKey(seed: .random(count: KEM.seedSize)).publicKey,
            mailbox: .random(using: &random), keys: try .random())
    }

    @Test("what is put into a keyring is there again")
    func kept() throws {
        let keyring = try ring()
        let nym = try nym()
        try keyring.add(nym)
        #expect(throws: KeyringError.taken(what: "a nym", nym.address)) { try keyring.add(nym) }
        let next = try keyring.beginRotation(of: nym.address, at: now)
        var random = SystemRandomNumberGenerator()
        let link = OwnNymLink(
            address: nym.address, network: "testing", device: "laptop", side: .giving, node: .random(using: &random),
            nodeName: "alpha", created: now, isUsed: true, box: .random(using: &random), secret: try .random())
        try keyring.add(link)

        let again = try ring()
        let found = try again.nym("alice")
        #expect(found.address == nym.address && found.server == nym.server && found.mailbox == nym.mailbox)
        #expect(found.created == now && found.network == "testing")
        #expect(try found.keys.signing().verificationKey == nym.keys.signing().verificationKey)
        #expect(try found.keys.sealing().publicKey == nym.keys.sealing().publicKey)
        #expect(try again.nextKeys(of: nym.address)?.signing().verificationKey == next.signing().verificationKey)
        let tie = try #require(again.links(of: nym.address).first)
        #expect(try tie.secret.mailbox() == link.secret.mailbox() && tie.device == "laptop" && tie.node == link.node)
        #expect(tie.box == link.box)
        #expect(again.items.allSatisfy { if case .unknown = $0 { false } else { true } })
        try again.removeNym(nym.address)
        #expect(again.items.isEmpty)
    }

    @Test("a nym's mailbox is never the place for other answers")
    func defaultMailbox() throws {
        let keyring = try ring()
        var random = SystemRandomNumberGenerator()
        func add(_ name: String) throws {
            try keyring.add(
                try OwnMailbox.new(
                    name: name, network: "testing", node: .random(using: &random), nodeName: "alpha", at: now,
                    using: &random))
        }
        let name = NymIdentity.name(address: "alice@nym.example", network: "testing")
        #expect(EntryName.isValid(name) && NymIdentity.isName(name) && !NymIdentity.isName("nym-default"))
        try add(name)
        #expect(keyring.defaultMailbox(in: "testing") == nil)
        try add("default")
        #expect(keyring.defaultMailbox(in: "testing")?.name == "default")
    }

    // MARK: Files

    @Test("an exported nym is opened by its passphrase alone, and not if a byte is changed")
    func export() throws {
        let keyring = try ring()
        let nym = try nym()
        try keyring.add(nym)
        _ = try keyring.beginRotation(of: nym.address, at: now)
        var random = SystemRandomNumberGenerator()
        let passphrase = Passphrase(
            secret: try Array("correct horse".utf8).withUnsafeBytes { try LockedSecret(copying: $0) })
        let bytes = try NymExport.encode(keyring.grant(of: nym, nil), passphrase: passphrase, using: &random)
        let work = try #require(NymExport.work(bytes))
        #expect(!work.isMinimal)
        let key = try passphrase.key(work)
        let grant = try #require(try NymExport.decode(bytes, key: key))
        #expect(grant.nym.address == nym.address && grant.nym.server == nym.server && grant.spare.count == 1)
        #expect(try grant.nym.keys.signing().verificationKey == nym.keys.signing().verificationKey)
        #expect(try NymExport.decode(bytes, key: .random()) == nil)
        var generator = SeededRandom(name: "export")
        for _ in 0..<100 {
            var changed = bytes
            changed[Int.random(in: 51..<bytes.count, using: &generator)] ^= 1
            #expect(try NymExport.decode(changed, key: key) == nil)
        }
        #expect(NymExport.work(Array("nightjar nym 2\n".utf8) + bytes.dropFirst(15)) == nil)
        for length in [0, 10, 60] { #expect(NymExport.work(Array(bytes.prefix(length))) == nil) }
        let other = try ring("other")
        try other.add(grant)
        #expect(try other.nym("alice@nym.example").mailbox == nil)
        #expect(throws: KeyringError.taken(what: "a nym", nym.address)) { try other.add(grant) }
    }

    // MARK: Codes

    @Test("a code is read as it was written, however it was typed", arguments: ["alpha", "a-b-2", "nodexyz"])
    func codes(_ node: String) throws {
        for _ in 0..<20 {
            let secret = try LinkSecret.random()
            let text = LinkCode(node: node, secret: secret).text
            // The name of the node is to be typed as it is; in the digits there is no 1.
            let mistaken = node + text.dropFirst(node.count).replacing("l", with: "1").replacing("o", with: "0")
            for typed in [text, text.uppercased(), " \(text) ", mistaken] {
                let read = try LinkCode(typed)
                #expect(try read.node == node && read.secret.mailbox() == secret.mailbox())
            }
        }
    }

    @Test("every slip of one character, and every swap of neighbours, is found")
    func typos() throws {
        // The check has twenty bits: a slip is passed over once in a million, and of this secret no slip is.
        var fixed = [UInt8](0..<16)
        let secret = LinkSecret(LockedSecret(try SecretBytes(moving: &fixed)))
        let text = Array(LinkCode(node: "bravo", secret: secret).text)
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567")
        for index in text.indices where text[index] != "-" {
            for letter in letters where letter != text[index] {
                var typed = text
                typed[index] = letter
                #expect(throws: LinkCodeError.self) { try LinkCode(String(typed)) }
            }
            guard index > 0, text[index - 1] != "-", text[index - 1] != text[index] else { continue }
            var typed = text
            typed.swapAt(index - 1, index)
            #expect(throws: LinkCodeError.self) { try LinkCode(String(typed)) }
        }
        for short in ["", "bravo", "bravo-abcde", String(text.dropLast()), "-" + String(text.dropFirst(6))] {
            #expect(throws: LinkCodeError.self) { try LinkCode(short) }
        }
    }
}
