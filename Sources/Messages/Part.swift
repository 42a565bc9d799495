// One share of a message with what is needed to find its place: the body of a content of kind 1, and what a sealed part
// holds.

public import WireFormat

/// A share of a message.
///
///     message id 16 | group u16 | groups u16 | k u8 | n u8 | index u8 | zero u8 | message length u32 | share
///
/// Only id, group, index and length are free; the rest follows from the length and is checked.
public struct Part: Hashable, Sendable {
    /// The message's name, the same in all of its parts.
    public let id: MessageID
    /// The cut that the part belongs to. Parts of one message have equal layouts.
    public let layout: PartLayout
    /// The share's group.
    public let group: PartLayout.Group
    /// The share's place in its group: below k a piece of the message, from k on redundancy.
    public let index: Int
    /// The share, `layout.shareSize` bytes.
    public let share: [UInt8]

    /// Checks group, index and size against the layout.
    public init(id: MessageID, layout: PartLayout, group: Int, index: Int, share: [UInt8]) throws(PayloadError) {
        guard let group = layout.group(group), index >= 0, index < group.totalShares else { throw .inconsistentPart }
        guard share.count == layout.shareSize else { throw .shareSize }
        self.id = id
        self.layout = layout
        self.group = group
        self.index = index
        self.share = share
    }

    /// Bytes of the wire form.
    public var encodedSize: Int { PayloadSize.partHeader + share.count }

    /// The wire form, 28 bytes and the share.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: encodedSize)
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout WireWriter) {
        writer.fixed(id)
        // The layout bounds each of these: groups below 65,536, shares below 88, length to 32 bits.
        writer.integer(UInt16(group.number))
        writer.integer(UInt16(layout.groups))
        writer.integer(UInt8(group.dataShares))
        writer.integer(UInt8(group.totalShares))
        writer.integer(UInt8(index))
        writer.integer(0 as UInt8)
        writer.integer(UInt32(layout.messageLength))
        writer.append(share)
    }

    /// Reads a part that fills `bytes`. `limit` bounds the message's length.
    public init(
        decoding bytes: ArraySlice<UInt8>, capacity: ShareCapacity = .full, limit: Int = MessageLimits.encoded
    ) throws(PayloadError) {
        var reader = WireReader(bytes)
        let fields: Fields
        do throws(WireError) {
            fields = try Fields(from: &reader)
        } catch {
            throw error == .nonZeroReserved ? .nonZeroPadding : .wrongLength
        }
        let layout = try PartLayout(messageLength: Int(fields.messageLength), capacity: capacity, limit: limit)
        guard Int(fields.groups) == layout.groups, let group = layout.group(Int(fields.group)),
            Int(fields.k) == group.dataShares, Int(fields.n) == group.totalShares
        else { throw .inconsistentPart }
        try self.init(
            id: fields.id, layout: layout, group: group.number, index: Int(fields.index), share: Array(reader.rest()))
    }

    /// The header as it is read, nothing checked but the reserved byte.
    private struct Fields {
        let id: MessageID
        let group, groups: UInt16
        let k, n, index: UInt8
        let messageLength: UInt32

        init(from reader: inout WireReader) throws(WireError) {
            id = try reader.fixed()
            group = try reader.integer()
            groups = try reader.integer()
            k = try reader.integer()
            n = try reader.integer()
            index = try reader.integer()
            try reader.zeros(1)
            messageLength = try reader.integer()
        }
    }
}
