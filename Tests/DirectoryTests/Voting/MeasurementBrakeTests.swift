import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

/// How much measurements may do to a network when all authorities say the same.
@Suite("The brake on measurements")
struct MeasurementBrakeTests {
    private static func id(_ number: Int) -> NodeID { NodeID(copying: number) }

    /// A node that all authorities measured so.
    private static func node(
        _ number: Int, _ reliability: Int, latency: Interval = .zero, flags: Set<NodeFlag> = [.running]
    ) throws -> VotedNode {
        try Ballot.node(number, flags: reliability < 900 ? flags.union([.unreliable]) : flags) {
            $0.measurement = NodeMeasurement(reliability: reliability, latency: latency, samples: 200)
        }
    }

    private static func consensus(_ nodes: [VotedNode], links: [NodeLink] = []) throws -> (Consensus, MeasurementBrake)
    {
        let ballot = try Ballot.of(4)
        let votes = try (0..<4).map { try ballot.vote($0, nodes) { $0.brokenLinks = links.sorted() } }
        return (try ballot.tally(votes), Tally.brake(on: votes.map(\.contents), network: ballot.file))
    }

    private static func unreliable(_ consensus: Consensus) -> [NodeID] {
        consensus.nodes.filter { $0.flags.contains(.unreliable) }.map(\.id)
    }

    @Test("up to a third of the nodes are unreliable as voted; of more the worst third", arguments: 1...9)
    func nodes(bad: Int) throws {
        // The first is the worst.
        let (consensus, brake) = try Self.consensus(
            try (1...9).map { try Self.node($0, $0 <= bad ? 80 * $0 : 990) })
        let kept = min(bad, 3)
        #expect(Self.unreliable(consensus) == (1...kept).map(Self.id))
        #expect(brake.spared == (1...9).filter { $0 > kept && $0 <= bad }.map(Self.id))
        // 560 and more of 1000 leave some of the weight; 740 half of it.
        #expect(consensus.nodes.prefix(kept).allSatisfy { $0.weight == 1 })
        #expect(consensus.nodes.dropFirst(kept).prefix(bad - kept).allSatisfy { $0.weight == 50 })
        #expect(consensus.nodes.dropFirst(bad).allSatisfy { $0.weight == 100 })
        #expect(brake.raised == brake.spared)
        #expect(brake.isIdle == (bad <= 3))
    }

    @Test("small networks: two bad nodes of six to eight and a dead link stay what they are", arguments: 6...8)
    func lab(count: Int) throws {
        let link = Finding.link(3, 4)
        let (consensus, brake) = try Self.consensus(
            try (1...count).map {
                try Self.node($0, $0 <= 2 ? 500 : 990, flags: $0 > 3 ? [.running, .exit] : [.running])
            },
            links: [link])
        #expect(Self.unreliable(consensus) == [Self.id(1), Self.id(2)])
        #expect(consensus.brokenLinks == [link])
        #expect(brake.isIdle)
    }

    @Test("of nodes that deliver a third, and never the only one")
    func exits() throws {
        func flagged(_ exits: Int, bad: Int) throws -> [NodeID] {
            let all = try (1...12).map { number in
                try Self.node(
                    number, number <= bad ? 100 * number : 990, flags: number <= exits ? [.running, .exit] : [.running])
            }
            return Self.unreliable(try Self.consensus(all).0)
        }
        #expect(try flagged(1, bad: 1) == [])
        #expect(try flagged(2, bad: 2) == [Self.id(1)])
        #expect(try flagged(3, bad: 3) == [Self.id(1)])
        #expect(try flagged(6, bad: 4) == [Self.id(1), Self.id(2)])
        // What is taken back of exits leaves room for others.
        #expect(try flagged(3, bad: 5) == [1, 4, 5].map(Self.id))
        #expect(try flagged(3, bad: 8) == [1, 4, 5, 6].map(Self.id))
    }

    @Test("only nodes that can be used count, and slow ones are as bad as their weight")
    func base() throws {
        // Three of eight run and nobody warns of them: one may be unreliable.
        let nodes = try (1...8).map { number in
            try Self.node(
                number, number <= 2 ? 100 * number : 990,
                flags: number <= 3 ? [.running] : number == 4 ? [.running, .bad] : [.stable])
        }
        let (consensus, brake) = try Self.consensus(nodes)
        #expect(Self.unreliable(consensus) == [Self.id(1)])
        #expect(brake.spared == [Self.id(2)])
        let slow = try (1...3).map { try Self.node($0, 890, latency: $0 == 2 ? .hours(2) : .zero) }
        #expect(Self.unreliable(try Self.consensus(slow).0) == [Self.id(2)])
    }

    @Test("of a node's links a quarter; of more, none of that direction; other nodes' links stay")
    func links() throws {
        let nodes = try (1...9).map { try Self.node($0, 990) }
        func kept(_ links: [NodeLink]) throws -> [NodeLink] {
            let (consensus, brake) = try Self.consensus(nodes, links: links)
            #expect(Set(brake.links) == Set(links).subtracting(consensus.brokenLinks))
            return consensus.brokenLinks
        }
        let two = [Finding.link(1, 2), Finding.link(1, 3)]
        #expect(try kept(two) == two)
        #expect(try kept(two + [Finding.link(1, 4)]) == [])
        // The other way is another direction.
        #expect(try kept(two + [Finding.link(1, 4), Finding.link(4, 1)]) == [Finding.link(4, 1)])
        // All ways to two nodes are said to be dead: that hides no dead link of others.
        let toTwo = (1...7).flatMap { [Finding.link($0, 8), Finding.link($0, 9)] }
        #expect(try kept(toTwo + two) == two)
    }

    @Test("whatever one pinger says whom all believe, two thirds of nodes and exits stay usable", arguments: 0..<40)
    func anyReport(seed: Int) throws {
        var generator = SeededRandom(name: "brake \(seed)")
        let count = Int.random(in: 1...40, using: &generator)
        let malice = Int.random(in: 0...10, using: &generator)
        let links = (1...count).flatMap { from in
            (1...count).filter { $0 != from && Int.random(in: 0..<10, using: &generator) < malice }
                .map { Finding.link(from, $0) }
        }
        // Nodes that are not there must not make room for lies.
        let reported = (1...300).map { number in
            Finding.node(
                number, Int.random(in: 0..<10, using: &generator) < malice ? 0 : 1000,
                latency: Int.random(in: 0..<10, using: &generator) < malice ? .days(1) : .zero)
        }
        let report = try Finding.report(1, reported, links: links.sorted())
        let verdict = ReportTally.judge([report], network: "testing", at: Finding.start)
        let exits = Int.random(in: 0...count, using: &generator)
        let nodes = try (1...count).map { number in
            var flags: Set<NodeFlag> = number <= exits ? [.running, .exit] : [.running]
            if verdict.unreliable.contains(Self.id(number)) { flags.insert(.unreliable) }
            return try Ballot.node(number, flags: flags) { $0.measurement = verdict.measurements[Self.id(number)] }
        }
        let (consensus, _) = try Self.consensus(nodes, links: verdict.brokenLinks)
        let bad = consensus.nodes.filter { $0.flags.contains(.unreliable) }
        #expect(bad.count <= max(1, count / 3) && (count > 1 || bad.isEmpty))
        let badExits = bad.count { $0.flags.contains(.exit) }
        #expect(badExits <= max(1, exits / 3) && (exits != 1 || badExits == 0))
        #expect(consensus.nodes.count { $0.weight < 50 } <= max(1, count / 3))
        for node in consensus.nodes {
            #expect(consensus.brokenLinks.count { $0.from == node.id } <= max(1, (count - 1) / 4))
            #expect(consensus.brokenLinks.count { $0.to == node.id } <= max(1, (count - 1) / 4))
        }
    }

    @Test("five hops of eight nodes are found whatever a pinger says", arguments: 0..<20)
    func paths(seed: Int) throws {
        var generator = SeededRandom(name: "braked paths \(seed)")
        let descriptors = try (1...8).map { number in
            try TestDirectory.descriptor(UInt8(number), "n\(number)", "11.\(number).0.1") { fields in
                if number <= 3 { fields.capabilities.append(Capability(Capability.Name.smtp)) }
            }
        }
        let malice = Int.random(in: 3...10, using: &generator)
        let ids = descriptors.map(\.id)
        let nodes = descriptors.enumerated().map { index, descriptor in
            var flags: Set<NodeFlag> = index < 3 ? [.running, .exit] : [.running]
            if Int.random(in: 0..<10, using: &generator) < malice { flags.insert(.unreliable) }
            return VotedNode(
                id: descriptor.id, nickname: descriptor.fields.nickname, descriptor: descriptor.digest,
                published: descriptor.fields.published, since: Ballot.start - .days(30), flags: flags,
                measurement: NodeMeasurement(
                    reliability: flags.contains(.unreliable) ? 0 : 1000, latency: .zero, samples: 100))
        }.sorted { $0.id < $1.id }
        let links = ids.flatMap { from in
            ids.filter { $0 != from && Int.random(in: 0..<10, using: &generator) < malice }
                .map { NodeLink(from: from, to: $0) }
        }
        let (consensus, _) = try Self.consensus(nodes, links: links)
        let ballot = try Ballot.of(4)
        let certified = try CertifiedConsensus(
            consensus, signatures: try (0..<4).map { try ballot.set.signature($0, consensus) }, network: ballot.file)
        let selector = PathSelector(
            network: Network(root: ballot.file, consensus: certified, descriptors: descriptors), at: TestDirectory.now)
        let demands = PathDemands(exit: [(Capability.Name.smtp, "mail addresses")])
        let unreliable = Set(Self.unreliable(consensus))
        #expect(unreliable.count <= 2)
        var seen: Set<NodeID> = []
        for _ in 0..<60 {
            let path = try selector.choose(try PathSpecification("*5"), demands: demands, using: &generator)
            #expect(path.count == 5)
            #expect(unreliable.isDisjoint(with: path.map(\.id)))
            seen.formUnion(path.map(\.id))
        }
        // Nobody can keep mail among a few nodes: those that are not said to be unreliable are used, but for one at most that
        // no path of five fits to for its broken links.
        let usable = Set(ids).subtracting(unreliable)
        #expect(seen.isSubset(of: usable) && seen.count >= usable.count - 1)
    }
}
