// What a node finds in the payload of a packet that ends there: always 25,620 bytes, whatever it is.

public import MixCrypto
public import WireFormat

/// What stands in a dummy: the name by which a node knows its own loop again, or random bytes. 32 bytes.
public struct LoopID: FixedBytes {
    public static let byteCount = 32
    public var storage = Words32()
    public init() {}
}

/// A request to put a sealed part into a new packet and send it through a reply block.
///
///     first node id 32 | header 7116 | payload key 32 | sealed part, 1 to 18436 bytes
public struct Injection: Sendable {
    /// The node to send the new packet to.
    public let firstNode: NodeID
    /// The new packet's header, 7,116 bytes, out of the reply block.
    public let header: [UInt8]
    /// The reply block's payload key (32 bytes), with which the injecting node encrypts the new payload.
    public let payloadKey: SymmetricSecret
    /// Goes into the new payload as a content of kind 3. The injecting node cannot open it.
    public let sealedPart: [UInt8]

    /// Checks the sizes; `wrongLength` if one is off.
    public init(
        firstNode: NodeID, header: [UInt8], payloadKey: SymmetricSecret, sealedPart: [UInt8]
    ) throws(PayloadError) {
        guard header.count == PayloadSize.packetHeader, payloadKey.withBytes({ $0.count }) == 32,
            (1...PayloadSize.sealedPart).contains(sealedPart.count)
        else { throw .wrongLength }
        self.firstNode = firstNode
        self.header = header
        self.payloadKey = payloadKey
        self.sealedPart = sealedPart
    }
}

/// The content of a payload.
///
///     version 1 u8 | kind u8 | length u16 | body | zeros to 25620
public enum PayloadContent: Sendable {
    /// Kind 0, body 32 bytes: cover traffic.
    case dummy(LoopID)
    /// Kind 1, body 29 to 25,616 bytes: a part of a message for the node itself, or for the reply block's creator.
    case part(Part)
    /// Kind 2, body 7,181 to 25,616 bytes: for a node that helps a reply on its way.
    case inject(Injection)
    /// Kind 3, body 1 to 18,436 bytes: a part for the reply block's creator that the injecting node could not read
    /// (`SealedPart`).
    case sealed([UInt8])

    /// Version of the format.
    public static let version: UInt8 = 1

    /// The content, exactly 25,620 bytes. Throws for a part that is too large for a payload (`shareSize`) and a sealed
    /// part outside 1 to 18,436 bytes (`wrongLength`).
    public func encoded() throws(PayloadError) -> [UInt8] {
        var body = WireWriter(capacity: PayloadSize.body)
        let kind: UInt8
        switch self {
        case .dummy(let id):
            kind = 0
            body.fixed(id)
        case .part(let part):
            kind = 1
            // Whoever reads a content of kind 1 derives the layout with the full capacity.
            guard part.layout.capacity == .full else { throw .shareSize }
            part.write(to: &body)
        case .inject(let injection):
            kind = 2
            body.fixed(injection.firstNode)
            body.append(injection.header)
            injection.payloadKey.withBytes { body.append($0) }
            body.append(injection.sealedPart)
        case .sealed(let sealed):
            kind = 3
            guard (1...PayloadSize.sealedPart).contains(sealed.count) else { throw .wrongLength }
            body.append(sealed)
        }
        guard body.bytes.count <= PayloadSize.body else { throw .wrongLength }
        var content = WireWriter(capacity: PayloadSize.content)
        content.integer(Self.version)
        content.integer(kind)
        content.integer(UInt16(body.bytes.count))
        content.append(body.bytes)
        content.zeros(PayloadSize.content - content.bytes.count)
        return content.bytes
    }

    /// Reads a content. Refuses any size but 25,620, other versions and kinds, lengths that the kind does not have, and
    /// padding that is not zero. `limit` bounds the length of the message that a part belongs to.
    public init(decoding bytes: ArraySlice<UInt8>, limit: Int = MessageLimits.encoded) throws(PayloadError) {
        guard bytes.count == PayloadSize.content else { throw .wrongSize }
        let start = bytes.startIndex
        guard bytes[start] == Self.version else { throw .unknownVersion }
        let kind = bytes[start + 1]
        let length = Int(bytes[start + 2]) << 8 | Int(bytes[start + 3])
        guard length <= PayloadSize.body else { throw .wrongLength }
        let body = bytes[(start + PayloadSize.contentHeader)...].prefix(length)
        switch kind {
        case 0:
            guard let id = LoopID(body) else { throw .wrongLength }
            self = .dummy(id)
        case 1:
            self = .part(try Part(decoding: body, limit: limit))
        case 2:
            self = .inject(try Self.injection(body))
        case 3:
            guard (1...PayloadSize.sealedPart).contains(length) else { throw .wrongLength }
            self = .sealed(Array(body))
        default: throw .unknownKind
        }
        guard bytes[body.endIndex...].allSatisfy({ $0 == 0 }) else { throw .nonZeroPadding }
    }

    /// Reads a content.
    public init(decoding bytes: [UInt8], limit: Int = MessageLimits.encoded) throws(PayloadError) {
        try self.init(decoding: bytes[...], limit: limit)
    }

    private static func injection(_ body: ArraySlice<UInt8>) throws(PayloadError) -> Injection {
        var reader = WireReader(body)
        let node: NodeID
        let header: ArraySlice<UInt8>
        let key: ArraySlice<UInt8>
        do throws(WireError) {
            node = try reader.fixed()
            header = try reader.slice(PayloadSize.packetHeader)
            key = try reader.slice(32)
        } catch {
            throw .wrongLength
        }
        return try Injection(
            firstNode: node, header: Array(header), payloadKey: SymmetricSecret(copying: key),
            sealedPart: Array(reader.rest()))
    }
}
