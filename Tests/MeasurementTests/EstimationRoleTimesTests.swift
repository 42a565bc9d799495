import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// A node's latency is that of packets that it cannot tell from others.
@Suite("Estimation: latency by role")
struct EstimationRoleTimesTests {
    private let now = Timestamp(seconds: 1_795_242_000)

    @Test(
        "a node that serves at once what it can tell, and holds the rest for three hours, is slow", arguments: [6, 60])
    func slowBetween(nodes: Int) throws {
        var random = SeededRandom(name: "slowBetween")
        var network = EstimationNetwork(nodes: nodes, loss: 0.002, using: &random)
        network.addedBetween[3] = 10_800
        // Mailboxes are at the first 16 only, so that it sees most of its probes as the last.
        network.mailboxes = min(16, nodes)
        let probes = network.probes(nodes * 100, within: .hours(36), until: now, using: &random)
        let analysis = Estimator().analyse(probes, at: now)
        for (number, node) in network.nodes.enumerated() {
            let result = try #require(analysis.nodes[node])
            let added = try #require(result.addedLatency)
            if number == 3 {
                #expect(added > .hours(2) && added < .hours(4))
                #expect(try #require(result.arrivals).hour < 0.1)
                #expect(try #require(result.relay).value > 0.95)
            } else {
                #expect(added < .minutes(10), "node \(number): \(added)")
                #expect(try #require(result.arrivals).hour > 0.3)
            }
        }
    }

    @Test("a node that is slow with what it takes from the pinger, or gives it, is not slow between")
    func slowEnds() throws {
        var random = SeededRandom(name: "slowEnds")
        var network = EstimationNetwork(nodes: 8, loss: 0.002, using: &random)
        network.addedAtEnds[3] = 3600
        let probes = network.probes(1500, within: .hours(24), until: now, using: &random)
        let analysis = Estimator().analyse(probes, at: now)
        for (number, node) in network.nodes.enumerated() {
            #expect(try #require(analysis.nodes[node]?.addedLatency) < .minutes(5), "node \(number)")
        }
    }
}
