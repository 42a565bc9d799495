// Sending until it has arrived, in virtual time: every message arrives and its sender knows, for a bounded number of packets.

import Messages
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct RetransmissionPlanTests {
    /// 200 messages of 1 to 40 parts, sizes log-uniform, one every five minutes.
    private func run(_ name: String, messages: Int = 200, _ rules: SimulatedNetwork.Rules) throws -> SimulatedNetwork {
        var random = SeededRandom(name: name)
        let sizes = (0..<messages).map { _ in Self.size(&random) }
        let exits = (0..<messages).map { _ in Int.random(in: rules.nodes - 2..<rules.nodes, using: &random) }
        var network = SimulatedNetwork(rules, random: random)
        for (size, exit) in zip(sizes, exits) { try network.send(dataShares: size, exit: exit) }
        network.run()
        let sent = network.flights.reduce(0) { $0 + $1.plan.packets }
        let first = network.flights.reduce(0) { $0 + $1.plan.layout.parts }
        let delivered = network.flights.count(where: \.isDelivered)
        let known = network.flights.compactMap { flight in flight.known.map { $0 - flight.began } }.sorted()
        let questions = network.flights.reduce(0) { $0 + $1.plan.questions.count }
        let minutes = { (part: Int) in known.isEmpty ? -1 : known[(known.count - 1) * part / 100].milliseconds / 60_000
        }
        print(
            "\(name): \(delivered) of \(messages) delivered, \(known.count) known; \(first) packets at first, \(sent) in all, "
                + "\(questions) of them questions; known after \(minutes(50)) min (median), \(minutes(99)) min (99 %), "
                + "\(minutes(100)) min (all)")
        #expect(delivered == messages)
        #expect(known.count == messages)
        #expect(network.flights.filter(\.otherExit).isEmpty)
        return network
    }

    /// 1 to 29 data shares, which make up to 40 parts.
    private static func size(_ random: inout SeededRandom) -> Int {
        // Log-uniform, by doublings: 29 is nearly two to the fifth.
        let doublings = Int.random(in: 0..<5, using: &random)
        return min(29, Int.random(in: (1 << doublings)...(2 << doublings) - 1, using: &random))
    }

    private func factor(_ network: SimulatedNetwork) -> Double {
        Double(network.flights.reduce(0) { $0 + $1.plan.packets })
            / Double(network.flights.reduce(0) { $0 + $1.plan.layout.parts })
    }

    @Test func withoutLossNothingIsSentTwice() throws {
        let network = try run("withoutLoss", SimulatedNetwork.Rules())
        // A slow packet now and then looks like a lost one.
        #expect(factor(network) < 1.05)
    }

    @Test func aTenthOfThePacketsIsLostAtEveryHop() throws {
        var rules = SimulatedNetwork.Rules()
        rules.lossPercent = 10
        let network = try run("aTenthIsLost", rules)
        // Of a hundred packets 59 arrive.
        #expect(factor(network) < 3)
    }

    @Test(arguments: 1...3) func oneOfSixNodesIsDead(dead: Int) throws {
        var rules = SimulatedNetwork.Rules()
        // Never the mailbox's node or an exit.
        rules.dead = [dead]
        let network = try run("oneIsDead-\(dead)", rules)
        // A fifth of the parts arrives until it is known which node to go round.
        #expect(factor(network) < 4)
        let worst = network.evidence.suspects(among: network.nodes)
        #expect(worst.isEmpty || worst == [network.nodes[dead]])
    }

    @Test func answersAreLostToo() throws {
        var rules = SimulatedNetwork.Rules()
        rules.silencePercent = 50
        rules.lossPercent = 5
        #expect(factor(try run("answersAreLost", rules)) < 4)
    }

    @Test func aDeadExitIsLeftAfterAWhile() throws {
        var rules = SimulatedNetwork.Rules()
        rules.dead = [5]
        var network = SimulatedNetwork(rules, random: SeededRandom(name: "aDeadExit"))
        try network.send(dataShares: 3, exit: 5)
        network.run()
        let flight = network.flights[0]
        #expect(flight.otherExit)
        #expect(flight.plan.questions.count >= RetransmissionPlan.deadQuestions)
        #expect(network.now >= flight.began + .hours(12))
        #expect(
            flight.plan.packets <= flight.plan.layout.parts * RetransmissionPlan.packetsPerPart
                + RetransmissionPlan.packetAllowance)
    }

    @Test func nothingIsSentThatWouldComeTooLate() throws {
        var rules = SimulatedNetwork.Rules()
        rules.lossPercent = 100
        var network = SimulatedNetwork(rules, random: SeededRandom(name: "tooLate"))
        try network.send(dataShares: 1, exit: 4)
        network.flights[0].plan.mayChangeExit = false
        network.run()
        let flight = network.flights[0]
        let last = (flight.plan.shipments.compactMap(\.left) + flight.plan.questions.compactMap(\.left)).max()
        #expect(try #require(last) < flight.plan.deadline - .minutes(10))
        #expect(flight.plan.packets <= RetransmissionPlan.packetsPerPart + RetransmissionPlan.packetAllowance)
        #expect(flight.known == nil && !flight.isDelivered)
    }

    @Test func aFirstNodeThatIsGoneIsGoneRoundAtOnce() throws {
        var random = SeededRandom(name: "firstNodeGone")
        let nodes = (0..<6).map { _ in NodeID.random(using: &random) }
        let layout = try PartLayout(messageLength: 3 * ShareCapacity.full.rawValue)
        let now = Timestamp(seconds: 1_700_000_000)
        var plan = RetransmissionPlan(
            layout: layout, exit: nodes[5], began: now, deadline: now + .hours(48), mayChangeExit: true, receipt: nil)
        for index in 0..<layout.parts {
            plan.add(
                RetransmissionPlan.Shipment(
                    group: 0, index: index, path: [nodes[index % 2], nodes[2], nodes[3], nodes[4], nodes[5]],
                    row: QueuedRow(row: .init(Int64(index)), made: now)))
        }
        let timing = RetransmissionTiming(
            hops: 5, mean: .seconds(120), deliveryDeadline: .hours(48), measured: nil)
        var evidence = PathEvidence()
        var surroundings = RetransmissionPlan.Surroundings(nodes: nodes, hops: 5, mailbox: nil, timing: timing)
        #expect(plan.decide(at: now, in: surroundings, evidence: &evidence, using: &random).isEmpty)
        surroundings.unreachable = [nodes[1]]
        let steps = plan.decide(at: now, in: surroundings, evidence: &evidence, using: &random)
        #expect(steps.count == layout.parts / 2)
        for case .part(_, let index, let avoiding) in steps { #expect(index % 2 == 1 && avoiding.contains(nodes[1])) }
        #expect(plan.replaced.count == steps.count)
        #expect(plan.decide(at: now, in: surroundings, evidence: &evidence, using: &random).isEmpty)
    }

    @Test func aPlanSurvivesItsRecord() throws {
        var rules = SimulatedNetwork.Rules()
        rules.lossPercent = 10
        var network = SimulatedNetwork(rules, random: SeededRandom(name: "planRecord"))
        for size in [1, 2, 29, 70] { try network.send(dataShares: size, exit: 4) }
        network.run()
        for flight in network.flights {
            let bytes = flight.plan.encoded
            #expect(try RetransmissionPlan(decoding: bytes) == flight.plan)
            for cut in stride(from: 0, to: bytes.count, by: 37) {
                let part = Array(bytes[..<cut])
                #expect(throws: (any Error).self) { try RetransmissionPlan(decoding: part) }
            }
        }
        #expect(try PathEvidence(decoding: network.evidence.encoded) == network.evidence)
    }
}

@Suite struct PathEvidenceTests {
    private let nodes: [NodeID]
    private let now = Timestamp(seconds: 1_700_000_000)

    init() {
        var random = SeededRandom(name: "PathEvidence")
        nodes = (0..<9).map { _ in NodeID.random(using: &random) }
    }

    @Test func aNodeStandsOutByWhatVanishes() {
        var evidence = PathEvidence()
        for round in 0..<10 {
            evidence.doubt([nodes[0], nodes[1 + round % 4]], at: now)
            evidence.prove([nodes[1 + round % 4], nodes[5]], at: now)
        }
        #expect(evidence.suspects(among: nodes) == [nodes[0]])
        // It is cleared by the first thing that comes through it.
        evidence.prove([nodes[0]], at: now)
        #expect(evidence.suspects(among: nodes).isEmpty)
    }

    @Test func lossThatHitsAllPointsAtNobody() {
        var evidence = PathEvidence()
        for _ in 0..<50 { evidence.doubt(nodes, at: now) }
        #expect(evidence.suspects(among: nodes).isEmpty)
    }

    @Test func aThirdIsAvoidedAtMost() {
        #expect(PathEvidence.room(6, hops: 5) == 1)
        #expect(PathEvidence.room(5, hops: 5) == 0)
        #expect(PathEvidence.room(30, hops: 5) == 10)
        #expect(PathEvidence.room(3, hops: 5) == 0)
    }

    @Test func aDayLaterItIsForgotten() {
        var evidence = PathEvidence()
        evidence.doubt(nodes, at: now)
        evidence.prove([nodes[0]], at: now + .hours(2))
        evidence.forget(at: now + .hours(25))
        #expect(Array(evidence.nodes.keys) == [nodes[0]])
        evidence.forget(at: now + .hours(27))
        #expect(evidence.nodes.isEmpty)
    }
}
