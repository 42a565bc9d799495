import Directory
import TestSupport
import Testing
import WireFormat

/// What must hold whatever the votes are.
@Suite("Tally, random votes")
struct TallyPropertyTests {
    /// Votes that agree about little.
    private static func randomVotes(_ ballot: Ballot, using generator: inout SeededRandom) throws -> [Vote] {
        var votes: [Vote] = []
        let spare = ballot.count - ballot.file.quorum
        let absent = Set(
            (0..<ballot.count).shuffled(using: &generator).prefix(Int.random(in: 0...spare, using: &generator)))
        for index in 0..<ballot.count where !absent.contains(index) {
            var nodes: [VotedNode] = []
            for number in 1...12 where Int.random(in: 0..<4, using: &generator) > 0 {
                nodes.append(try randomNode(number, using: &generator))
            }
            let links = (0..<8).map { _ in
                NodeLink(
                    from: NodeID(copying: .random(in: 1...3, using: &generator)),
                    to: NodeID(copying: .random(in: 4...6, using: &generator)))
            }
            let previous = ConsensusLink(
                slot: try #require(ballot.slot.advanced(by: -Int.random(in: 1...2, using: &generator))),
                digest: Ballot.digest("\(Int.random(in: 0...1, using: &generator))"))
            votes.append(
                try ballot.vote(index, nodes) { contents in
                    contents.brokenLinks = Array(Set(links))
                    contents.previous = previous
                    contents.parameters.delayCap = .hours(.random(in: 1...24, using: &generator))
                    contents.parameters.retryDeadline = .hours(.random(in: 30...43, using: &generator))
                })
        }
        return votes
    }

    private static func randomNode(_ number: Int, using generator: inout SeededRandom) throws -> VotedNode {
        let age = Int64.random(in: 0...2, using: &generator)
        // Two numbers share each nickname.
        let nickname = try #require(Nickname("name\(number / 2)"))
        let measured = Bool.random(using: &generator)
        let reliability = Int.random(in: 0...1000, using: &generator)
        let flags = NodeFlag.allCases.filter { _ in Bool.random(using: &generator) }
        let since = Interval.days(.random(in: 0...30, using: &generator))
        return try Ballot.node(number, flags: Set(flags)) { node in
            node.nickname = nickname
            node.descriptor = Ballot.digest("\(number) \(age)")
            node.published = Ballot.start - .hours(age)
            node.since = Ballot.start - since
            if measured {
                node.measurement = NodeMeasurement(
                    reliability: reliability, latency: .seconds(Int64(reliability)), samples: 1)
            }
        }
    }

    @Test("the order of votes does not matter, and what comes out can be read", arguments: 1...9)
    func permutations(count: Int) throws {
        var generator = SeededRandom(name: "tally permutations \(count)")
        let ballot = try Ballot.of(count)
        for _ in 0..<2 {
            var votes = try Self.randomVotes(ballot, using: &generator)
            let first = try ballot.tally(votes)
            for _ in 0..<5 {
                votes.shuffle(using: &generator)
                #expect(try ballot.tally(votes).bytes == first.bytes)
            }
            // Read from their bytes they are the same votes.
            let again = try votes.map { try UnverifiedVote($0.bytes).verify(in: ballot.file) }
            #expect(try ballot.tally(again).digest == first.digest)
            let certified = try CertifiedConsensus(
                first, signatures: try (0..<count).map { try ballot.set.signature($0, first) }, network: ballot.file)
            #expect(try UnverifiedConsensus(certified.bytes).verify(in: ballot.file).consensus == first)
            #expect(first.nodes.allSatisfy { (1...100).contains($0.weight) })
            #expect(Set(first.nodes.map(\.nickname.folded)).count == first.nodes.count)
            #expect(first.parameters.isWithinTimeBudget)
        }
    }

    @Test("f liars decide nothing alone", arguments: 4...9)
    func liars(count: Int) throws {
        var generator = SeededRandom(name: "tally liars \(count)")
        let ballot = try Ballot.of(count)
        let faults = ballot.file.faults
        for _ in 0..<3 {
            let liars = Set((0..<count).shuffled(using: &generator).prefix(faults))
            // The honest ones know the same nodes; some have the older descriptor, some the newer.
            let honest = try (0..<count).filter { !liars.contains($0) }.map { index in
                let nodes = try (1...8).map { number in
                    let isNew = Bool.random(using: &generator)
                    return try Ballot.node(number) { node in
                        node.descriptor = Ballot.digest("\(number) \(isNew)")
                        node.published = Ballot.start - .hours(isNew ? 1 : 3)
                    }
                }
                return try ballot.vote(index, nodes) { contents in
                    contents.parameters.meanDelay = .seconds(.random(in: 100...200, using: &generator))
                    contents.previous = ConsensusLink(
                        slot: try #require(ballot.slot.advanced(by: -1)), digest: Ballot.digest("true"))
                }
            }
            let lying = try liars.sorted().map { index in
                // A node of their own, false descriptors that look newest, and all real nodes bad and their links
                // broken.
                let nodes = try (1...9).map { number in
                    try Ballot.node(number, flags: [.bad]) { node in
                        node.descriptor = Ballot.digest("false \(number)")
                        node.published = Ballot.start + .days(1)
                    }
                }
                return try ballot.vote(index, nodes) { contents in
                    contents.parameters.meanDelay = .hours(20)
                    contents.brokenLinks = (2...8).map { NodeLink(from: NodeID(copying: 1), to: NodeID(copying: $0)) }
                    contents.previous = ConsensusLink(
                        slot: try #require(ballot.slot.advanced(by: -1)), digest: Ballot.digest("false"))
                }
            }
            // A leader who lies leaves out as many honest votes as it can.
            let kept = honest.shuffled(using: &generator).prefix(max(ballot.file.quorum - faults, 0))
            for votes in [honest + lying, Array(kept) + lying] {
                let consensus = try ballot.tally(votes)
                let said = Set(honest.flatMap { $0.contents.nodes.map(\.descriptor) })
                #expect(consensus.nodes.allSatisfy { $0.id < NodeID(copying: 9) })
                #expect(consensus.nodes.allSatisfy { said.contains($0.descriptor) })
                #expect(consensus.nodes.allSatisfy { !$0.flags.contains(.bad) })
                #expect(consensus.brokenLinks.isEmpty)
                #expect(consensus.previous?.digest == Ballot.digest("true"))
                #expect(consensus.parameters.meanDelay <= .seconds(200))
            }
        }
    }
}
