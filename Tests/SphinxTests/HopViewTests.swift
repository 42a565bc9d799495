import MixCrypto
import Sphinx
import TestSupport
import Testing

/// Forward packets and answers look the same to every hop but the last. At the last hop they differ by design: one is a
/// message for it, the other goes to whoever made the reply block.
@Suite("What a hop sees")
struct HopViewTests {
    static let count = 150

    /// Flights of both kinds by paths of 3 to 5 hops.
    static func samples(
        _ net: HopViewNetwork, count: Int = count, replyMean: Double = 120, replyHops: ClosedRange<Int> = 3...5
    ) throws -> [FlightSample] {
        var forward = FlightSample("forward", [])
        var reply = FlightSample("reply", [])
        for _ in 0..<count {
            net.mean = 120
            let sent = try net.forward(hops: Int.random(in: 3...5, using: &net.network.generator))
            forward.flights.append(try net.fly(sent.packet, first: sent.first))
            net.mean = replyMean
            let surb = try net.surb(hops: Int.random(in: replyHops, using: &net.network.generator))
            let packet = try surb.makePacket(content: HopViewNetwork.content("hello"), at: HopViewNetwork.now)
            reply.flights.append(try net.fly(packet, first: surb.first))
        }
        return [forward, reply]
    }

    static func findings(_ samples: [FlightSample]) -> Set<HopFinding.Check> {
        Set(HopComparison(shape: HopViewNetwork.shape).findings(samples).map(\.check))
    }

    @Test("nothing tells forward packets from answers, and no packet is known again at another hop")
    func same() throws {
        let net = try HopViewNetwork(nodes: 8, name: "hop views")
        let found = HopComparison(shape: HopViewNetwork.shape).findings(try Self.samples(net))
        #expect(found.isEmpty, "\(found)")
    }

    @Test("the same look finds what a broken format would show")
    func broken() throws {
        let net = try HopViewNetwork(nodes: 8, name: "hop views, broken")
        let sound = try Self.samples(net)
        let header = HopViewNetwork.shape.header
        func changed(_ change: (inout Flight) -> Void) -> Set<HopFinding.Check> {
            var samples = sound
            for index in samples[1].flights.indices { change(&samples[1].flights[index]) }
            return Self.findings(samples)
        }
        #expect(Self.findings(sound).isEmpty)
        // A constant byte in the payload of answers.
        let constant = changed { flight in
            for hop in flight.packets.indices { flight.packets[hop][header + 20] = 0 }
        }
        #expect(constant.isSuperset(of: [.position, .classifier]))
        // One bit of the padding in a flag.
        #expect(changed { $0.packets[0][1] = 1 }.contains(.prefix))
        // A hop that leaves the payload of answers as it is.
        let untouched = changed { flight in
            for hop in flight.packets.indices {
                flight.packets[hop].replaceSubrange(header..., with: flight.packets[0][header...])
            }
        }
        #expect(untouched.isSuperset(of: [.correlation, .classifier]))
        // A hop that hands on one block of routing information as it came.
        let shape = HopViewNetwork.shape
        let shown = changed { flight in
            let block = flight.packets[0][shape.routing + shape.block..<shape.routing + 2 * shape.block]
            flight.packets[1].replaceSubrange(shape.routing..<shape.routing + shape.block, with: block)
        }
        #expect(shown.contains(.correlation))
        // A shorter packet.
        #expect(changed { $0.packets[1].removeLast() } == [.size])
        // Other delays, other lengths of paths, other nodes.
        #expect(changed { $0.delays = $0.delays.map { $0 / 3 } }.isSuperset(of: [.delay]))
        #expect(changed { $0.nexts = $0.nexts.map { $0 / 2 } }.contains(.next))
        #expect(
            changed { flight in
                flight.packets.removeLast()
                flight.delays.removeLast()
                flight.nexts.removeLast()
            }.contains(.hops))
    }

    @Test("a node that answers come to by faster hops is found out")
    func brokenMaker() throws {
        let net = try HopViewNetwork(nodes: 8, name: "hop views, broken maker")
        let found = Self.findings(try Self.samples(net, count: 150, replyMean: 40, replyHops: 2...3))
        #expect(found.isSuperset(of: [.delay, .hops]), "\(found)")
    }
}
