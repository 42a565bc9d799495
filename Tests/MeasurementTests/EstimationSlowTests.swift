// What is said of a node that nobody has seen fast or slow yet.

import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

@Suite("Estimation: slow nodes")
struct EstimationSlowTests {
    /// Probes over six nodes in the last `span`, all of which arrive; the first node adds 90 minutes to what it passes on, and nothing to what
    /// ends at it.
    private func analysis(_ span: Interval, _ name: String) -> (slow: NodeResult?, others: [NodeResult]) {
        var random = SeededRandom(name: name)
        let nodes = (0..<6).map { _ in NodeID.random(using: &random) }
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        var table = ProbeTable(nodes: nodes)
        for _ in 0..<Int(span.milliseconds / 15_000) {
            let hops = Array(nodes.shuffled(using: &random).prefix(5))
            guard let path = ProbePath(hops) else { continue }
            let sent = now - .milliseconds(Int64.random(in: 0..<span.milliseconds, using: &random))
            let drawn = Interval.seconds(Int64.random(in: 120...1200, using: &random))
            let travel = drawn + .seconds(30) + (hops.dropLast().contains(nodes[0]) ? .minutes(90) : .zero)
            let outcome: ProbeOutcome =
                sent + travel <= now ? .arrived(sent + travel, slack: .minutes(2)) : .pending(emptied: now)
            table.append(ObservedProbe(kind: .loop, path: path, sent: sent, drawn: drawn, outcome: outcome))
        }
        let found = Estimator().analyse(table, at: now)
        return (found.nodes[nodes[0]], nodes.dropFirst().compactMap { found.nodes[$0] })
    }

    @Test(
        "a node of which nothing has come back yet is not called unreliable, nor are its neighbours",
        arguments: [30, 60, 89, 100, 120, 180, 300])
    func slowFromTheStart(minutes: Int64) {
        let (slow, others) = analysis(.minutes(minutes), "slow \(minutes)")
        #expect((slow?.relay?.high ?? 1) > 0.9, "\(minutes) min: \(String(describing: slow?.relay))")
        for other in others {
            #expect((other.relay?.high ?? 1) > 0.9, "\(minutes) min: \(String(describing: other.relay))")
        }
    }

    @Test("and when its probes have come back it is measured, and known to be slow")
    func slowLater() throws {
        let slow = try #require(analysis(.hours(8), "slow later").slow)
        #expect(try #require(slow.relay).value > 0.95)
        #expect(try #require(slow.addedLatency) > .minutes(60))
    }
}
