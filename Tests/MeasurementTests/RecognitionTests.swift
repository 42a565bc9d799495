import Directory
import Measurement
import Mixing
import Sphinx
import TestSupport
import Testing
import WireFormat

/// A node in the middle of paths cannot tell probes from other packets, with everything that it sees; planners that are made
/// wrongly are found out by the same look.
@Suite("Recognition")
struct RecognitionTests {
    /// Chance goes beyond this in one run of thirty thousand.
    static let bound = 4.0
    static let length = Interval.hours(24)

    static func others(_ net: RecognitionNetwork, mean: Interval) throws -> [Parcel] {
        try net.traffic(every: mean, for: length, isLoops: false)
            + net.traffic(every: mean, for: length, isLoops: true)
    }

    /// Probes of the real planner, told that all arrive, and what an analysis would say of good nodes from early on.
    static func probes(_ net: RecognitionNetwork, mean: Interval) -> [Parcel] {
        let view = PlanningView(network: net.network, mailboxes: net.nodes.map(\.id), at: net.start)
        var settings = PlanningSettings()
        // Aheads are known by their period; they are apart from all that is measured.
        settings.aheadShare = 0
        var planner = ProbePlanner(settings: settings)
        var analysis = Analysis(made: net.start)
        for node in net.nodes {
            var result = NodeResult()
            result.relay = Estimate(value: 0.998, low: 0.99, high: 1, samples: 1000)
            analysis.nodes[node.id] = result
        }
        planner.note(analysis)
        var underWay: [ProbePath] = []
        return net.times(every: mean, for: length).compactMap { time in
            guard let probe = planner.plan(view, using: &net.random) else { return nil }
            underWay.append(probe.path)
            if underWay.count > 40 { planner.note(underWay.removeFirst(), arrived: true) }
            let path = probe.path.hops.map { net.place($0) }
            return Parcel(
                sent: time, path: path, delays: net.delays(path.count), isReply: probe.kind == .reply, isProbe: true)
        }
    }

    @Test("probes are not known by anything that a node in the middle sees of real packets")
    func realPackets() throws {
        let net = try RecognitionNetwork(12, name: "recognition, real packets")
        let parcels = try Self.others(net, mean: .seconds(80)) + Self.probes(net, mean: .seconds(40))
        let sights = try net.sights(parcels, isReal: true)
        let verdict = RecognitionClassifier.judge(sights)
        let rhythm = RhythmSearch.strongest(sights)
        print("recognition, real packets: \(verdict); rhythm \(rhythm)")
        #expect(verdict.probes > 150 && verdict.others > 150)
        #expect(verdict.score < Self.bound)
        #expect(rhythm.score < 7)
    }

    @Test("nor by neighbours and times, of many more packets, with nodes of equal and of different weight")
    func manyPackets() throws {
        for isEqual in [true, false] {
            let net = try RecognitionNetwork(
                12, weights: { isEqual ? 100 : [100, 100, 62, 100, 50, 100][$0 % 6] }, name: "recognition, many packets"
            )
            let parcels = try Self.others(net, mean: .seconds(16)) + Self.probes(net, mean: .seconds(8))
            let sights = try net.sights(parcels, isReal: false)
            let verdict = RecognitionClassifier.judge(sights)
            let rhythm = RhythmSearch.strongest(sights)
            print("recognition, many packets, equal weights \(isEqual): \(verdict); rhythm \(rhythm)")
        }
    }
}
