// What proposals and evidence are refused.

import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite("Proposals and evidence")
struct EvidenceTests {
    private static func votes(_ names: String...) throws -> [CountedVote] {
        try names.map { CountedVote(name: try #require(Nickname($0)), digest: .sha256($0)) }
    }

    private func proposal(_ set: AuthoritySet, _ leader: Int, _ votes: [CountedVote]) throws -> Proposal {
        try Proposal.make(slot: set.slot, votes: votes, network: set.file, signer: set.signer(leader))
    }

    @Test("a proposal names authorities by their places")
    func facts() throws {
        let set = try AuthoritySet(4)
        let made = try proposal(set, 2, Self.votes("dog", "ant", "bee"))
        let fact = try #require(made.fact(in: set.file))
        #expect(fact.authority == 2)
        #expect(fact.votes.map(\.authority) == [0, 1, 3])
        #expect(fact.votes.map(\.digest) == [.sha256("ant"), .sha256("bee"), .sha256("dog")])
        #expect(try proposal(set, 2, Self.votes("dog", "ant", "bee")).digest == made.digest)
    }

    @Test("a proposal of no votes, of two of one authority, or of a stranger's is refused")
    func badProposals() throws {
        let set = try AuthoritySet(4)
        #expect(throws: DocumentError.self) { try proposal(set, 0, []) }
        #expect(throws: DocumentError.self) { try proposal(set, 0, Self.votes("ant", "bee", "ant")) }
        #expect(throws: AuthorityDocumentError.unknownAuthority("elk")) {
            try proposal(set, 0, Self.votes("ant", "elk"))
        }
    }

    @Test("a proposal changed, or of another network or edition, is refused")
    func forgedProposals() throws {
        let set = try AuthoritySet(4)
        let made = try proposal(set, 0, Self.votes("ant", "bee", "cat"))
        var items = try Document.parse(made.bytes).map(\.item)
        try items.set("vote", "ant", Digest.sha256("other").hex)
        #expect(throws: AuthorityDocumentError.badSignature("ant")) {
            try UnverifiedProposal(Document.write(items)).verify(in: set.file)
        }
        items = try Document.parse(made.bytes).map(\.item)
        try items.set("authority", "bee")
        #expect(throws: AuthorityDocumentError.badCertificate("bee")) {
            try UnverifiedProposal(Document.write(items)).verify(in: set.file)
        }
        let other = try AuthoritySet(4, network: "another")
        #expect(throws: AuthorityDocumentError.otherNetwork("testing")) {
            try UnverifiedProposal(made.bytes).verify(in: other.file)
        }
    }

    @Test("two signatures of one authority are evidence, in any order")
    func signatures() throws {
        let set = try AuthoritySet(4)
        let sent = try [nil, ConsensusLink(slot: Slot(1), digest: .sha256("other"))].map { previous in
            let consensus = try set.consensus(previous: previous)
            return SentConsensusSignature(try set.signature(1, consensus), on: consensus.link, network: set.file).bytes
        }
        let one = try Evidence.make(.signature, sent[0], sent[1], network: set.file)
        let other = try Evidence.make(.signature, sent[1], sent[0], network: set.file)
        #expect(one == other)
        #expect(one.authority.text == "bee")
        #expect(one.digests == one.digests.sorted())
        #expect(one.fact(in: set.file) == EvidenceFact(kind: .signature, authority: 1, slot: try set.slot))
        #expect(try UnverifiedEvidence(one.bytes).verify(in: set.file) == one)
        // As something else it does not even parse.
        #expect(throws: DocumentError.self) { try Evidence.make(.proposal, sent[0], sent[1], network: set.file) }
    }

    @Test("one document twice, documents of two authorities, or forged ones are no evidence")
    func badEvidence() throws {
        let set = try AuthoritySet(4)
        let one = try proposal(set, 0, Self.votes("ant", "bee", "cat"))
        let two = try proposal(set, 0, Self.votes("ant", "bee", "dog"))
        let strange = try proposal(set, 1, Self.votes("ant", "bee", "dog"))
        _ = try Evidence.make(.proposal, one.bytes, two.bytes, network: set.file)
        #expect(throws: DocumentError.self) {
            try Evidence.make(.proposal, one.bytes, one.bytes, network: set.file)
        }
        #expect(throws: DocumentError.self) {
            try Evidence.make(.proposal, one.bytes, strange.bytes, network: set.file)
        }
        let later = try Proposal.make(
            slot: #require(set.slot.advanced(by: 1)), votes: two.votes, network: set.file, signer: set.signer(0))
        #expect(throws: DocumentError.self) {
            try Evidence.make(.proposal, one.bytes, later.bytes, network: set.file)
        }
        // Somebody else's words put into its mouth.
        var items = try Document.parse(two.bytes).map(\.item)
        try items.set("vote", "ant", Digest.sha256("forged").hex)
        let forged = Document.write(items)
        #expect(throws: AuthorityDocumentError.badSignature("ant")) {
            try Evidence.make(.proposal, one.bytes, forged, network: set.file)
        }
    }
}
