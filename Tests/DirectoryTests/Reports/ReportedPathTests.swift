import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

/// From pingers' reports through votes and consensus to the paths that clients choose.
@Suite("Paths and reports")
struct ReportedPathTests {
    private static let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]

    private static func descriptors() throws -> [Descriptor] {
        try names.enumerated().map { index, name in
            try TestDirectory.descriptor(UInt8(index + 1), name, "11.\(index + 1).0.1")
        }
    }

    private static func id(_ name: String) throws -> NodeID {
        try TestDirectory.signingKey(UInt8(try #require(names.firstIndex(of: name))) + 1).verificationKey.nodeID
    }

    /// The network after four authorities have made one report each of two pingers, of whom they all know, into votes.
    private static func network(
        links: [NodeLink] = [], _ measured: (String) -> (reliability: Int, latency: Interval)
    ) throws -> Network {
        let ballot = try Ballot.of(4)
        let descriptors = try descriptors()
        let reported = descriptors.map { descriptor -> ReportedNode in
            let (reliability, latency) = measured(descriptor.fields.nickname.text)
            return ReportedNode(
                id: descriptor.id,
                relay: ReportedEstimate(
                    value: reliability, low: max(reliability - 20, 0), high: min(reliability + 20, 1000), samples: 400),
                latency: latency)
        }
        let reports = try (1...2).map { try Finding.report($0, reported, links: links) }
        let verdict = ReportTally.judge(reports, network: "testing", at: Finding.start)
        let votes = try ballot.votes { _ in
            descriptors.map { descriptor in
                VotedNode(
                    id: descriptor.id, nickname: descriptor.fields.nickname, descriptor: descriptor.digest,
                    published: descriptor.fields.published, since: Ballot.start - .days(30),
                    flags: verdict.unreliable.contains(descriptor.id) ? [.running, .unreliable] : [.running],
                    measurement: verdict.measurements[descriptor.id])
            }
        }
        let consensus = try ballot.tally(
            try votes.map { vote in
                var contents = vote.contents
                contents.brokenLinks = verdict.brokenLinks
                contents.reports = verdict.used
                let index = try #require(ballot.file.index(of: contents.authority))
                let made = try Vote.make(contents, network: ballot.file, signer: ballot.signers[index])
                #expect(VoteAudit.check(made, reports: reports.map(\.bytes), network: ballot.file) == .follows)
                return made
            })
        let certified = try CertifiedConsensus(
            consensus, signatures: try (0..<4).map { try ballot.set.signature($0, consensus) }, network: ballot.file)
        return Network(root: ballot.file, consensus: certified, descriptors: descriptors)
    }

    private func paths(_ text: String, _ count: Int, in network: Network) throws -> [[String]] {
        var generator = SeededRandom(name: "reported \(text)")
        let selector = PathSelector(network: network, at: TestDirectory.now)
        let specification = try PathSpecification(text)
        return try (0..<count).map { _ in
            try selector.choose(specification, demands: PathDemands(), using: &generator).map(\.fields.nickname.text)
        }
    }

    @Test("a link that pingers found broken is crossed by no path, a lossy node is used by none that can do without")
    func avoided() throws {
        let broken = NodeLink(from: try Self.id("b"), to: try Self.id("c"))
        let network = try Self.network(links: [broken]) { $0 == "a" ? (800, .seconds(30)) : (990, .seconds(30)) }
        #expect(network.standing(of: try Self.id("a"))?.flags == [.running, .unreliable])
        #expect(network.standing(of: try Self.id("b"))?.flags == [.running])
        let found = try paths("*5", 1000, in: network)
        for path in found {
            #expect(!path.contains("a"))
            #expect(!zip(path, path.dropFirst()).contains { $0 == "b" && $1 == "c" })
        }
        #expect(found.contains { path in zip(path, path.dropFirst()).contains { $0 == "c" && $1 == "b" } })
        #expect(try paths("a,*2", 20, in: network).allSatisfy { $0[0] == "a" })
    }

    @Test("the share of slow nodes falls as their weight does, at every place")
    func slow() throws {
        // In minutes: weights 100, 100, 82, 55, 28 and the rest 100. None is unreliable.
        let minutes: [String: Int64] = ["b": 10, "c": 20, "d": 35, "e": 50]
        let network = try Self.network { (1000, .minutes(minutes[$0] ?? 0)) }
        let weights = Dictionary(
            uniqueKeysWithValues: try Self.names.map { name in
                (name, try #require(network.standing(of: try Self.id(name))).weight)
            })
        #expect(["a", "b", "c", "d", "e", "f"].map { weights[$0] } == [100, 100, 82, 55, 28, 100])
        let draws = 6000
        let sum = Double(weights.values.reduce(0, +))
        func statistic(_ first: [String]) -> Double {
            let counts = Dictionary(first.map { ($0, 1) }, uniquingKeysWith: +)
            return Self.names.reduce(0) { total, name in
                let expected = Double(draws) * Double(weights[name] ?? 0) / sum
                let difference = Double(counts[name] ?? 0) - expected
                return total + difference * difference / expected
            }
        }
        // Nine degrees of freedom: beyond 60 lies less than one run in a hundred million.
        let found = try paths("?", draws, in: network)
        #expect(statistic(found.map { $0[0] }) < 60)
        // On longer paths nodes stand beside others, which evens out somewhat; the order stays.
        let long = try paths("*3", draws, in: network).flatMap { $0 }
        let counts = Dictionary(long.map { ($0, 1) }, uniquingKeysWith: +)
        let ordered = ["a", "c", "d", "e"].map { counts[$0] ?? 0 }
        #expect(ordered == ordered.sorted(by: >), "\(counts)")
        #expect(ordered[3] * 2 < ordered[0], "\(counts)")
    }
}
