import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// Estimates of large networks with few probes for each node.
@Suite("Estimation: sparse networks")
struct EstimationSparseTests {
    private let now = Timestamp(seconds: 1_795_242_000)

    /// 2000 probes over 60 nodes, and some more that all go by one link.
    private func table(_ network: EstimationNetwork, over link: Int, using random: inout SeededRandom) -> ProbeTable {
        var table = network.probes(2000, within: .hours(9), until: now - .hours(7), using: &random)
        for _ in 0..<link {
            var path = network.path(using: &random)
            while path.count < 5 || path.contains(4) || path.contains(5) { path = network.path(using: &random) }
            path[1] = 4
            path[2] = 5
            let sent = now - .hours(8)
            table.append(
                kind: .loop, hops: path, sent: sent, drawn: .minutes(10),
                outcome: network.outcome(path, sent: sent, drawn: 600, now: now, using: &random))
        }
        return table
    }

    @Test("a link that has lost all of eight probes is marked, and its nodes, which are otherwise good, are not blamed")
    func brokenLink() throws {
        var random = SeededRandom(name: "sparse broken link")
        for _ in 0..<10 {
            var network = EstimationNetwork(nodes: 60, loss: 0.001, using: &random)
            network.linkLoss[network.link(4, 5)] = 1
            let analysis = Estimator().analyse(table(network, over: 8, using: &random), at: now)
            #expect(analysis.brokenLinks == [network.link(4, 5)])
            for node in [4, 5] {
                #expect(try #require(analysis.nodes[network.nodes[node]]?.relay).value > 0.94, "node \(node)")
            }
        }
    }

    @Test("where a node drops a fifth, no link of it that lost some of eight is marked")
    func soundLink() {
        var random = SeededRandom(name: "sparse sound link")
        for round in 0..<10 {
            var network = EstimationNetwork(nodes: 60, loss: 0.002, using: &random)
            network.relayLoss[4] = round.isMultiple(of: 2) ? 0.2 : 0.6
            let analysis = Estimator().analyse(table(network, over: 8, using: &random), at: now)
            #expect(analysis.brokenLinks.isEmpty)
        }
    }

    @Test("a node without a loss of its own has an interval that its probes allow, however many others fail")
    func noFailure() {
        var random = SeededRandom(name: "sparse no failure")
        var (widest, count) = (0.0, 0)
        for _ in 0..<10 {
            var network = EstimationNetwork(nodes: 60, loss: 0.002, using: &random)
            network.relayLoss[4] = 0.2
            let analysis = Estimator().analyse(table(network, over: 0, using: &random), at: now)
            for result in analysis.nodes.values {
                guard let relay = result.relay, relay.value == 1 else { continue }
                count += 1
                widest = max(widest, (1 - relay.low) * Double(relay.samples))
            }
        }
        print("sparse: of \(count) nodes at 1 the widest interval is \(widest) by the number of samples")
        #expect(count > 200 && widest < 15)
    }
}
