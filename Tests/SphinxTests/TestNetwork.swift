import MixCrypto
import Sphinx
import TestSupport
import WireFormat

/// Nodes of a test: real keys, no sockets.
final class TestNetwork {
    struct Node: PacketKeys {
        let id: NodeID
        let keys: [KeyPeriod: KEMPrivateKey]
        func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }

        func unwrap(_ packet: [UInt8], isKnown: (ReplayTag) -> Bool = { _ in false }) throws(UnwrapFailure) -> Outcome {
            try Unwrapper(node: id).unwrap(packet, keys: self, isKnown: { tag, _ in isKnown(tag) }).outcome
        }
    }

    static let period = KeyPeriod(2900)
    var nodes: [Node] = []
    var generator: SeededRandom

    init(_ count: Int, name: String) throws {
        generator = SeededRandom(name: name)
        for _ in 0..<count {
            var seed = generator.bytes(32)
            let key = try KEMPrivateKey(seed: SecretBytes(moving: &seed))
            nodes.append(Node(id: .random(using: &generator), keys: [Self.period: key]))
        }
    }

    func path(_ hops: Int) -> [PathHop] {
        nodes.prefix(hops).enumerated().map { index, node in
            PathHop(node: node.id, key: node.keys[Self.period]!.publicKey, period: Self.period, delay: UInt32(100 + index))
        }
    }

    func packet(content: [UInt8], hops: Int) throws -> [UInt8] {
        try PacketBuilder().build(content: content, path: path(hops), using: &generator)
    }
}
