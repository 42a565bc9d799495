import Directory
import Testing
import WireFormat

@Suite("Audits")
struct ConsensusAuditTests {
    private let ballot: Ballot
    private let votes: [Vote]
    private let consensus: Consensus

    init() throws {
        let ballot = try Ballot.of(4)
        votes = try ballot.votes { _ in try (1...3).map { try Ballot.node($0) } }
        consensus = try ballot.tally(Array(votes.prefix(3)))
        self.ballot = ballot
    }

    private func check(_ consensus: Consensus, _ votes: [Vote]) -> AuditVerdict {
        ConsensusAudit.check(consensus, votes: votes.map(\.bytes), network: ballot.file)
    }

    @Test("a consensus that its votes give passes, whatever else is there")
    func identical() throws {
        #expect(check(consensus, Array(votes.prefix(3))) == .identical)
        #expect(check(consensus, votes.reversed()) == .identical)
        let certified = try CertifiedConsensus(
            consensus, signatures: try (0..<3).map { try ballot.set.signature($0, consensus) }, network: ballot.file)
        let noise: [[UInt8]] = [[], [1, 2, 3], consensus.bytes, certified.bytes]
        let verdict = ConsensusAudit.check(certified, votes: noise + votes.map(\.bytes), network: ballot.file)
        #expect(verdict == .identical)
        #expect(verdict.description == "the votes give this consensus, byte for byte")
        // A vote that was signed again is the same vote.
        let again = try Vote.make(votes[0].contents, network: ballot.file, signer: ballot.signers[0])
        #expect(check(consensus, [again] + votes.dropFirst()) == .identical)
    }

    @Test("a vote that is not there is named")
    func missing() throws {
        let other = try ballot.vote(1) { $0.reports = [Ballot.digest("x")] }
        let verdict = check(consensus, [votes[0], other, votes[2]])
        #expect(verdict == .missingVote(authority: "bee", digest: votes[1].digest))
        #expect(
            verdict.description
                == "the vote of authority bee with digest \(votes[1].digest.hex) is missing; fetch it from any authority and "
                + "try again")
    }

    @Test("a vote that somebody else signed is named")
    func bad() throws {
        let forged = try VoteTests.resigned(votes[1].bytes, ballot, signer: 3)
        let verdict = ConsensusAudit.check(
            consensus, votes: [votes[0].bytes, forged, votes[2].bytes], network: ballot.file)
        #expect(verdict == .badVote(authority: "bee", .badCertificate("bee")))
    }

    @Test("a consensus of too few votes is none")
    func few() {
        let made = Consensus(
            network: ballot.file, slot: ballot.slot, previous: nil,
            votes: [CountedVote(name: votes[0].contents.authority, digest: votes[0].digest)],
            parameters: NetworkParameters(), nodes: [])
        #expect(check(made, votes) == .noConsensus(.notEnoughVotes(have: 1, needed: 3)))
    }

    @Test("the first line that differs is shown")
    func differs() throws {
        var nodes = consensus.nodes
        nodes[1].flags.insert(.stable)
        func changed(_ nodes: [ConsensusNode], links: [NodeLink] = []) -> Consensus {
            Consensus(
                network: ballot.file, slot: ballot.slot, previous: nil, votes: consensus.votes,
                parameters: consensus.parameters, nodes: nodes, brokenLinks: links)
        }
        let text = String(decoding: consensus.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        let line = try #require(text.firstIndex { $0.contains(" node2 ") })
        #expect(
            check(changed(nodes), votes)
                == .differs(
                    line: line + 1, published: text[line].replacing("Running", with: "Running Stable"),
                    computed: text[line]))
        // One line more, one line less.
        let link = NodeLink(from: nodes[0].id, to: nodes[1].id)
        let more = changed(consensus.nodes, links: [link])
        #expect(
            check(more, votes)
                == .differs(
                    line: text.count + 1, published: "broken-link \(link.from.hex) \(link.to.hex)", computed: ""))
        let fewer = changed(Array(consensus.nodes.dropLast()))
        #expect(check(fewer, votes) == .differs(line: text.count, published: "", computed: text[text.count - 1]))
        #expect(check(fewer, votes).description.hasPrefix("line \(text.count) differs: the consensus says ``, "))
    }
}
