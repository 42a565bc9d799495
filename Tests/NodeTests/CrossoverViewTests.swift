import Messages
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// What hops see of messages, answers given directly, answers that a crossover node sends on, and the packets that carry
/// these to it: made by the code that clients and nodes run, over paths and with delays that it draws. At the last hop
/// kinds differ by design, and a crossover node is the last hop of what reaches it.
@Suite("What hops see of kinds of packets")
struct CrossoverViewTests {
    static let shape = PacketShape(
        packet: Geometry.suite1.packetSize, header: Geometry.suite1.headerSize, routing: Geometry.suite1.routingOffset,
        block: Geometry.suite1.blockSize, blocks: Geometry.suite1.maximumHops)
    /// Monday 2026-01-05, plus a day.
    static let start = KeyPeriodCalendar.origin + .days(7) * 2922 + .days(1)

    /// Flights of the four kinds, with reply blocks out of `surbs`.
    static func samples(_ net: KeyRingNetwork, _ surbs: [SURB]) throws -> [FlightSample] {
        var forward = FlightSample("forward", [])
        var direct = FlightSample("direct answer", [])
        var carrier = FlightSample("to a crossover", [])
        var injected = FlightSample("from a crossover", [])
        for surb in surbs[..<(surbs.count / 2)] {
            let message = try net.forward(.part(net.part(.full)))
            forward.flights.append(try net.fly(message.packet, first: message.first).flight)
            let packet = try surb.makePacket(content: PayloadContent.part(net.part(.full)).encoded(), at: net.now)
            direct.flights.append(try net.fly(packet, first: surb.first).flight)
        }
        for surb in surbs[(surbs.count / 2)...] {
            let request = try net.forward(net.injection(surb))
            let (flight, end) = try net.fly(request.packet, first: request.first)
            carrier.flights.append(flight)
            let sent = try net.crossover(end)
            injected.flights.append(try net.fly(sent.packet, first: sent.first).flight)
        }
        return [forward, direct, carrier, injected]
    }

    @Test("four kinds of packets are one kind to every hop but the last")
    func same() throws {
        let net = try KeyRingNetwork(nodes: 8, at: Self.start, name: "kinds of packets")
        let surbs = try (0..<240).map { _ in try net.surb() }
        let found = HopComparison(shape: Self.shape).findings(try Self.samples(net, surbs))
        #expect(found.isEmpty, "\(found)")
    }

    @Test("an answer through a block of an earlier period shows that period, and nothing else")
    func age() throws {
        let net = try KeyRingNetwork(nodes: 8, at: Self.start, name: "old blocks' packets")
        let surbs = try (0..<120).map { _ in try net.surb() }
        try net.advance(.days(9))
        var samples = try Self.samples(net, surbs)
        let comparison = HopComparison(shape: Self.shape)
        #expect(Set(comparison.findings(samples).map(\.check)).isSubset(of: [.prefix, .classifier]))
        #expect(comparison.findings(samples).contains { $0.check == .prefix })
        for kind in samples.indices {
            for flight in samples[kind].flights.indices {
                for hop in samples[kind].flights[flight].packets.indices {
                    samples[kind].flights[flight].packets[hop].replaceSubrange(2..<4, with: [0, 0])
                }
            }
        }
        let found = comparison.findings(samples)
        #expect(found.isEmpty, "\(found)")
    }

    /// Reported, not judged: times on a shared machine prove nothing in a test.
    @Test("times of unwrapping by kind are measured")
    func times() throws {
        let net = try KeyRingNetwork(nodes: 6, at: Self.start, name: "times by kind")
        var work: [(name: String, node: KeyRingNetwork.Node, packet: [UInt8])] = []
        func add(_ name: String, _ packet: [UInt8], _ first: NodeID) throws {
            let flight = try net.fly(packet, first: first).flight
            let place = try #require(flight.nexts.last)
            let node = try #require(net.nodes.first { $0.id == first })
            work.append(("\(name), passing", node, packet))
            work.append(("\(name), at its end", net.nodes[place], flight.packets[flight.packets.count - 1]))
        }
        let surb = try net.surb()
        let message = try net.forward(.part(net.part(.full)))
        try add("message", message.packet, message.first)
        let answer = try surb.makePacket(content: PayloadContent.part(net.part(.full)).encoded(), at: net.now)
        try add("answer", answer, surb.first)
        let request = try net.forward(net.injection(net.surb()))
        try add("crossover", request.packet, request.first)
        var times = [[Duration]](repeating: [], count: work.count)
        for _ in 0..<60 {
            for index in work.indices.shuffled(using: &net.generator) {
                let (_, node, packet) = work[index]
                times[index].append(
                    try ContinuousClock().measure {
                        let outcome = try node.unwrap(packet)
                        if case .deliver(_, let content) = outcome {
                            // What the intake does with it before it goes to the spool.
                            if case .inject = try PayloadContent(decoding: content) { _ = try net.crossover(outcome) }
                        }
                    })
            }
        }
        for (index, item) in work.enumerated() {
            print("unwrap, \(item.name): median \(times[index].sorted()[30])")
        }
    }
}
