import Directory
import TestSupport
import Testing
import WireFormat

@Suite("Report tally")
struct ReportTallyTests {
    private static let nodes = (1...9).map { NodeID(copying: $0) }

    private static func judge(_ reports: [MeasurementReport]) -> ReportVerdict {
        ReportTally.judge(reports, network: "testing", at: Finding.start)
    }

    @Test("low medians over the pingers that have measured a node often enough")
    func medians() throws {
        let verdict = Self.judge([
            try Finding.report(
                1,
                [
                    Finding.node(1, 990, latency: .seconds(30)), Finding.node(2, 400),
                    Finding.node(3, 500, samples: 29),
                    Finding.node(4, 950, latency: nil), Finding.node(5, 0, samples: 30),
                ]),
            try Finding.report(2, [Finding.node(1, 970, latency: .minutes(2)), Finding.node(2, 990, samples: 29)]),
            try Finding.report(3, [Finding.node(1, 100, latency: .hours(5), samples: 900)]),
        ])
        #expect(
            verdict.measurements[NodeID(copying: 1)]
                == NodeMeasurement(reliability: 970, latency: .minutes(2), samples: 200))
        // The one who has too few probes does not count.
        #expect(verdict.measurements[NodeID(copying: 2)]?.reliability == 400)
        #expect(verdict.measurements[NodeID(copying: 3)] == nil, "29 probes are none")
        #expect(verdict.measurements[NodeID(copying: 4)]?.latency == nil)
        #expect(verdict.measurements[NodeID(copying: 5)]?.reliability == 0, "30 are enough")
        #expect(verdict.unreliable == [NodeID(copying: 2), NodeID(copying: 5)])
        #expect(verdict.used.count == 3)
        #expect(verdict.used == verdict.used.sorted())
        #expect(verdict.leftOut.isEmpty)
    }

    @Test("unreliable is who certainly loses too much, or adds more than an hour; never who is not measured")
    func unreliable() throws {
        let verdict = Self.judge([
            try Finding.report(
                1,
                [
                    Finding.node(1, 700, high: 895), Finding.node(2, 700, high: 900),
                    Finding.node(3, 1000, latency: .hours(1)), Finding.node(4, 1000, latency: .seconds(3630)),
                    Finding.node(5, 0, latency: .days(1), samples: 29), ReportedNode(id: NodeID(copying: 6)),
                    Finding.node(7, 1000, latency: nil),
                ])
        ])
        #expect(verdict.unreliable == [NodeID(copying: 1), NodeID(copying: 4)])
        #expect(Set(verdict.measurements.keys) == Set([1, 2, 3, 4, 7].map { NodeID(copying: $0) }))
    }

    @Test("a link is broken if at least half of those say so who have measured both ends")
    func links() throws {
        let both = [Finding.node(1, 990), Finding.node(2, 990)]
        let link = Finding.link(1, 2)
        func verdict(yes: Int, no: Int, blind: [ReportedNode] = [Finding.node(1, 990)]) throws -> [NodeLink] {
            let reports =
                try (0..<yes).map { try Finding.report($0, both, links: [link]) }
                + (yes..<(yes + no)).map { try Finding.report($0, both) }
            // Who has not measured both is not heard, whatever it says.
            return Self.judge(reports + [try Finding.report(8, blind, links: [link])]).brokenLinks
        }
        #expect(try verdict(yes: 1, no: 0) == [link])
        #expect(try verdict(yes: 1, no: 1) == [link])
        #expect(try verdict(yes: 1, no: 2) == [])
        #expect(try verdict(yes: 2, no: 2) == [link])
        #expect(try verdict(yes: 0, no: 1) == [])
        #expect(try verdict(yes: 0, no: 0) == [], "nobody has measured both")
        #expect(try verdict(yes: 0, no: 0, blind: both) == [link])
        // A link has a direction.
        let one = try Finding.report(1, both, links: [Finding.link(2, 1), link])
        #expect(Self.judge([one]).brokenLinks == [link, Finding.link(2, 1)])
    }

    @Test(
        "reports that are old, from the future or of another network are left out, and only the newest of a pinger counts"
    )
    func leftOut() throws {
        let nodes = [Finding.node(1, 990)]
        let start = Finding.start
        let good = try Finding.report(1, nodes, published: start - .hours(6))
        let ahead = try Finding.report(2, nodes, published: start + .minutes(10))
        let old = try Finding.report(3, nodes, published: start - .hours(6) - .seconds(1))
        let future = try Finding.report(4, nodes, published: start + .minutes(10) + .seconds(1))
        let other = try MeasurementReport.make(
            try Finding.contents(5, nodes), network: AuthoritySet(4, network: "other").file, key: Finding.key(5))
        let before = try Finding.report(2, [Finding.node(1, 5)], published: start - .hours(1))
        let verdict = Self.judge([good, ahead, old, future, other, before, good])
        #expect(Set(verdict.used) == [good.digest, ahead.digest])
        #expect(
            verdict.leftOut == [
                old.digest: .tooOld, future.digest: .fromTheFuture, other.digest: .otherNetwork,
                before.digest: .replaced,
            ])
        #expect(verdict.measurements[NodeID(copying: 1)]?.reliability == 990)
        #expect(Self.judge([]) == ReportVerdict())
        // A pinger whose newest report is of no use is heard with the one before.
        let fallback = Self.judge([future, try Finding.report(4, nodes)])
        #expect(fallback.used.count == 1)
        #expect(fallback.measurements.count == 1)
    }

    @Test("the order of reports does not matter, and what comes out fits into a vote", arguments: 0..<10)
    func properties(seed: Int) throws {
        var generator = SeededRandom(name: "report tally \(seed)")
        let ballot = try Ballot.of(4)
        let reports = try (0..<5).map { pinger in
            try MeasurementReport.make(
                Finding.random(30, using: &generator), network: ballot.file, key: Finding.key(pinger))
        }
        let verdict = Self.judge(reports)
        for _ in 0..<5 { #expect(Self.judge(reports.shuffled(using: &generator)) == verdict) }
        #expect(verdict.unreliable.isSubset(of: verdict.measurements.keys))
        #expect(verdict.brokenLinks == verdict.brokenLinks.sorted())
        let vote = try ballot.vote(0, try (1...30).map { try Ballot.node($0) }) { contents in
            for index in contents.nodes.indices {
                contents.nodes[index].measurement = verdict.measurements[contents.nodes[index].id]
            }
            contents.brokenLinks = verdict.brokenLinks
            contents.reports = verdict.used
        }
        #expect(vote.contents.reports == verdict.used)
        #expect(vote.contents.brokenLinks == verdict.brokenLinks)
    }

    @Test("what one pinger of three says alone never comes out", arguments: 0..<10)
    func oneLiar(seed: Int) throws {
        var generator = SeededRandom(name: "lying pinger \(seed)")
        let values = (0..<2).map { _ in Int.random(in: 180...200, using: &generator) * 5 }
        let lie = Int.random(in: 0...200, using: &generator) * 5
        let reports = try (values + [lie]).enumerated().map { pinger, value in
            try Finding.report(
                pinger, [Finding.node(1, value, latency: .seconds(Int64(value / 5 * 30)))])
        }
        let found = try #require(Self.judge(reports).measurements[NodeID(copying: 1)])
        #expect((values.min() ?? 0)...(values.max() ?? 0) ~= found.reliability)
        let latency = try #require(found.latency)
        #expect(latency <= .seconds(Int64((values.max() ?? 0) / 5 * 30)))
        #expect(latency >= .seconds(Int64((values.min() ?? 0) / 5 * 30)))
    }
}
