import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// Tables with nothing in them, or nothing good.
@Suite("Estimation: edges")
struct EstimationEdgeTests {
    private let now = Timestamp(seconds: 1_795_242_000)

    private func table(
        _ count: Int, kind: ProbeKind = .loop, using random: inout SeededRandom, outcome: (Timestamp) -> ProbeOutcome
    ) -> (EstimationNetwork, ProbeTable) {
        let network = EstimationNetwork(nodes: 6, loss: 0, using: &random)
        var table = ProbeTable(nodes: network.nodes)
        for number in 0..<count {
            let sent = now - .minutes(Int64(400 + number))
            table.append(
                kind: kind, hops: network.path(using: &random), sent: sent, drawn: .minutes(5), outcome: outcome(sent))
        }
        return (network, table)
    }

    @Test("of nothing nothing is known")
    func empty() {
        let analysis = Estimator().analyse(ProbeTable(nodes: []), at: now)
        #expect(analysis.nodes.isEmpty && analysis.links.isEmpty && analysis.arrivals == nil && analysis.first == nil)
    }

    @Test("one probe makes no estimate", arguments: [true, false])
    func one(hasArrived: Bool) {
        var random = SeededRandom(name: "one")
        let (_, probes) = table(1, using: &random) {
            hasArrived ? .arrived($0 + .minutes(9), slack: .minutes(2)) : .lost
        }
        let analysis = Estimator().analyse(probes, at: now)
        #expect(analysis.nodes.values.allSatisfy { $0.relay == nil && $0.addedLatency == nil })
        #expect(analysis.links.values.allSatisfy { !$0.isBroken && $0.estimate == nil })
        #expect(analysis.arrivals?.hour == (hasArrived ? 1 : 0))
    }

    @Test("if all are lost, no node is good and no link is blamed")
    func allLost() throws {
        var random = SeededRandom(name: "allLost")
        let (_, probes) = table(1000, using: &random) { _ in .lost }
        let analysis = Estimator().analyse(probes, at: now)
        #expect(analysis.counts[.loop]?.lost == 1000)
        #expect(analysis.arrivals?.day == 0)
        #expect(analysis.brokenLinks.isEmpty)
        for result in analysis.nodes.values { #expect(try #require(result.relay).low < 0.5) }
    }

    @Test("probes of which nobody can say what became of them count for nothing")
    func allVoid() {
        var random = SeededRandom(name: "allVoid")
        let (_, probes) = table(500, using: &random) { _ in .void(emptied: nil) }
        let analysis = Estimator().analyse(probes, at: now)
        #expect(analysis.counts[.loop]?.void == 500 && analysis.first == nil && analysis.links.isEmpty)
        #expect(analysis.nodes.values.allSatisfy { $0.relay == nil && $0.arrivals == nil })
    }

    @Test("all good: no loss, and an upper limit of it that the number of samples allows")
    func allArrived() throws {
        var random = SeededRandom(name: "allArrived")
        let (network, probes) = table(400, using: &random) { .arrived($0 + .minutes(9), slack: .minutes(2)) }
        let analysis = Estimator().analyse(probes, at: now)
        for node in network.nodes {
            let relay = try #require(analysis.nodes[node]?.relay)
            #expect(relay.value == 1 && relay.high == 1)
            // Between the rule of three and twice that.
            #expect((1 - 7.5 / Double(relay.samples)...1 - 2.5 / Double(relay.samples)).contains(relay.low))
        }
        #expect(analysis.arrivals?.tenMinutes == 1)
    }

    @Test("what a node can tell from other packets is counted apart")
    func apart() throws {
        var random = SeededRandom(name: "apart")
        let (network, ahead) = table(300, kind: .ahead, using: &random) { _ in .lost }
        let analysis = Estimator().analyse(ahead, at: now)
        let result = try #require(analysis.nodes[network.nodes[0]])
        #expect(result.relay == nil && result.arrivals == nil && analysis.links.isEmpty)
        #expect(result.ahead.total > 100 && result.ahead.good == 0)

        var mails = ProbeTable()
        let path = try #require(ProbePath(Array(network.nodes[0..<3])))
        for number in 0..<10 {
            let sent = now - .hours(7)
            mails.append(
                ObservedProbe(
                    kind: .delivery, path: path, sent: sent, drawn: .zero,
                    outcome: number < 7 ? .arrived(sent + .minutes(10), slack: .minutes(1)) : .lost))
        }
        let delivered = Estimator().analyse(mails, at: now)
        #expect(delivered.nodes[network.nodes[2]]?.deliveries == Share(good: 7, total: 10))
        #expect(delivered.nodes[network.nodes[0]]?.deliveries == Share())
    }

    @Test("an arrival after the deadline is a loss, unless it can have come before")
    func late() {
        var random = SeededRandom(name: "late")
        let (_, late) = table(50, using: &random) { .arrived($0 + .hours(6) + .minutes(20), slack: .minutes(10)) }
        #expect(Estimator().analyse(late, at: now).counts[.loop]?.lost == 50)
        let (_, perhaps) = table(50, using: &random) { .arrived($0 + .hours(6) + .minutes(5), slack: .minutes(10)) }
        let analysis = Estimator().analyse(perhaps, at: now)
        #expect(analysis.counts[.loop]?.arrived == 50)
        #expect(analysis.arrivals?.sixHours == 1)
        #expect(analysis.arrivals?.hour == 0)
    }

    @Test("an arrival that was seen long after it may have come counts, and not for latency")
    func wideSlack() {
        var random = SeededRandom(name: "wideSlack")
        let (_, probes) = table(200, using: &random) { .arrived($0 + .hours(5), slack: .hours(4)) }
        let analysis = Estimator().analyse(probes, at: now)
        #expect(analysis.counts[.loop]?.arrived == 200)
        #expect(analysis.nodes.values.allSatisfy { $0.relay?.value == 1 && $0.addedLatency == nil })
    }

    @Test("hops that are no path, times that cannot be: nothing breaks")
    func malformed() {
        var random = SeededRandom(name: "malformed")
        var table = ProbeTable(nodes: (0..<6).map { _ in NodeID.random(using: &random) })
        for hops in [[], [0, 0], [0, 1, 0], [6], [-1], [0, 1, 2, 3, 4, 5], [65_536, 1], [0, 1, 2, 3, 3]] {
            let isTaken = table.append(kind: .loop, hops: hops, sent: now, drawn: .zero, outcome: .lost)
            #expect(!isTaken)
        }
        #expect(table.count == 0)
        for time in [Timestamp(milliseconds: .min), Timestamp(milliseconds: .max), now, now + .days(1)] {
            for interval in [Interval(milliseconds: .min), .zero, Interval(milliseconds: .max)] {
                for hops in [[0], [1, 2], [0, 1, 2, 3, 4]] {
                    table.append(
                        kind: .loop, hops: hops, sent: time, drawn: interval,
                        outcome: .arrived(now, slack: interval))
                    table.append(kind: .reply, hops: hops, sent: time, drawn: interval, outcome: .pending(emptied: now))
                }
            }
        }
        for time in [Timestamp(milliseconds: .min), now, Timestamp(milliseconds: .max)] {
            _ = Estimator().analyse(table, at: time)
        }
    }
}
