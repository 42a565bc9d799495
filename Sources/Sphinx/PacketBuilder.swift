internal import MixCrypto
internal import WireFormat

/// Makes forward packets.
public struct PacketBuilder: Sendable {
    /// The lengths to build for.
    public let geometry: Geometry

    public init(geometry: Geometry = .suite1) { self.geometry = geometry }

    /// A packet of 32768 bytes that carries `content` (25620 bytes) along `path` (1 to 5 hops).
    /// - Throws: `BuildError`.
    public func build(
        content: [UInt8], path: [PathHop], using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8] {
        guard content.count == geometry.contentSize else { throw BuildError.contentSize(content.count) }
        let header = try HeaderBuilder(geometry: geometry).build(path: path, last: .deliver, using: &generator)
        var packet = header.bytes
        packet.reserveCapacity(geometry.packetSize)
        packet.append(contentsOf: repeatElement(0, count: geometry.keySize))
        packet.append(contentsOf: content)
        packet.withUnsafeMutableBytes { bytes in
            let payload = UnsafeMutableRawBufferPointer(rebasing: bytes[geometry.headerSize...])
            for key in header.payloadKeys.reversed() { WideBlock(key: key).encrypt(payload) }
        }
        return packet
    }
}
