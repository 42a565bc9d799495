internal import WireFormat

/// Bytes of a sealed mail that the owner wants, again or for the first time.
///
///     item u64 | offset u32 | length u32
public struct NymRange: Hashable, Sendable {
    public let item: UInt64
    public let offset: UInt32
    /// `UInt32.max` for all that follows.
    public let length: UInt32

    public init(item: UInt64, offset: UInt32 = 0, length: UInt32 = .max) {
        self.item = item
        self.offset = offset
        self.length = length
    }

    /// The range within an item of `total` bytes; nil if it has none of them.
    public func range(of total: UInt32) -> Range<UInt32>? {
        guard offset < total, length > 0 else { return nil }
        return offset..<(offset + min(length, total - offset))
    }

    func write(to writer: inout WireWriter) {
        writer.integer(item)
        writer.integer(offset)
        writer.integer(length)
    }

    init(from reader: inout WireReader) throws {
        self.init(item: try reader.integer(), offset: try reader.integer(), length: try reader.integer())
    }
}
