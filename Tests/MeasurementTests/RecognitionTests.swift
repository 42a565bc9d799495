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

    @Test("nor by neighbours and times of many more packets")
    func manyPackets() throws {
        let net = try RecognitionNetwork(12, name: "recognition, many packets")
        let parcels = try Self.others(net, mean: .seconds(16)) + Self.probes(net, mean: .seconds(8))
        let sights = try net.sights(parcels, isReal: false)
        let verdict = RecognitionClassifier.judge(sights)
        let rhythm = RhythmSearch.strongest(sights)
        print("recognition, many packets: \(verdict); rhythm \(rhythm)")
        #expect(verdict.score < Self.bound)
        #expect(rhythm.score < 7)
    }

    /// Each of these mistakes has been made by a pinger of old.
    enum Mistake: CaseIterable {
        /// Every path once an hour, at its minute.
        case fixedInterval
        /// The pinger is a node: from it to the node that is tested, and back.
        case ownNode
        case nextPeriod
        case noDelays
    }

    static func mistaken(_ net: RecognitionNetwork, _ mistake: Mistake, mean: Interval) -> [Parcel] {
        var probes = Self.probes(net, mean: mean)
        switch mistake {
        case .nextPeriod: for index in probes.indices { probes[index].isAhead = true }
        case .noDelays:
            for index in probes.indices { probes[index].delays = probes[index].delays.map { _ in 0 } }
        case .ownNode:
            for index in probes.indices {
                let target = Int.random(in: 0..<11, using: &net.random)
                probes[index].path = [11, target, 11]
            }
        case .fixedInterval:
            let hour = Interval.hours(1)
            let count = Int(hour.milliseconds / mean.milliseconds)
            let paths = Array(probes.map(\.path).prefix(count))
            probes = []
            for round in 0..<(length.milliseconds / hour.milliseconds) {
                for (number, path) in paths.enumerated() {
                    probes.append(
                        Parcel(
                            sent: net.start + hour * round + mean * Int64(number), path: path,
                            delays: net.delays(path.count), isProbe: true))
                }
            }
        }
        return probes
    }

    @Test("planners with a mistake are found out", arguments: Mistake.allCases)
    func mistakes(_ mistake: Mistake) throws {
        let net = try RecognitionNetwork(12, name: "recognition of \(mistake)")
        let parcels = try Self.others(net, mean: .seconds(32)) + Self.mistaken(net, mistake, mean: .seconds(16))
        let sights = try net.sights(parcels, isReal: false)
        let verdict = RecognitionClassifier.judge(sights)
        let rhythm = RhythmSearch.strongest(sights)
        print("recognition of \(mistake): \(verdict); rhythm \(rhythm)")
        if mistake == .fixedInterval {
            #expect(rhythm.score > 10)
        } else {
            #expect(verdict.score > 10)
        }
    }
}
