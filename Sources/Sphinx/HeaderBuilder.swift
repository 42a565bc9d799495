// Building a header (doc/PACKET.md, building). One builder serves forward packets and SURBs: that they come out of the
// same code with the same sizes is why no hop can tell them apart.

internal import MixCrypto
internal import WireFormat

struct BuiltHeader {
    /// 7116 bytes.
    var bytes: [UInt8]
    /// The payload key of each hop, first hop first.
    var payloadKeys: [SymmetricSecret]
}

/// What the last block says.
enum FinalBlock {
    case deliver
    /// SURB id, sealed keys and address are made from the payload keys, which exist only once the hops have been encapsulated to.
    case reply(info: (_ payloadKeys: [SymmetricSecret]) throws -> [UInt8])

    var kind: UInt8 {
        switch self {
        case .deliver: 1
        case .reply: 2
        }
    }
}

struct HeaderBuilder {
    let geometry: Geometry

    func build(path: [PathHop], last: FinalBlock, using generator: inout some RandomNumberGenerator) throws
        -> BuiltHeader
    {
        let g = geometry
        guard (1...g.maximumHops).contains(path.count) else { throw BuildError.hopCount(path.count) }
        var ciphertexts: [[UInt8]] = []
        var keys: [HopKeys] = []
        for hop in path {
            do {
                let (ciphertext, secret) = try hop.key.encapsulate()
                ciphertexts.append(ciphertext)
                keys.append(HopKeys(secret: secret, node: hop.node, period: hop.period))
            } catch {
                throw BuildError.badKey(hop.node)
            }
        }
        let streams = keys.map { $0.stream.stream(g.routingSize + g.blockSize) }
        let payloadKeys = keys.map(\.payload)

        var filler: [UInt8] = []
        for index in 0..<path.count - 1 {
            filler.append(contentsOf: repeatElement(0, count: g.blockSize))
            let tail = streams[index][(g.routingSize - g.blockSize * index)...]
            Self.xor(&filler, tail)
        }

        let lastIndex = path.count - 1
        var info: [UInt8] = []
        if case .reply(let makeInfo) = last { info = try makeInfo(payloadKeys) }
        guard info.count <= g.infoSize else { throw BuildError.addressSize(info.count) }
        var block = WireWriter(capacity: g.routingSize)
        block.integer(last.kind)
        block.zeros(1)
        block.integer(UInt16(info.count))
        block.integer(path[lastIndex].delay)
        block.append(info)
        block.zeros(g.infoSize - info.count)
        // Random, not zero, so that the last hop cannot count the unused blocks.
        block.append(generator.bytes((g.maximumHops - path.count) * g.blockSize))
        var routing = block.bytes
        Self.xor(&routing, streams[lastIndex][..<routing.count])
        routing += filler
        var mac = authenticate(path[lastIndex], keys[lastIndex], ciphertexts[lastIndex], routing)

        for index in stride(from: lastIndex - 1, through: 0, by: -1) {
            let next = path[index + 1]
            var block = WireWriter(capacity: g.routingSize)
            block.zeros(2)
            block.integer(next.period.number)
            block.integer(path[index].delay)
            block.fixed(next.node)
            block.append(ciphertexts[index + 1])
            block.fixed(mac)
            block.append(routing[..<(g.routingSize - g.blockSize)])
            routing = block.bytes
            Self.xor(&routing, streams[index][..<routing.count])
            mac = authenticate(path[index], keys[index], ciphertexts[index], routing)
        }
        var header = WireWriter(capacity: g.headerSize)
        header.append(prefix(path[0].period))
        header.append(ciphertexts[0])
        header.append(routing)
        header.fixed(mac)
        return BuiltHeader(bytes: header.bytes, payloadKeys: payloadKeys)
    }

    /// XORs a stream of the same length onto `bytes`.
    private static func xor(_ bytes: inout [UInt8], _ stream: ArraySlice<UInt8>) {
        precondition(bytes.count == stream.count, "a stream is as long as what it hides")
        bytes.withUnsafeMutableBytes { bytes in
            stream.withUnsafeBytes { stream in for index in bytes.indices { bytes[index] ^= stream[index] } }
        }
    }

    private func prefix(_ period: KeyPeriod) -> [UInt8] {
        [geometry.suite, 0, UInt8(period.number >> 8), UInt8(period.number & 255)]
    }

    private func authenticate(_ hop: PathHop, _ keys: HopKeys, _ ciphertext: [UInt8], _ routing: [UInt8]) -> Digest {
        (prefix(hop.period) + ciphertext + routing).withUnsafeBytes { keys.mac.mac($0) }
    }
}
