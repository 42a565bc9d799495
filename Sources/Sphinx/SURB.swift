// Single-use reply blocks (doc/PACKET.md, SURBs). They need no state at their maker: what opens the answer travels in
// the header's last block, sealed under a secret of the maker's identity.

public import MixCrypto
public import WireFormat

/// Why bytes are not a usable SURB, or an answer cannot be opened.
public enum SURBError: Error, Equatable, Sendable {
    /// Not the encoding of a SURB of a version that we know.
    case malformed
    /// Its keys are no longer accepted by the nodes on its path.
    case expired(Timestamp)
    /// The answer was not made with a SURB of this identity, or its info has been changed.
    case notOurs
    /// The answer's payload has been changed on its way.
    case damaged
}

/// A reply block: sends one packet to somebody unknown.
public struct SURB: Sendable {
    /// When the first key of its path stops being accepted; whole seconds.
    public let expiry: Timestamp
    /// The node to give the packet to.
    public let first: NodeID
    /// 7116 bytes.
    public let header: [UInt8]
    /// Encrypts the payload for the path (32 bytes).
    public let payloadKey: SymmetricSecret
    /// Seals a part when another node injects it (32 bytes).
    public let messageKey: SymmetricSecret

    /// Decodes 7224 bytes.
    public init(_ bytes: [UInt8], geometry: Geometry = .suite1) throws(SURBError) {
        guard bytes.count == geometry.surbSize else { throw .malformed }
        do {
            var reader = WireReader(bytes)
            guard try reader.integer(UInt8.self) == 1 else { throw WireError.unknownValue }
            try reader.zeros(3)
            guard let seconds = Int64(exactly: try reader.integer(UInt64.self)) else { throw WireError.unknownValue }
            expiry = Timestamp(seconds: seconds)
            first = try reader.fixed()
            header = Array(try reader.slice(geometry.headerSize))
            payloadKey = SymmetricSecret(copying: try reader.slice(geometry.keySize))
            messageKey = SymmetricSecret(copying: try reader.slice(geometry.keySize))
            try reader.end()
        } catch {
            throw .malformed
        }
    }

    init(expiry: Timestamp, first: NodeID, header: [UInt8], payloadKey: SymmetricSecret, messageKey: SymmetricSecret) {
        self.expiry = expiry
        self.first = first
        self.header = header
        self.payloadKey = payloadKey
        self.messageKey = messageKey
    }

    /// The 7224 bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Geometry.suite1.surbSize)
        writer.integer(UInt8(1))
        writer.zeros(3)
        writer.integer(UInt64(max(0, expiry.seconds)))
        writer.fixed(first)
        writer.append(header)
        payloadKey.withBytes { writer.append($0) }
        messageKey.withBytes { writer.append($0) }
        return writer.bytes
    }

    /// The packet (32768 bytes) that carries `content` (25620 bytes) back, to be given to `first`.
    /// - Throws: `SURBError.expired`, `BuildError.contentSize`.
    public func makePacket(content: [UInt8], at now: Timestamp, geometry: Geometry = .suite1) throws -> [UInt8] {
        guard now < expiry else { throw SURBError.expired(expiry) }
        guard content.count == geometry.contentSize else { throw BuildError.contentSize(content.count) }
        var packet = header
        packet.reserveCapacity(geometry.packetSize)
        packet.append(contentsOf: repeatElement(0, count: geometry.keySize))
        packet.append(contentsOf: content)
        packet.withUnsafeMutableBytes { bytes in
            WideBlock(key: payloadKey).encrypt(UnsafeMutableRawBufferPointer(rebasing: bytes[geometry.headerSize...]))
        }
        return packet
    }
}

/// What stands in the last block of a reply packet: 16 | 241 | the rest.
public struct ReplyInfo: Sendable {
    /// Names the SURB.
    public let id: SURBID
    /// What opens the answer, sealed to the SURB's maker.
    public let sealedKeys: [UInt8]
    /// Where the last node takes the answer.
    public let address: String

    /// Parses info as `Outcome.reply` gives it.
    public init(_ bytes: [UInt8], geometry: Geometry = .suite1) throws(SURBError) {
        do {
            var reader = WireReader(bytes)
            id = try reader.fixed()
            sealedKeys = Array(try reader.slice(geometry.surbSealedSize))
            address = try reader.text(reader.remaining)
        } catch {
            throw .malformed
        }
    }

    init(id: SURBID, sealedKeys: [UInt8], address: String) {
        self.id = id
        self.sealedKeys = sealedKeys
        self.address = address
    }

    var encoded: [UInt8] { id.bytes + sealedKeys + Array(address.utf8) }
}
