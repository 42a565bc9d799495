import Directory
import Measurement
import TestSupport
import Testing
import WireFormat

/// Estimates against networks whose truth is known.
@Suite("Estimation: truth")
struct EstimationTruthTests {
    private let now = Timestamp(seconds: 1_795_242_000)

    @Test("one of six nodes drops a fifth, but no probe that it can tell, and one link is broken: 2000 probes tell")
    func dropperAndBrokenLink() throws {
        var random = SeededRandom(name: "dropperAndBrokenLink")
        let rounds = 20
        var errors: [Double] = []
        var dropperInside = 0
        var marks = 0
        var falseMarks = 0
        for _ in 0..<rounds {
            var network = EstimationNetwork(nodes: 6, loss: 0.005, using: &random)
            network.relayLoss[2] = 0.2
            network.entryLoss[2] = 0
            network.mailboxLoss[2] = 0
            network.linkLoss[network.link(4, 5)] = 1
            let probes = network.probes(2000, within: .hours(12), until: now, using: &random)
            let analysis = Estimator().analyse(probes, at: now)
            for (number, node) in network.nodes.enumerated() {
                let relay = try #require(analysis.nodes[node]?.relay)
                #expect(relay.low <= relay.value && relay.value <= relay.high)
                if number == 2 {
                    if (relay.low...relay.high).contains(0.8) { dropperInside += 1 }
                    #expect(abs(relay.value - 0.8) < 0.09)
                    #expect(relay.high < 0.93)
                } else {
                    errors.append(abs(relay.value - 0.995))
                }
            }
            if analysis.links[network.link(4, 5)]?.isBroken == true { marks += 1 }
            falseMarks += analysis.brokenLinks.filter { $0 != network.link(4, 5) }.count
        }
        let within = errors.filter { $0 <= 0.03 }.count
        print(
            "good nodes within 3 points: \(within) of \(errors.count), worst \(errors.max() ?? 0);",
            "dropper in its interval: \(dropperInside) of \(rounds); marked \(marks), falsely \(falseMarks)")
        #expect(Double(within) >= 0.95 * Double(errors.count))
        #expect(dropperInside >= rounds - 6)
        #expect(marks == rounds)
        #expect(falseMarks == 0)
    }

    @Test("good nodes that lose a twentieth in every role are not blamed for the dropper")
    func lossyNetwork() throws {
        var random = SeededRandom(name: "lossyNetwork")
        var squares = 0.0
        var count = 0.0
        for _ in 0..<6 {
            var network = EstimationNetwork(nodes: 6, loss: 0.05, using: &random)
            network.relayLoss[2] = 0.2
            let probes = network.probes(8000, within: .hours(34), until: now, using: &random)
            let analysis = Estimator().analyse(probes, at: now)
            for (number, node) in network.nodes.enumerated() where number != 2 {
                let relay = try #require(analysis.nodes[node]?.relay)
                squares += (relay.value - 0.95) * (relay.value - 0.95)
                count += 1
            }
            #expect(try #require(analysis.nodes[network.nodes[2]]?.relay).high < 0.9)
            #expect(analysis.brokenLinks.isEmpty)
        }
        print("root mean square error of good nodes:", (squares / count).squareRoot())
        #expect((squares / count).squareRoot() < 0.035)
    }

    @Test("intervals hold the truth in 95 of 100 cases")
    func coverage() {
        var random = SeededRandom(name: "coverage")
        var inside = 0
        var total = 0
        for round in 0..<200 {
            var network = EstimationNetwork(nodes: 8, loss: 0.01, using: &random)
            for node in network.nodes.indices {
                // A third of them at the bound: they lose nothing.
                network.relayLoss[node] = max(0, Double.random(in: -0.05..<0.1, using: &random))
            }
            // Young probes only, and old ones.
            let span = round.isMultiple(of: 2) ? Interval.hours(3) : .days(10)
            let probes = network.probes(800, within: span, until: now, using: &random)
            let analysis = Estimator().analyse(probes, at: now)
            for (number, node) in network.nodes.enumerated() {
                guard let relay = analysis.nodes[node]?.relay else { continue }
                total += 1
                let truth = 1 - network.relayLoss[number]
                if relay.low <= truth, truth <= relay.high { inside += 1 }
            }
        }
        let share = Double(inside) / Double(total)
        print("truth inside: \(inside) of \(total): \(share)")
        #expect((0.90...0.99).contains(share))
    }

    @Test("a dropper or a dead node makes no link broken", arguments: [(6, 30, 2000), (60, 15, 2000)])
    func falseMarks(nodes: Int, rounds: Int, count: Int) {
        var random = SeededRandom(name: "falseMarks")
        var marks = 0
        for round in 0..<rounds {
            var network = EstimationNetwork(nodes: nodes, loss: 0.02, using: &random)
            network.relayLoss[1] = round.isMultiple(of: 2) ? 0.2 : 1
            let probes = network.probes(count, within: .hours(9), until: now, using: &random)
            let analysis = Estimator().analyse(probes, at: now)
            marks += analysis.brokenLinks.count
            if let relay = analysis.nodes[network.nodes[1]]?.relay, network.relayLoss[1] == 1 {
                #expect(relay.high < 0.5)
            }
        }
        print("broken links marked in \(rounds) sound networks of \(nodes): \(marks)")
        #expect(marks == 0)
    }
}
