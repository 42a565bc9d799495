import Foundation
import MixCrypto
import Sphinx
import TestSupport
import WireFormat

/// A network of this process in which packets of both kinds fly over random paths, and what the hops see is kept.
final class HopViewNetwork {
    static let shape = PacketShape(
        packet: Geometry.suite1.packetSize, header: Geometry.suite1.headerSize, routing: Geometry.suite1.routingOffset,
        block: Geometry.suite1.blockSize, blocks: Geometry.suite1.maximumHops)
    static let now = Timestamp(seconds: 1_000_000)

    let network: TestNetwork
    let maker: SURBMaker
    /// Mean delay of a hop in seconds.
    var mean = 120.0

    init(nodes: Int, name: String) throws {
        network = try TestNetwork(nodes, name: name)
        maker = SURBMaker(secret: SymmetricSecret(copying: network.generator.bytes(32)))
    }

    /// Different nodes in random order with random delays.
    func path(_ hops: Int) -> [PathHop] {
        network.nodes.shuffled(using: &network.generator).prefix(hops).map { node in
            let delay = -log(Double.random(in: 0.000_001..<1, using: &network.generator)) * mean * 1000
            return PathHop(
                node: node.id, key: node.keys[TestNetwork.period]!.publicKey, period: TestNetwork.period,
                delay: UInt32(min(delay, 1_800_000)))
        }
    }

    /// Something with as little chance in it as a short message has: text and zeros.
    static func content(_ text: String) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: Geometry.suite1.contentSize - text.utf8.count)
    }

    /// A packet and its first hop.
    func forward(hops: Int) throws -> (packet: [UInt8], first: NodeID) {
        let path = path(hops)
        return (
            try PacketBuilder().build(content: Self.content("hello"), path: path, using: &network.generator),
            path[0].node
        )
    }

    func surb(hops: Int) throws -> SURB {
        try maker.make(
            path: path(hops), address: "box:00@node", expiry: Self.now + .days(14), using: &network.generator
        ).surb
    }

    /// Takes a packet from hop to hop.
    func fly(_ packet: [UInt8], first: NodeID) throws -> Flight {
        var flight = Flight(packets: [packet], delays: [], nexts: [])
        var place = self.place(of: first)
        while let here = place,
            case .forward(let next, let delay, let inner) = try network.nodes[here].unwrap(
                flight.packets[flight.packets.count - 1])
        {
            place = self.place(of: next)
            flight.delays.append(delay)
            flight.nexts.append(place ?? -1)
            flight.packets.append(inner)
        }
        return flight
    }

    private func place(of id: NodeID) -> Int? { network.nodes.firstIndex { $0.id == id } }
}
