import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Consensus")
struct ConsensusTests {
    private static func nodes() throws -> [Descriptor] {
        [try TestDirectory.descriptor(1, "ada"), try TestDirectory.descriptor(2, "bob", "9.9.9.9:7")]
    }

    private func certified(_ set: AuthoritySet, _ signers: [Int]) throws -> CertifiedConsensus {
        let consensus = try set.consensus(Self.nodes())
        return try CertifiedConsensus(
            consensus, signatures: try signers.map { try set.signature($0, consensus) }, network: set.file)
    }

    private func refused(_ error: ConsensusError, _ message: String, _ body: () throws -> CertifiedConsensus) {
        let thrown = #expect(throws: ConsensusError.self) { _ = try body() }
        #expect(thrown == error)
        #expect(thrown?.description == message)
    }

    @Test("the form is that of the golden file")
    func golden() throws {
        let set = try AuthoritySet(4)
        let made = try certified(set, [0, 1, 2])
        let golden = try DescriptorTests.golden("consensus.txt", recording: made.bytes)
        let read = try UnverifiedConsensus(golden).verify(in: set.file)
        #expect(read.consensus == made.consensus)
        #expect(
            String(decoding: read.consensus.bytes, as: UTF8.self)
                == String(decoding: made.consensus.bytes, as: UTF8.self))
        #expect(read.signers.map(\.text) == ["ant", "bee", "cat"])
        #expect(read.consensus.published == AuthoritySet.slotStart)
        #expect(read.consensus.nodes.map(\.nickname.text).sorted() == ["ada", "bob"])
        #expect(read.consensus.nodes[0].flags == [.running, .stable])
        #expect(read.consensus.nodes[0].latency == .seconds(4))
    }

    @Test("fewer signatures than a quorum certify nothing")
    func quorum() throws {
        let set = try AuthoritySet(4)
        refused(
            .notEnoughSignatures(have: 2, needed: 3),
            "the consensus has the signatures of 2 authorities, but 3 are needed; do not use it"
        ) { try certified(set, [0, 3]) }
        // The same authority twice counts once.
        #expect(throws: ConsensusError.notEnoughSignatures(have: 2, needed: 3)) { try certified(set, [0, 3, 3]) }
        let enough = try certified(set, [0, 3, 2])
        let all = try enough.adding([set.signature(1, enough.consensus)], network: set.file)
        #expect(all.signers.map(\.text) == ["ant", "bee", "cat", "dog"])
        #expect(all.link == enough.link)
        // Signatures cut away from the bytes.
        let items = try Document.parse(enough.bytes).map(\.item).dropLast(2)
        #expect(throws: ConsensusError.notEnoughSignatures(have: 2, needed: 3)) {
            try UnverifiedConsensus(Document.write(Array(items))).verify(in: set.file)
        }
    }

    @Test("a byte changed anywhere is refused")
    func changedBytes() throws {
        var generator = SeededRandom(name: "consensus bytes")
        let set = try AuthoritySet(1)
        let bytes = try certified(set, [0]).bytes
        for index in bytes.indices where index < 300 || index.isMultiple(of: 37) || index > bytes.count - 40 {
            var changed = bytes
            changed[index] ^= UInt8.random(in: 1...255, using: &generator)
            #expect(throws: (any Error).self, "byte \(index)") {
                _ = try UnverifiedConsensus(changed).verify(in: set.file)
            }
        }
    }

    @Test("a consensus of another network, edition or set of keys is refused")
    func others() throws {
        let set = try AuthoritySet(3)
        let bytes = try certified(set, [0, 1]).bytes
        refused(.otherNetwork("testing"), "this is the consensus of another network, testing") {
            try UnverifiedConsensus(bytes).verify(in: AuthoritySet(3, network: "other").file)
        }
        let newer = try AuthoritySet(3, version: 2, previous: set.file.digest)
        refused(
            .otherNetworkVersion(have: 2, named: 1),
            "the consensus was made by version 1 of the network file, which version 2 has replaced"
        ) { try UnverifiedConsensus(bytes).verify(in: newer.file) }
        let forged = try AuthoritySet(3, seed: 120)
        #expect(throws: ConsensusError.inconsistent("it names another edition of it")) {
            try UnverifiedConsensus(bytes).verify(in: forged.file)
        }
    }

    @Test("its age is told by its dates")
    func age() throws {
        let consensus = try certified(AuthoritySet(1), [0])
        let start = AuthoritySet.slotStart
        #expect(consensus.age(at: start - .hours(1) - .milliseconds(1)) == .notYet)
        #expect(consensus.age(at: start - .hours(1)) == .fresh)
        #expect(consensus.age(at: start + .hours(1) - .milliseconds(1)) == .fresh)
        #expect(consensus.age(at: start + .hours(1)) == .old)
        #expect(consensus.age(at: start + .days(3)) == .expired)
    }

    @Test("a signature sent alone can be checked alone, and stands for one slot and digest only")
    func sentSignature() throws {
        let set = try AuthoritySet(3)
        let consensus = try set.consensus(Self.nodes())
        let sent = SentConsensusSignature(try set.signature(1, consensus), on: consensus.link, network: set.file)
        let read = try SentConsensusSignature(sent.bytes)
        #expect(read == sent)
        try read.verify(in: set.file)
        let other = ConsensusLink(slot: try #require(consensus.slot.advanced(by: 1)), digest: consensus.digest)
        #expect(throws: AuthorityDocumentError.badSignature("bee")) {
            try read.signature.verify(other, in: set.file)
        }
    }

    @Test("a certificate counts for its authority and between its dates")
    func certificates() throws {
        let set = try AuthoritySet(3)
        let consensus = try set.consensus(Self.nodes())
        let late = try set.signer(0, from: AuthoritySet.slotStart + .days(2))
        let early = try set.signer(0, from: AuthoritySet.slotStart - .days(30), for: .days(30))
        for signer in [late, early] {
            let signature = try ConsensusSignature.make(consensus.link, network: set.file, signer: signer)
            let error = #expect(throws: AuthorityDocumentError.self) {
                try signature.verify(consensus.link, in: set.file)
            }
            guard case .certificateExpired("ant", _, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        #expect(throws: DocumentError.self) { try set.signer(0, for: .days(91)) }
        // A certificate that another identity signed.
        let stolen = try AuthorityCertificate.make(
            network: "testing", name: set.file.authorities[0].name, identity: set.identities[1],
            key: set.signing[0].verificationKey, published: TestDirectory.now, validUntil: TestDirectory.now + .days(1))
        #expect(throws: AuthorityDocumentError.badCertificate("ant")) {
            _ = try UnverifiedCertificate(stolen).verify(in: set.file, at: TestDirectory.now)
        }
    }

    @Test("descriptors bundled together come apart again")
    func bundle() throws {
        let nodes = try Self.nodes()
        let pieces = DescriptorBundle.split(DescriptorBundle.join(nodes))
        #expect(pieces.map(Array.init) == nodes.map(\.bytes))
        #expect(DescriptorBundle.split([]).isEmpty)
        #expect(DescriptorBundle.split(Array("nightjar-descriptor 1".utf8)).isEmpty)
        #expect(DescriptorBundle.split(Array("junk\n".utf8) + nodes[0].bytes).map(Array.init) == [nodes[0].bytes])
    }

    @Test("a network has the nodes whose descriptors the consensus names, and knows which are missing")
    func network() throws {
        let nodes = try Self.nodes()
        let whole = try TestDirectory.network(nodes)
        #expect(whole.nodes.count == 2)
        #expect(whole.missing.isEmpty)
        let ada = try #require(whole.node(named: "ADA"))
        #expect(whole.node(named: ada.id.hex)?.id == ada.id)
        #expect(whole.node(named: String(ada.id.hex.prefix(8)))?.id == ada.id)
        #expect(whole.node(named: String(ada.id.hex.prefix(7))) == nil)
        #expect(whole.node(NodeID()) == nil)
        let consensus = try #require(whole.consensus)
        let half = Network(root: whole.root, consensus: consensus, descriptors: [nodes[0]])
        #expect(half.nodes.map(\.id) == [nodes[0].id])
        #expect(half.missing == [nodes[1].digest])
        // Another descriptor of the same node is not the one that was named.
        let other = try TestDirectory.descriptor(2, "bob", "9.9.9.8:7")
        #expect(Network(root: whole.root, consensus: consensus, descriptors: [nodes[0], other]).nodes.count == 1)
        #expect(Network(root: whole.root).nodes.isEmpty)
    }

    @Test("private addresses are for test networks")
    func privateAddresses() throws {
        let nodes = [try TestDirectory.descriptor(1, "ada"), try TestDirectory.descriptor(2, "bob", "10.0.0.1:48099")]
        #expect(try TestDirectory.network(nodes).nodes.map(\.fields.nickname.text) == ["ada"])
        #expect(try TestDirectory.network(nodes, isTest: true).nodes.count == 2)
    }
}
