import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// Estimates of a pinger that is cut off again and again: what was under way then is void.
@Suite("Estimation: gaps")
struct EstimationGapTests {
    private let now = Timestamp(seconds: 1_795_242_000)

    /// Probes of two days; every six hours all that are under way become void.
    private func cutProbes(
        _ network: EstimationNetwork, isForgetful: Bool, using random: inout SeededRandom
    ) -> ProbeTable {
        var table = ProbeTable(nodes: network.nodes)
        for _ in 0..<5000 {
            let sent = now - Interval(milliseconds: Int64.random(in: 0..<Interval.days(2).milliseconds, using: &random))
            let cut = now - .milliseconds((now - sent).milliseconds / Self.every.milliseconds * Self.every.milliseconds)
            let path = network.path(using: &random)
            let drawn = Double.random(in: 60..<900, using: &random)
            // What is known at the cut is known for good, and nothing after it.
            var outcome = network.outcome(path, sent: sent, drawn: drawn, now: cut, using: &random)
            if case .pending(let emptied) = outcome { outcome = .void(emptied: isForgetful ? nil : emptied) }
            table.append(kind: .loop, hops: path, sent: sent, drawn: .seconds(fraction: drawn), outcome: outcome)
        }
        return table
    }

    private static let every = Interval.hours(6)

    @Test("losses of the hours before each gap are not forgotten: a void probe says what was known of it before")
    func cutEverySixHours() throws {
        var random = SeededRandom(name: "cutEverySixHours")
        let rounds = 10
        var (sum, inside) = (0.0, 0)
        for _ in 0..<rounds {
            var network = EstimationNetwork(nodes: 6, loss: 0.005, using: &random)
            network.relayLoss[2] = 0.2
            let probes = cutProbes(network, isForgetful: false, using: &random)
            let analysis = Estimator().analyse(probes, at: now)
            let counts = try #require(analysis.counts[.loop])
            print("cut every six hours: \(counts), \(analysis.nodes[network.nodes[2]]?.relay as Any)")
            #expect(counts.void > 500 && counts.lost == 0 && counts.pending == 0)
            for (number, node) in network.nodes.enumerated() where number != 2 {
                let relay = try #require(analysis.nodes[node]?.relay)
                #expect(abs(relay.value - 0.995) < 0.03, "node \(number): \(relay)")
            }
            let dropper = try #require(analysis.nodes[network.nodes[2]]?.relay)
            // Five standard deviations.
            #expect(abs(dropper.value - 0.8) < 0.05, "\(dropper)")
            sum += dropper.value
            if dropper.low < 0.8 && 0.8 < dropper.high { inside += 1 }
            #expect(analysis.brokenLinks.isEmpty)
            // A fifth of half of the paths, and a little: not all that was sent comes within the hour.
            #expect((0.8..<0.93).contains(try #require(analysis.arrivals?.hour)))
        }
        // One interval in twenty does not hold the truth, by chance.
        print("cut every six hours: on average \(sum / Double(rounds)), inside \(inside) of \(rounds)")
        #expect(abs(sum / Double(rounds) - 0.8) < 0.02)
        #expect(inside >= rounds / 2)
    }

    @Test("of a void probe of which nothing was known before nothing is said")
    func forgetful() throws {
        var random = SeededRandom(name: "cutEverySixHours")
        var network = EstimationNetwork(nodes: 6, loss: 0.005, using: &random)
        network.relayLoss[2] = 0.2
        let analysis = Estimator().analyse(cutProbes(network, isForgetful: true, using: &random), at: now)
        #expect(try #require(analysis.nodes[network.nodes[2]]?.relay).value > 0.9)
        var before = ProbeTable(nodes: network.nodes)
        before.append(kind: .loop, hops: [0, 1, 2], sent: now, drawn: .zero, outcome: .void(emptied: now))
        #expect(Estimator().analyse(before, at: now).first == nil)
    }
}
