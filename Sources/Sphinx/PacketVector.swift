// Test vectors in the form that other implementations of the format exchange: JSON objects whose binary values are
// lower-case hexadecimal. Making them and checking them are two separate paths through the code.

internal import MixCrypto
internal import WireFormat

/// Where a vector and this implementation disagree.
public struct VectorMismatch: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// One packet's way through its nodes.
public struct PacketVector: Codable, Sendable {
    public struct Node: Codable, Sendable {
        public var seed: String
        public var publicKeySHA256: String
        public var id: String
        public var period: UInt16
    }

    public struct Hop: Codable, Sendable {
        public var outcome: String
        public var replayTag: String
        public var delay: UInt32
        public var next: String?
        public var packetSHA256: String?
        public var info: String?
        public var payloadSHA256: String?
    }

    public var suite: UInt8
    public var kind: String
    public var nodes: [Node]
    public var hops: [Hop]
    public var packet: String
    public var contentSHA256: String
    public var surb: String?
    public var surbSecret: String?
    public var surbID: String?
}

private struct OneKey: PacketKeys {
    let period: KeyPeriod
    let privateKey: KEMPrivateKey
    func key(of period: KeyPeriod) -> KEMPrivateKey? { period == self.period ? privateKey : nil }
}

extension PacketVector {
    /// Walks the packet through the vector's nodes and compares everything the vector says.
    /// - Throws: `VectorMismatch` naming the first difference.
    public func verify() throws {
        func equal(_ what: String, _ found: String, _ wanted: String?) throws {
            guard found == wanted else {
                throw VectorMismatch("\(what): found \(found), the vector says \(wanted ?? "nothing")")
            }
        }
        guard suite == Geometry.suite1.suite else { throw VectorMismatch("suite \(suite) is not known") }
        guard hops.count == nodes.count, let packetBytes = Hex.decode(packet) else {
            throw VectorMismatch("malformed vector")
        }
        if kind == "reply" {
            guard let text = surb, let bytes = Hex.decode(text) else {
                throw VectorMismatch("a reply vector has a SURB")
            }
            let surb = try SURB(bytes)
            try equal("surb", Hex.encode(surb.encoded), text)
            try equal("surb header", Hex.encode(surb.header), String(packet.prefix(2 * Geometry.suite1.headerSize)))
            try equal("first node", surb.first.hex, nodes.first?.id)
        }
        var current = packetBytes
        for (index, (node, hop)) in zip(nodes, hops).enumerated() {
            let at = "hop \(index)"
            guard var seed = Hex.decode(node.seed), let id = NodeID(hex: node.id) else {
                throw VectorMismatch("malformed vector")
            }
            let privateKey = try KEMPrivateKey(seed: SecretBytes(moving: &seed))
            try equal("\(at) public key", Digest.sha256(privateKey.publicKey.bytes).hex, node.publicKeySHA256)
            let keys = OneKey(period: KeyPeriod(node.period), privateKey: privateKey)
            let (tag, _, outcome) = try Unwrapper(node: id).unwrap(current, keys: keys) { _, _ in false }
            try equal("\(at) replay tag", tag.hex, hop.replayTag)
            switch outcome {
            case .forward(let next, let delay, let packet):
                try equal("\(at) outcome", "forward", hop.outcome)
                try equal("\(at) delay", String(delay), String(hop.delay))
                try equal("\(at) next", next.hex, hop.next)
                try equal("\(at) packet", Digest.sha256(packet).hex, hop.packetSHA256)
                current = packet
            case .deliver(let delay, let content):
                try equal("\(at) outcome", "deliver", hop.outcome)
                try equal("\(at) delay", String(delay), String(hop.delay))
                try equal("\(at) content", Digest.sha256(content).hex, contentSHA256)
            case .reply(let delay, let info, let payload):
                try equal("\(at) outcome", "reply", hop.outcome)
                try equal("\(at) delay", String(delay), String(hop.delay))
                try equal("\(at) info", Hex.encode(info), hop.info)
                try equal("\(at) payload", Digest.sha256(payload).hex, hop.payloadSHA256)
                let parsed = try ReplyInfo(info)
                try equal("\(at) surb id", parsed.id.hex, surbID)
                guard let secret = surbSecret.flatMap(Hex.decode) else {
                    throw VectorMismatch("a reply vector has a secret")
                }
                let (content, _) = try SURBMaker(secret: SymmetricSecret(copying: secret)).open(
                    parsed, payload: payload)
                try equal("content", Digest.sha256(content).hex, contentSHA256)
            }
            guard (index == nodes.count - 1) == (hop.outcome != "forward") else {
                throw VectorMismatch("\(at): the path ends at the wrong hop")
            }
        }
    }

    /// A fresh vector of `hopCount` hops, `kind` being `forward` or `reply`.
    public static func make(kind: String, hopCount: Int, using generator: inout some RandomNumberGenerator) throws
        -> PacketVector
    {
        let geometry = Geometry.suite1
        var nodes: [Node] = []
        var path: [PathHop] = []
        var privateKeys: [OneKey] = []
        for index in 0..<hopCount {
            let seedBytes = generator.bytes(KEM.seedSize)
            var moved = seedBytes
            let privateKey = try KEMPrivateKey(seed: SecretBytes(moving: &moved))
            let id = NodeID.random(using: &generator)
            let period = KeyPeriod(UInt16(2900 + index))
            nodes.append(
                Node(
                    seed: Hex.encode(seedBytes), publicKeySHA256: Digest.sha256(privateKey.publicKey.bytes).hex,
                    id: id.hex,
                    period: period.number))
            path.append(PathHop(node: id, key: privateKey.publicKey, period: period, delay: UInt32(1000 * (index + 1))))
            privateKeys.append(OneKey(period: period, privateKey: privateKey))
        }
        let content = generator.bytes(geometry.contentSize)
        var vector = PacketVector(
            suite: geometry.suite, kind: kind, nodes: nodes, hops: [], packet: "",
            contentSHA256: Digest.sha256(content).hex)
        var current: [UInt8]
        if kind == "reply" {
            let secret = generator.bytes(32)
            let maker = SURBMaker(secret: SymmetricSecret(copying: secret))
            let expiry = Timestamp(seconds: 4_000_000_000)
            let (surb, id) = try maker.make(path: path, address: "box:vector", expiry: expiry, using: &generator)
            current = try surb.makePacket(content: content, at: Timestamp(seconds: 0))
            vector.surb = Hex.encode(surb.encoded)
            vector.surbSecret = Hex.encode(secret)
            vector.surbID = id.hex
        } else {
            current = try PacketBuilder().build(content: content, path: path, using: &generator)
        }
        vector.packet = Hex.encode(current)
        for (hop, keys) in zip(path, privateKeys) {
            let (tag, _, outcome) = try Unwrapper(node: hop.node).unwrap(current, keys: keys) { _, _ in false }
            switch outcome {
            case .forward(let next, let delay, let packet):
                vector.hops.append(
                    Hop(
                        outcome: "forward", replayTag: tag.hex, delay: delay, next: next.hex,
                        packetSHA256: Digest.sha256(packet).hex))
                current = packet
            case .deliver(let delay, _):
                vector.hops.append(Hop(outcome: "deliver", replayTag: tag.hex, delay: delay))
            case .reply(let delay, let info, let payload):
                vector.hops.append(
                    Hop(
                        outcome: "reply", replayTag: tag.hex, delay: delay, info: Hex.encode(info),
                        payloadSHA256: Digest.sha256(payload).hex))
            }
        }
        return vector
    }
}
