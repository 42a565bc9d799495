import Daemon
import Directory
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

/// What the client makes of messages, of answers and of reply blocks looks the same to every hop but the last: the same
/// number of hops, delays of one distribution, keys of one period. The last hop is left out, and with it which node it is:
/// a message ends where it is delivered, an answer where its owner has a mailbox.
@Suite("Kinds of packets that a client makes")
struct KindsOfPacketsTests {
    private struct Keys: PacketKeys {
        let keys: [KeyPeriod: KEMPrivateKey]
        func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
    }

    /// The flight of a packet to the hop at which it ends.
    private static func fly(_ packet: [UInt8], from first: NodeID, _ network: TestNetwork) throws -> Flight {
        var flight = Flight(packets: [packet], delays: [], nexts: [])
        var next = first
        while let node = network.nodes.first(where: { $0.id == next }) {
            let outcome = try Unwrapper(node: node.id).unwrap(
                flight.packets[flight.packets.count - 1], keys: Keys(keys: node.packetKeys), isKnown: { _, _ in false }
            ).outcome
            guard case .forward(let following, let delay, let inner) = outcome else { break }
            flight.delays.append(delay)
            flight.nexts.append(0)
            flight.packets.append(inner)
            next = following
        }
        return flight
    }

    @Test("messages, answers and what carries them to a crossover node are made alike")
    func alike() throws {
        let network = try TestNetwork()
        var generator = SeededRandom(name: "kinds that a client makes")
        let now = ScaledClock.systemTime()
        let options = SendOptions()
        let messages = PacketPlanner(network: network.file, options: options, now: now)
        let maker = ReplyBlockMaker(network: network.file, blocked: [], now: now)
        let secret = SURBMaker(secret: SymmetricSecret(copying: generator.bytes(32)))
        let blocks = try maker.make(
            200, identity: "default", target: ReplyTarget("mbox:info@echo"), maker: secret, using: &generator
        ).map(\.surb)

        var samples = [FlightSample("message", []), FlightSample("answer", []), FlightSample("to a crossover", [])]
        let mail = try OutgoingMail(Array("hello\r\n".utf8), options: OutgoingMail.Options(subject: "Test"))
        let errand = try #require(try messages.errands([Address("alice@example.org")]).first)
        let encoded = try MessageEncoder.encode(mail.envelope(to: [Address("drop:")]), body: mail.body)
        for block in blocks {
            let cut = try messages.cut(mail, for: errand, using: &generator)
            try messages.packets(of: cut, using: &generator) { packet in
                samples[0].flights.append(try Self.fly(packet.body, from: packet.first, network))
            }
            for isDirect in [true, false] {
                let planner = ReplyPlanner(network: network.file, options: options, isDirect: isDirect, now: now)
                let parts = try MessageEncoder.parts(
                    of: encoded, capacity: isDirect ? .full : .injected, using: &generator)
                for (_, packet) in try planner.packets(of: parts, through: [block], using: &generator) {
                    samples[isDirect ? 1 : 2].flights.append(try Self.fly(packet.body, from: packet.first, network))
                }
            }
        }
        #expect(samples.allSatisfy { sample in sample.flights.allSatisfy { $0.packets.count == 5 } })
        let g = Geometry.suite1
        let comparison = HopComparison(
            shape: PacketShape(
                packet: g.packetSize, header: g.headerSize, routing: g.routingOffset, block: g.blockSize,
                blocks: g.maximumHops))
        var found = comparison.findings(samples)
        let periods = ReplyBlockPeriods(network.file.parameters, hops: 5)
        if let choice = periods.choose(at: now, hasKeys: { _ in true }),
            choice.period != network.file.parameters.calendar.period(at: now)
        {
            // In the last hours of a period blocks name the next one, which shows (doc/THREAT_MODEL.md).
            found.removeAll { [.prefix, .classifier].contains($0.check) }
        }
        #expect(found.isEmpty, "\(found)")
    }
}
