import Messages
import MixCrypto
import NymProtocol
import TestSupport
import Testing
import WireFormat

/// What nobody but the server can read, and nobody but the owner write.
@Suite struct NymRequestTests {
    private let domain = NymFixture.domain

    private func request(_ commands: [NymCommand]) throws -> NymRequest {
        try NymRequest(account: NymFixture.name("alice"), device: 1, number: 1, commands: commands)
    }

    @Test func forTheServerAloneAndSigned() throws {
        let (key, other) = (try NymFixture.signing(1), try NymFixture.signing(2))
        let server = try NymFixture.sealing(9)
        let request = try request(NymFixture.commands())
        let sealed = try request.sealed(for: domain, key: key, to: server.publicKey)
        let opened = try UnverifiedNymRequest(opening: sealed, domain: domain, with: server)
        #expect(opened.account.text == "alice" && opened.device == 1 && opened.number == 1)
        #expect(opened.creationKey == key.verificationKey)
        #expect(try opened.verify(key.verificationKey) == request)
        #expect(throws: NymError.badSignature) { try opened.verify(other.verificationKey) }
        #expect(throws: NymError.notAuthentic) {
            try UnverifiedNymRequest(opening: sealed, domain: domain, with: NymFixture.sealing(8))
        }
        // For another server's domain the signature does not count.
        let elsewhere = try UnverifiedNymRequest(opening: sealed, domain: "other.example", with: server)
        #expect(throws: NymError.badSignature) { try elsewhere.verify(key.verificationKey) }
        // Nor is mail of the same key taken for a request.
        let mail = try MailSeal.seal([UInt8](repeating: 0, count: 1024), to: server.publicKey)
        #expect(throws: NymError.notAuthentic) { try UnverifiedNymRequest(opening: mail, domain: domain, with: server) }
        #expect(throws: CryptoError.notAuthentic) { try NymSeal.open(mail, with: server) }
        let item = try NymSeal.seal([1, 2, 3], to: server.publicKey)
        #expect(try NymSeal.open(item, with: server) == [1, 2, 3] && item.count == 3 + NymSeal.overhead)
        #expect(throws: CryptoError.notAuthentic) { try MailSeal.open(item, with: server) }
    }

    @Test func rotationIsSignedByTheNewKeyToo() throws {
        let (key, new) = (try NymFixture.signing(1), try NymFixture.signing(2))
        let server = try NymFixture.sealing(9)
        let mine = try NymFixture.sealing(4).publicKey
        for (account, domain, isGood) in [
            ("alice", "nym.example", true), ("bob", "nym.example", false), ("alice", "x.example", false),
        ] {
            let rotation = try NymRotation(to: new, sealing: mine, account: NymFixture.name(account), domain: domain)
            let sealed = try request([.rotate(rotation)]).sealed(for: self.domain, key: key, to: server.publicKey)
            let opened = try UnverifiedNymRequest(opening: sealed, domain: self.domain, with: server)
            #expect(opened.creationKey == nil)
            if isGood {
                #expect(try opened.verify(key.verificationKey).commands == [.rotate(rotation)])
            } else {
                #expect(throws: NymError.badSignature) { try opened.verify(key.verificationKey) }
            }
        }
    }

    @Test func theLengthTellsLittle() throws {
        let key = try NymFixture.signing(1)
        let server = try NymFixture.sealing(9)
        func size(_ commands: [NymCommand], padding: Int = 0) throws -> Int {
            try request(commands).sealed(for: domain, key: key, to: server.publicKey, padding: padding).count
        }
        #expect(try size([]) == size([.acknowledge(Array(0..<100))]))
        #expect(try size([]) == 1024 + MailSeal.overhead)
        #expect(
            try size([], padding: 50_000)
                == size([.surbs(NymBatch(generation: 1, blocks: (0..<6).map(NymFixture.block)))], padding: 50_000))
        #expect(try (50_000..<51_100).contains(size([], padding: 50_000)))
        let most = try size([.surbs(NymBatch(generation: 1, blocks: Array(repeating: NymFixture.block(1), count: 800)))]
        )
        #expect(most <= NymRequest.largestSealed)
        #expect(throws: NymError.self) { try size([], padding: NymRequest.largestSealed + 5000) }
        let text = NymRequestText.text([UInt8](repeating: 7, count: NymRequest.largestSealed))
        #expect(text.count <= 8 << 20)
    }

    @Test func asText() throws {
        var random = SeededRandom(name: "asText")
        for count in [0, 1, 56, 57, 58, 1500, 20_000] {
            let sealed = random.bytes(count)
            let text = NymRequestText.text(sealed)
            #expect(NymRequestText.find(in: text) == sealed)
            let head = Array("From: x@y.example\r\nSubject: z\r\n\r\nHello\r\n".utf8)
            #expect(NymRequestText.find(in: head + text + Array("-- \r\nfooter\r\n".utf8)) == sealed)
            let unix = text.filter { $0 != 0x0D }
            #expect(NymRequestText.find(in: unix) == sealed)
            #expect(NymRequestText.find(in: Array(text.dropLast(8))) == nil)
            #expect(text.split(separator: 0x0A).allSatisfy { $0.count <= 77 })
        }
        #expect(NymRequestText.find(in: []) == nil)
        for _ in 0..<200 {
            var text = NymRequestText.text(random.bytes(300))
            for _ in 0..<3 {
                text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = NymRequestText.find(in: text)
        }
    }

    @Test func hostileSealedForms() throws {
        var random = SeededRandom(name: "hostileSealedForms")
        let server = try NymFixture.sealing(9)
        for count in [0, 1, 1000, 1136, 5000] {
            #expect(throws: NymError.self) {
                try UnverifiedNymRequest(opening: random.bytes(count), domain: domain, with: server)
            }
        }
        // Sealed to the server by anybody: lengths that lie, no padding, noise.
        for plain in [
            [], [0, 0, 0, 1], [255, 255, 255, 255] + random.bytes(1020), random.bytes(1024),
            [UInt8](repeating: 0, count: 1024),
        ] {
            let sealed = try MailSeal.seal(plain, to: server.publicKey, label: "nightjar/1 nym request")
            #expect(throws: NymError.self) { try UnverifiedNymRequest(opening: sealed, domain: domain, with: server) }
        }
    }

    @Test func workIsForOneNameDomainAndKey() throws {
        let key = try NymFixture.signing(1).verificationKey
        let alice = try NymFixture.name("alice")
        let work = ProofOfWork.find(domain: domain, name: alice, key: key, bits: 12)
        #expect(work.bits(domain: domain, name: alice, key: key) >= 12)
        let others = [
            work.bits(domain: "x.example", name: alice, key: key),
            work.bits(domain: domain, name: try NymFixture.name("bob"), key: key),
            work.bits(domain: domain, name: alice, key: try NymFixture.signing(2).verificationKey),
        ]
        #expect(others.contains { $0 < 12 })
        #expect(ProofOfWork.find(domain: domain, name: alice, key: key, bits: 12, from: 0, tries: 1_000_000) == work)
        #expect(ProofOfWork.find(domain: domain, name: alice, key: key, bits: 40, from: 0, tries: 100) == nil)
    }

    @Test func addresses() throws {
        #expect(NymAddress("Alice@Nym.Example")?.description == "alice@nym.example")
        #expect(NymAddress("alice@nym.example")?.address?.description == "nym:alice@nym.example")
        for text in [
            "alice", "a@nym.example", "alice@", "@nym.example", "alice@1.2.3.4", "alice@b@c", "nym:alice@nym.example",
            "a+b@nym.example",
        ] {
            #expect(NymAddress(text) == nil, "\(text)")
        }
        #expect(ReservedNames.contains(try NymFixture.name("postmaster")))
        #expect(!ReservedNames.contains(try NymFixture.name("alice")))
    }
}
