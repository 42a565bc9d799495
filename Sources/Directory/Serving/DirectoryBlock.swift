// The block that answers a DIRECTORY frame. Its size does not depend on what it says. Like the question it is padded with
// zeros, which must be zeros.

public import WireFormat

/// The answer to a `DirectoryRequest`: a piece of what was asked for, and always the newest consensus that the answerer knows.
public struct DirectoryBlock: Hashable, Sendable {
    public enum Status: UInt8, CaseIterable, Sendable {
        case ok = 0
        /// The node does not have it, or it has no such block.
        case unknown
        /// Not now.
        case busy
    }

    /// Bytes of a block.
    public static let size = 32_768
    /// Version, status, flag, zero, number, total, link.
    static let headerSize = 4 + 4 + 4 + ConsensusLink.wireSize
    /// Most bytes of the subject in one block: 32,716.
    public static let capacity = size - headerSize
    /// Most bytes of a subject; what claims to be larger is refused. A bundle of all descriptors is the largest.
    public static let maximumTotal = 48 << 20
    static let version: UInt8 = 1

    public let status: Status
    /// The newest certified consensus that the answerer has.
    public let newest: ConsensusLink?
    /// Number of the block, 0 unless the status is `ok`.
    public let block: UInt32
    /// Bytes of the whole subject; 0 unless the status is `ok`.
    public let total: UInt32
    /// This block's part of them: `capacity` bytes in all but the last block.
    public let bytes: [UInt8]

    /// How many blocks so many bytes are.
    public static func count(of total: Int) -> Int { (total + capacity - 1) / capacity }

    /// Which bytes of `total` are in `block`; nil if there is no such block.
    public static func range(of block: UInt32, total: Int) -> Range<Int>? {
        guard (1...maximumTotal).contains(total), Int(block) < count(of: total) else { return nil }
        let start = Int(block) * capacity
        return start..<min(start + capacity, total)
    }

    /// A piece of the subject; nil if `bytes` is not what `range(of:total:)` says.
    public init?(_ bytes: [UInt8], block: UInt32, total: Int, newest: ConsensusLink?) {
        guard let range = Self.range(of: block, total: total), range.count == bytes.count else { return nil }
        status = .ok
        self.bytes = bytes
        self.block = block
        self.total = UInt32(total)
        self.newest = newest
    }

    /// An answer without a piece.
    public static func without(_ status: Failure, newest: ConsensusLink?) -> DirectoryBlock {
        DirectoryBlock(status == .busy ? .busy : .unknown, newest: newest)
    }

    /// Why there is no piece.
    public enum Failure: Sendable {
        case unknown, busy
    }

    private init(_ status: Status, newest: ConsensusLink?) {
        self.status = status
        self.newest = newest
        block = 0
        total = 0
        bytes = []
    }

    /// The block, `size` bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.size)
        writer.integer(Self.version)
        writer.integer(status.rawValue)
        writer.integer(newest == nil ? 0 : 1 as UInt8)
        writer.integer(0 as UInt8)
        writer.integer(block)
        writer.integer(total)
        writer.link(newest)
        writer.append(bytes)
        writer.zeros(Self.size - writer.bytes.count)
        return writer.bytes
    }

    /// Reads a block. Throws on any other byte string than one that `encoded` gives.
    public init(decoding encoded: [UInt8]) throws(WireError) {
        guard encoded.count <= Self.size else { throw .trailingBytes }
        var reader = WireReader(encoded)
        guard try reader.integer(UInt8.self) == Self.version else { throw .unknownValue }
        guard let status = Status(rawValue: try reader.integer()) else { throw .unknownValue }
        let hasLink = try reader.flag()
        try reader.zeros(1)
        self.status = status
        block = try reader.integer()
        total = try reader.integer()
        newest = try reader.link(isPresent: hasLink)
        guard encoded.count == Self.size else { throw .truncated }
        if status == .ok {
            guard let range = Self.range(of: block, total: Int(total)) else { throw .unknownValue }
            bytes = Array(try reader.slice(range.count))
        } else {
            guard block == 0, total == 0 else { throw .nonZeroReserved }
            bytes = []
        }
        try reader.zeros(reader.remaining)
    }
}
