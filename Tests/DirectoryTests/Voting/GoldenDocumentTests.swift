import Directory
import MixCrypto
import Testing
import WireFormat

/// The forms of what authorities and nodes exchange, held against files and digests that must never change unnoticed.
/// Votes, network files, consensuses and descriptors have theirs where they are tested.
@Suite("Golden documents")
struct GoldenDocumentTests {
    private let ballot: Ballot
    private let consensus: Consensus

    init() throws {
        ballot = try Ballot.of(4)
        let votes = try ballot.votes { _ in [try Ballot.node(1)] }
        consensus = try ballot.tally(votes)
    }

    @Test("certificate")
    func certificate() throws {
        let made = ballot.signers[0].certificate
        let golden = try DescriptorTests.golden("certificate.txt", recording: made.bytes)
        #expect(Self.items(golden).dropLast() == Self.items(made.bytes).dropLast())
        let read = try UnverifiedCertificate(golden).verify(in: ballot.file, at: Ballot.start)
        #expect(read.authority.name.text == "ant")
        #expect(read.key == made.key)
        #expect(read.validUntil - read.published == .days(30))
    }

    @Test("consensus signature")
    func consensusSignature() throws {
        let signature = try ballot.set.signature(0, consensus)
        let made = SentConsensusSignature(signature, on: consensus.link, network: ballot.file)
        let golden = try DescriptorTests.golden("consensus-signature.txt", recording: made.bytes)
        let read = try SentConsensusSignature(golden)
        try read.verify(in: ballot.file)
        #expect(read.link == consensus.link)
        #expect(read.signature.authority.text == "ant")
        #expect(read.bytes == golden)
        // The items up to the certificate, which has a signature of its own.
        #expect(Self.items(golden).dropLast(2) == Self.items(made.bytes).dropLast(2))
    }

    @Test("proposal")
    func proposal() throws {
        let made = try Proposal.make(
            slot: ballot.slot, votes: consensus.votes, network: ballot.file, signer: ballot.signers[1])
        let golden = try DescriptorTests.golden("proposal.txt", recording: made.bytes)
        let read = try UnverifiedProposal(golden).verify(in: ballot.file)
        #expect(read.digest == made.digest)
        #expect(read.votes == consensus.votes)
        #expect(Self.items(golden).dropLast(2) == Self.items(made.bytes).dropLast(2))
    }

    @Test("evidence")
    func evidence() throws {
        let votes = try ["one", "other"].map { text in try ballot.vote(2) { $0.reports = [Ballot.digest(text)] } }
        let made = try Evidence.make(.vote, votes[0].bytes, votes[1].bytes, network: ballot.file)
        let golden = try DescriptorTests.golden("evidence.txt", recording: made.bytes)
        let read = try UnverifiedEvidence(golden).verify(in: ballot.file)
        #expect(read.authority.text == "cat")
        #expect(Set(read.digests) == Set(votes.map(\.digest)))
        #expect(read.slot == ballot.slot)
        #expect(Self.items(golden).dropLast(2) == Self.items(made.bytes).dropLast(2))
    }

    @Test("DIRECTORY frames")
    func frames() {
        let link = ConsensusLink(slot: Slot(1_496_035), digest: Ballot.digest("consensus"))
        let digests = ["one", "other"].map(Ballot.digest)
        let frames: [([UInt8], String)] = [
            (DirectoryRequest(.latest).encoded, "555adf0d07696856882856cbb78423981269bf7c1f873e28e2d59468a9dceab7"),
            (
                DirectoryRequest(.consensus(link), block: 3).encoded,
                "5e4b244d2d49c31ec190f8696edf835d806e23958e91ea1617d1aec77287725e"
            ),
            (
                DirectoryRequest(.documents(digests), newest: link).encoded,
                "b6c45991d10ec83cbf824a757e1ae520bb194d7e101a30411e65cf479694ebf3"
            ),
            (
                DirectoryRequest(.networkFile(7)).encoded,
                "460706e3b5107a9eada2602c46324729d2beaa8d4a665c6dba28bb6803c320a1"
            ),
            (
                DirectoryBlock.without(.busy, newest: link).encoded,
                "3644472f72698769814bb8deef6f6d493c350dc4f63c846e25118431257e5832"
            ),
            (
                DirectoryBlock([UInt8]("abc".utf8), block: 0, total: 3, newest: link)?.encoded ?? [],
                "0122bcd1e10e068463e0ee1824f8619fbd5cda8ee033afe3fd9054344f3956f3"
            ),
        ]
        for (frame, digest) in frames {
            #expect(frame.count == 32_768)
            #expect(Digest.sha256(frame).hex == digest)
        }
    }

    private static func items(_ bytes: [UInt8]) -> [DocumentItem] { (try? Document.parse(bytes).map(\.item)) ?? [] }
}
