internal import WireFormat

/// What an item is.
public enum NymItemKind: UInt8, Hashable, Sendable, CaseIterable {
    /// A mail, sealed by `NymSeal`.
    case mail = 1
    /// A sealed `NymSynopsis` of the mail with the same number.
    case synopsis = 2
    /// A sealed mail of the server itself.
    case notice = 3
}

/// Bytes of a sealed item.
///
///     item u64 | kind u8 | total u32 | offset u32 | length u16 | bytes
public struct NymRecord: Hashable, Sendable {
    /// The item's number in its account, ascending from 1.
    public let item: UInt64
    public let kind: NymItemKind
    /// Bytes of the whole sealed item.
    public let total: UInt32
    /// Where these stand in it.
    public let offset: UInt32
    /// At least one.
    public let bytes: [UInt8]

    /// Before the bytes.
    public static let overhead = 19
    /// Longest sealed item: 32 MiB. What a server takes is less.
    public static let largestItem: UInt32 = 32 << 20

    /// `malformed` for bytes that are not within the item.
    public init(
        item: UInt64, kind: NymItemKind, total: UInt32, offset: UInt32, bytes: [UInt8]
    ) throws(NymError) {
        guard !bytes.isEmpty, bytes.count <= NymPacket.size, total <= Self.largestItem, offset <= total,
            bytes.count <= Int(total - offset)
        else { throw .malformed }
        self.item = item
        self.kind = kind
        self.total = total
        self.offset = offset
        self.bytes = bytes
    }

    func write(to writer: inout WireWriter) {
        writer.integer(item)
        writer.integer(kind.rawValue)
        writer.integer(total)
        writer.integer(offset)
        writer.integer(UInt16(bytes.count))
        writer.append(bytes)
    }

    init(from reader: inout WireReader) throws {
        let item = try reader.integer(UInt64.self)
        guard let kind = NymItemKind(rawValue: try reader.integer()) else { throw WireError.unknownValue }
        let total = try reader.integer(UInt32.self)
        let offset = try reader.integer(UInt32.self)
        let bytes = Array(try reader.slice(Int(try reader.integer(UInt16.self))))
        try self.init(item: item, kind: kind, total: total, offset: offset, bytes: bytes)
    }
}
