// Messages that are too large to be held more than once: encoded straight into a file, and cut out of it group by group.

public import WireFormat

/// The cut of one message: turns the bytes of a group into its parts.
public struct MessageCut: Hashable, Sendable {
    /// The message's name.
    public let id: MessageID
    /// How it is cut.
    public let layout: PartLayout

    public init(id: MessageID, layout: PartLayout) {
        self.id = id
        self.layout = layout
    }

    /// All n parts of `group`, in the order of their indices.
    /// - Parameter data: the group's `length` bytes of the message, from its `offset` on; for any other number of bytes
    ///   there are no parts.
    public func parts(of group: PartLayout.Group, data: [UInt8]) -> [Part] {
        guard data.count == group.length, layout.group(group.number) == group else { return [] }
        let data = data + [UInt8](repeating: 0, count: group.dataShares * layout.shareSize - group.length)
        do {
            let shares = try ErasureCode(dataShares: group.dataShares, totalShares: group.totalShares).encode(data)
            return try shares.enumerated().map { index, share in
                try Part(id: id, layout: layout, group: group.number, index: index, share: share)
            }
        } catch {
            // Sizes of data, code and parts all come from the one layout.
            preconditionFailure("a group's layout does not fit its code: \(error)")
        }
    }
}

extension MessageEncoder {
    /// Gives the encoded message, byte for byte that of `encode`, in pieces of at most 64 KiB, and holds no more of it.
    /// A body that is compressed is compressed twice: first to see whether it pays.
    /// - Throws: `MessageError.bodyTooLarge` before `sink` has got anything, and what `sink` throws.
    public static func write(
        _ envelope: Envelope, body: [UInt8], capacity: ShareCapacity = .full, limit: Int = MessageLimits.body,
        to sink: ([UInt8]) throws -> Void
    ) throws {
        guard body.count <= limit, body.count <= UInt32.max else { throw MessageError.bodyTooLarge(limit: limit) }
        let encodedEnvelope = envelope.encoded
        let isCompressed = try paysToCompress(body, behind: encodedEnvelope.count, capacity)
        var writer = WireWriter(capacity: MessageLimits.messageHeader + encodedEnvelope.count)
        writer.integer(version)
        writer.integer(isCompressed ? compressedFlag : 0)
        writer.integer(UInt32(encodedEnvelope.count))
        writer.integer(UInt32(body.count))
        writer.append(encodedEnvelope)
        try sink(writer.bytes)
        if isCompressed {
            var deflater = try Deflater()
            try deflater.deflate(body, to: sink)
            return
        }
        for start in stride(from: 0, to: body.count, by: MessageLimits.bodyChunk) {
            try sink(Array(body[start..<min(start + MessageLimits.bodyChunk, body.count)]))
        }
    }

    /// Whether compression saves a share.
    private static func paysToCompress(_ body: [UInt8], behind envelope: Int, _ capacity: ShareCapacity) throws -> Bool
    {
        let fixed = MessageLimits.messageHeader + envelope
        guard fixed + body.count > capacity.rawValue else { return false }
        var length = 0
        var deflater = try Deflater()
        try deflater.deflate(body) { length += $0.count }
        return (fixed + length - 1) / capacity.rawValue < (fixed + body.count - 1) / capacity.rawValue
            && Compression.mayInflate(length, to: body.count)
    }
}
