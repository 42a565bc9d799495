// From an envelope and a body to the bytes that are cut into parts.

public import WireFormat

/// Makes encoded messages.
///
///     version 1 u8 | flags u8 | envelope length u32 | body length u32 | envelope | body or compressed body
///
/// The body length is that of the body itself. Flag 1: the rest behind the envelope is the body in zlib form. Only the
/// body is compressed: envelopes are short or full of reply blocks, which are random bytes, and with the envelope and
/// both lengths in the clear a receiver can refuse a message before zlib has seen any of it.
public enum MessageEncoder {
    static let version: UInt8 = 1
    static let compressedFlag: UInt8 = 1

    /// The encoded message; `bodyTooLarge` if the body exceeds `limit` bytes. The body is compressed if that saves a
    /// share: packets are all of one size, so that shortening a message within its last one would gain nothing.
    public static func encode(
        _ envelope: Envelope, body: [UInt8], capacity: ShareCapacity = .full, limit: Int = MessageLimits.body
    ) throws(MessageError) -> [UInt8] {
        guard body.count <= limit, body.count <= UInt32.max else { throw .bodyTooLarge(limit: limit) }
        let encodedEnvelope = envelope.encoded
        let fixed = MessageLimits.messageHeader + encodedEnvelope.count
        var flags: UInt8 = 0
        var payload = body
        if fixed + body.count > capacity.rawValue, let compressed = Compression.deflate(body),
            (fixed + compressed.count - 1) / capacity.rawValue < (fixed + body.count - 1) / capacity.rawValue,
            Compression.mayInflate(compressed.count, to: body.count)
        {
            flags = compressedFlag
            payload = compressed
        }
        var writer = WireWriter(capacity: fixed + payload.count)
        writer.integer(version)
        writer.integer(flags)
        writer.integer(UInt32(encodedEnvelope.count))
        writer.integer(UInt32(body.count))
        writer.append(encodedEnvelope)
        writer.append(payload)
        return writer.bytes
    }

    /// The parts of an encoded message, under a fresh random message id.
    public static func parts(
        of encoded: [UInt8], capacity: ShareCapacity = .full, limit: Int = MessageLimits.encoded,
        using rng: inout some RandomNumberGenerator
    ) throws(PayloadError) -> MessageParts {
        try MessageParts(encoded, id: .random(using: &rng), capacity: capacity, limit: limit)
    }
}

/// The parts of a message, group by group: a sequence of arrays of n parts, each made when it is asked for, so that the
/// shares of one group (at most 87 of 25,588 bytes) are all that is held beside the message.
public struct MessageParts: Sequence, Sendable {
    /// The message's name.
    public let id: MessageID
    /// The cut.
    public let layout: PartLayout
    private let encoded: [UInt8]

    /// The parts of `encoded` under `id`.
    public init(
        _ encoded: [UInt8], id: MessageID, capacity: ShareCapacity = .full, limit: Int = MessageLimits.encoded
    ) throws(PayloadError) {
        layout = try PartLayout(messageLength: encoded.count, capacity: capacity, limit: limit)
        self.id = id
        self.encoded = encoded
    }

    /// All n parts of a group, in the order of their indices; empty if there is no such group.
    public func parts(ofGroup number: Int) -> [Part] {
        guard let group = layout.group(number) else { return [] }
        return MessageCut(id: id, layout: layout).parts(
            of: group, data: Array(encoded[group.offset..<group.offset + group.length]))
    }

    public func makeIterator() -> Iterator { Iterator(parts: self) }

    /// Walks over the groups.
    public struct Iterator: IteratorProtocol, Sendable {
        private let parts: MessageParts
        private var group = 0

        init(parts: MessageParts) { self.parts = parts }

        public mutating func next() -> [Part]? {
            guard group < parts.layout.groups else { return nil }
            defer { group += 1 }
            return parts.parts(ofGroup: group)
        }
    }
}
