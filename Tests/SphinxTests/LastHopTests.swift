import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Sphinx

/// The last hop knows that it is the last, and the kind. What it must not learn is how long the path was.
@Suite("What the last hop sees")
struct LastHopTests {
    /// All that the last hop can decrypt of the routing information, after paths of 1 to 5 hops.
    static func routing(
        _ net: HopViewNetwork, count: Int, padding: (inout SeededRandom) -> any RandomNumberGenerator
    ) throws -> [FlightSample] {
        let g = Geometry.suite1
        return try (1...5).map { hops in
            let flights = try (0..<count).map { _ in
                let path = net.path(hops)
                var generator = padding(&net.network.generator)
                let packet = try Self.build(path, &generator)
                let last = try #require(net.fly(packet, first: path[0].node).packets.last)
                let node = try #require(net.network.nodes.first { $0.id == path[hops - 1].node })
                let key = try #require(node.key(of: TestNetwork.period))
                let secret = try last.withUnsafeBytes {
                    try key.decapsulate(UnsafeRawBufferPointer(rebasing: $0[g.prefixSize..<g.routingOffset]))
                }
                let stream = HopKeys(secret: secret, node: node.id, period: TestNetwork.period).stream.stream(
                    g.routingSize)
                return Flight(
                    packets: [zip(last[g.routingOffset..<g.macOffset], stream).map { $0 ^ $1 }], delays: [], nexts: [])
            }
            return FlightSample("\(hops) hops", flights)
        }
    }

    private static func build(_ path: [PathHop], _ generator: inout any RandomNumberGenerator) throws -> [UInt8] {
        func build(_ generator: inout some RandomNumberGenerator) throws -> [UInt8] {
            try PacketBuilder().build(content: HopViewNetwork.content("hello"), path: path, using: &generator)
        }
        return try build(&generator)
    }

    static func findings(_ samples: [FlightSample]) -> [HopFinding] {
        let g = Geometry.suite1
        let shape = PacketShape(packet: g.routingSize, header: g.routingSize, routing: 0, block: g.blockSize, blocks: 0)
        return HopComparison(shape: shape).positions(samples)
    }

    @Test("what stands behind the last block does not tell how long the path was")
    func length() throws {
        let net = try HopViewNetwork(nodes: 6, name: "length of paths")
        let found = Self.findings(try Self.routing(net, count: 60) { $0 })
        // The delay, the first thing after the flags, differs by chance alone.
        #expect(found.isEmpty, "\(found)")
    }

    @Test("zeros instead of random padding would tell")
    func zeros() throws {
        struct Zeros: RandomNumberGenerator { func next() -> UInt64 { 0 } }
        let net = try HopViewNetwork(nodes: 6, name: "length of paths, broken")
        let found = Self.findings(try Self.routing(net, count: 60) { _ in Zeros() })
        #expect(found.map(\.check) == [.position])
    }
}
