import Directory
import Measurement
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Report decision")
struct ReportDecisionTests {
    private static let now = PublishingFixture.now

    private static func good() -> ReportSituation {
        var counts = OutcomeCounts()
        counts.arrived = 900
        counts.lost = 60
        counts.void = 40
        return ReportSituation(
            now: now, consensus: (now - .minutes(30), now + .days(2)), deadline: .hours(6), counts: counts)
    }

    @Test("with everything well it speaks")
    func well() { #expect(ReportDecision.silence(Self.good()) == nil) }

    @Test("while the watch does not watch, nothing is said")
    func unwatched() {
        for state in [WatchState.blind(since: Self.now - .hours(1)), .clockWrong(since: Self.now - .minutes(1))] {
            var situation = Self.good()
            situation.unwatched = Silence(state)
            let silence = ReportDecision.silence(situation)
            #expect(silence == Silence(state))
            #expect(silence?.description == state.description)
        }
        #expect(Silence(WatchState.watching) == nil)
    }

    @Test("without a consensus, with one from the future, or one that expired, nothing is said")
    func consensus() {
        var situation = Self.good()
        situation.consensus = nil
        #expect(ReportDecision.silence(situation) == .noConsensus)
        situation.consensus = (Self.now + .minutes(2) + .milliseconds(1), Self.now + .days(3))
        #expect(ReportDecision.silence(situation)?.kind == "clock")
        // Clocks differ a little.
        situation.consensus = (Self.now + .minutes(2), Self.now + .days(3))
        #expect(ReportDecision.silence(situation) == nil)
        situation.consensus = (Self.now - .days(3), Self.now)
        #expect(ReportDecision.silence(situation) == .consensusExpired(Self.now))
        situation.consensus = (Self.now - .days(3), Self.now + .milliseconds(1))
        #expect(ReportDecision.silence(situation) == nil)
    }

    @Test(
        "after a gap it waits ten minutes, and for a probe that was sent afterwards, but not longer than the deadline")
    func settling() {
        var situation = Self.good()
        func after(_ age: Interval, returned: Bool) -> Silence? {
            situation.lastGap = PastGap(from: Self.now - age - .hours(1), to: Self.now - age, reason: "off")
            situation.hasSeenReturn = returned
            return ReportDecision.silence(situation)
        }
        #expect(after(.zero, returned: false)?.kind == "settling")
        #expect(after(.minutes(9), returned: true)?.kind == "settling")
        #expect(after(.minutes(10), returned: true) == nil)
        #expect(after(.minutes(10), returned: false)?.kind == "settling")
        #expect(after(.hours(6) - .milliseconds(1), returned: false)?.kind == "settling")
        // Now what does not come back is lost, and that is the network's doing.
        #expect(after(.hours(6), returned: false) == nil)
    }

    @Test("a gap whose end lies in the future, because the clock did, is over when it began")
    func futureGap() {
        var situation = Self.good()
        situation.hasSeenReturn = true
        situation.lastGap = PastGap(from: Self.now - .minutes(11), to: Self.now + .days(365), reason: "clock")
        #expect(ReportDecision.silence(situation) == nil)
        situation.lastGap = PastGap(from: Self.now - .minutes(9), to: Self.now + .days(365), reason: "clock")
        #expect(ReportDecision.silence(situation)?.kind == "settling")
        // All of it in the future: it says nothing of now.
        situation.lastGap = PastGap(from: Self.now + .days(1), to: Self.now + .days(365), reason: "clock")
        #expect(ReportDecision.silence(situation) == nil)
    }

    @Test("when more than half of the probes are void, nothing is said; exactly half will do")
    func voided() {
        var situation = Self.good()
        situation.counts.arrived = 50
        situation.counts.lost = 50
        situation.counts.void = 100
        situation.counts.pending = 0
        #expect(ReportDecision.silence(situation) == nil)
        situation.counts.void = 101
        #expect(ReportDecision.silence(situation) == .voided(101, of: 201))
        // Those under way are not counted: nobody knows of them yet.
        situation.counts.pending = 10_000
        #expect(ReportDecision.silence(situation) == .voided(101, of: 201))
        situation.counts = OutcomeCounts()
        #expect(ReportDecision.silence(situation) == nil)
    }

    @Test("a database that cannot be read comes before everything else")
    func store() {
        var situation = Self.good()
        situation.storeTrouble = "the file is cut off"
        situation.unwatched = .blind(since: Self.now)
        #expect(ReportDecision.silence(situation) == .store("the file is cut off"))
    }

    @Test("what pages show is as of the last moment at which it saw")
    func asOf() {
        let then = Self.now - .hours(2)
        #expect(Silence.blind(since: then).asOf(Self.now) == then)
        #expect(Silence.clockWrong(since: Self.now + .days(9)).asOf(Self.now) == Self.now)
        let gap = PastGap(from: then, to: Self.now, reason: "off")
        #expect(Silence.settling(after: gap).asOf(Self.now) == then)
        #expect(Silence.noConsensus.asOf(Self.now) == Self.now)
    }

    @Test("every reason tells people something, on one line")
    func words() {
        let gap = PastGap(from: Self.now - .hours(1), to: Self.now, reason: "cut-off")
        let all: [Silence] = [
            .blind(since: Self.now), .clockWrong(since: Self.now), .settling(after: gap), .voided(7, of: 9),
            .noConsensus,
            .clockBehind(consensus: Self.now), .consensusExpired(Self.now), .store("it is cut off"),
        ]
        for silence in all {
            #expect(!silence.description.contains("\n") && silence.description.first?.isUppercase == false)
            #expect(silence.isSameKind(as: silence))
        }
        #expect(Set(all.map(\.description)).count == all.count)
    }

    // MARK: What is in a report

    @Test("a node with fewer than thirty decided probes is not in it, nor one without an estimate")
    func samples() throws {
        let fixture = try PublishingFixture()
        var analysis = fixture.analysis()
        analysis.nodes[fixture.ids[0]]?.relay?.samples = 29
        analysis.nodes[fixture.ids[1]]?.relay?.samples = 30
        analysis.nodes[fixture.ids[2]]?.relay = nil
        analysis.nodes[fixture.ids[3]]?.relay?.value = .nan
        let contents = try #require(
            ReportDecision.contents(analysis, pinger: fixture.settings.name, deadline: .hours(6), at: Self.now))
        #expect(Set(contents.nodes.map(\.id)) == [fixture.ids[1], fixture.ids[4], fixture.ids[5]])
        analysis.nodes = [:]
        #expect(
            ReportDecision.contents(analysis, pinger: fixture.settings.name, deadline: .hours(6), at: Self.now) == nil)
    }

    @Test("its window is that of the probes it rests on, and its links only those between nodes that it names")
    func window() throws {
        let fixture = try PublishingFixture()
        var analysis = fixture.analysis()
        let (named, other) = (
            NodeLink(from: fixture.ids[0], to: fixture.ids[1]), NodeLink(from: fixture.ids[2], to: fixture.ids[3])
        )
        for link in [named, other] {
            analysis.links[link] = LinkResult(arrived: 0, lost: 40, estimate: nil, isBroken: true)
        }
        analysis.nodes[fixture.ids[3]]?.relay = nil
        let contents = try #require(
            ReportDecision.contents(analysis, pinger: fixture.settings.name, deadline: .hours(6), at: Self.now))
        #expect(contents.from == Self.now - .days(2) && contents.to == Self.now - .minutes(1))
        #expect(contents.published == Self.now && contents.brokenLinks == [named])
        analysis.first = nil
        #expect(
            ReportDecision.contents(analysis, pinger: fixture.settings.name, deadline: .hours(6), at: Self.now) == nil)
    }

    @Test("any analysis makes a document that can be verified, or none: drawn at random")
    func round() throws {
        var generator = SeededRandom(name: "report of any analysis")
        let fixture = try PublishingFixture(nodes: 4)
        for _ in 0..<60 {
            var analysis = fixture.analysis()
            for id in fixture.ids {
                var node = NodeResult()
                func estimate() -> Estimate {
                    let values = (0..<3).map { _ in Double.random(in: -0.1...1.1, using: &generator) }.sorted()
                    return Estimate(
                        value: values[1], low: values[0], high: values[2],
                        samples: Int.random(in: 0...100, using: &generator))
                }
                if Bool.random(using: &generator) { node.relay = estimate() }
                if Bool.random(using: &generator) { node.entry = estimate() }
                node.addedLatency = .milliseconds(Int64.random(in: -100_000...2_000_000_000, using: &generator))
                let shares = (0..<4).map { _ in Double.random(in: 0...1, using: &generator) }.sorted()
                node.arrivals = ArrivalShares(
                    tenMinutes: shares[0], hour: shares[1], sixHours: shares[2], day: shares[3], samples: 70)
                let total = Int.random(in: 0...9, using: &generator)
                node.handshakes = Share(good: Int.random(in: 0...total, using: &generator), total: total)
                node.duplicates = Int.random(in: 0...2, using: &generator)
                analysis.nodes[id] = node
            }
            guard
                let contents = ReportDecision.contents(
                    analysis, pinger: fixture.settings.name, deadline: .hours(6), at: Self.now)
            else { continue }
            let report = try MeasurementReport.make(contents, network: fixture.network.root, key: fixture.key)
            let again = try UnverifiedReport(report.bytes).verify(in: fixture.network.root)
            #expect(again == report && again.nodes.allSatisfy { ($0.relay?.samples ?? 0) >= 30 })
        }
    }
}
