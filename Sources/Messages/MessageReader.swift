// Reading a message as it comes off a disk: the envelope first, then the body in pieces. Everything in it is hostile
// until it has passed here.

/// Reads one encoded message in pieces, holding at most its envelope (256 KiB), one chunk of the source and one of the
/// body (64 KiB).
///
/// The bytes come from a closure that gives the next ones, in chunks of any size, and nil at the end; it is passed to
/// each call, so that it may use what the caller holds, and what it throws comes through.
public struct MessageReader: ~Copyable, Sendable {
    /// Gives the next bytes of the message, nil behind the last.
    public typealias Source = () throws -> [UInt8]?

    private enum Phase { case header, body, finished }

    private var phase = Phase.header
    /// There while a compressed body is read.
    private var inflater: Inflater?
    private let bodyLimit: Int
    /// Bytes of the message that the source has not given yet.
    private var unread: Int
    private var pending: ArraySlice<UInt8> = []
    private var bodyRemaining = 0
    /// Bytes of the body once the envelope is read; inflated, as the message promises. Delivery ends with exactly so
    /// many, or with an error.
    public private(set) var bodyLength = 0

    /// A reader of a message of `length` bytes (`PartLayout.messageLength`) whose body may have `bodyLimit`.
    public init(length: Int, bodyLimit: Int = MessageLimits.body) {
        unread = length
        self.bodyLimit = bodyLimit
    }

    /// Reads up to the end of the envelope. Call once, first. All lengths are checked against each other and the
    /// limits here: a message that would inflate too far is refused before anything is inflated.
    public mutating func envelope(from source: Source) throws -> Envelope {
        guard phase == .header else { preconditionFailure("the envelope was read already") }
        let total = unread
        let header = try take(MessageLimits.messageHeader, from: source)
        guard header[0] == MessageEncoder.version else { throw MessageError.unknownVersion }
        guard header[1] & ~MessageEncoder.compressedFlag == 0 else { throw MessageError.unknownFlags }
        let isCompressed = header[1] != 0
        let envelopeLength = header[2..<6].reduce(0) { $0 << 8 | Int($1) }
        bodyLength = header[6..<10].reduce(0) { $0 << 8 | Int($1) }
        guard envelopeLength <= MessageLimits.envelope else { throw MessageError.envelopeTooLarge }
        guard bodyLength <= bodyLimit else { throw MessageError.bodyTooLarge(limit: bodyLimit) }
        let rest = total - MessageLimits.messageHeader - envelopeLength
        guard rest >= 0 else { throw MessageError.truncated }
        if isCompressed {
            guard rest < bodyLength else { throw MessageError.malformedCompression }
            guard Compression.mayInflate(rest, to: bodyLength) else { throw MessageError.inflatesTooFar }
        } else if rest != bodyLength {
            throw rest < bodyLength ? MessageError.truncated : MessageError.trailingBytes
        }
        let envelope: Envelope
        let bytes = try take(envelopeLength, from: source)
        do throws(EnvelopeError) {
            envelope = try Envelope(decoding: bytes[...])
        } catch {
            throw MessageError.envelope(error)
        }
        bodyRemaining = bodyLength
        if isCompressed { inflater = try Inflater() }
        phase = .body
        return envelope
    }

    /// The next bytes of the body, 1 to 65,536; nil when the body is complete and nothing follows it. Use nothing of a
    /// body before that nil: what came before an error is part of no message.
    public mutating func nextBodyChunk(from source: Source) throws -> [UInt8]? {
        switch phase {
        case .header: preconditionFailure("read the envelope first")
        case .body: return inflater == nil ? try plainChunk(from: source) : try inflatedChunk(from: source)
        case .finished: return nil
        }
    }

    private mutating func plainChunk(from source: Source) throws -> [UInt8]? {
        guard bodyRemaining > 0 else {
            try checkEnd(of: source)
            phase = .finished
            return nil
        }
        try fill(from: source)
        let chunk = Array(pending.prefix(MessageLimits.bodyChunk))
        pending = pending.dropFirst(chunk.count)
        bodyRemaining -= chunk.count
        return chunk
    }

    private mutating func inflatedChunk(from source: Source) throws -> [UInt8]? {
        while true {
            if pending.isEmpty, unread > 0 { try fill(from: source) }
            // One byte of room behind the promised length shows whether the stream goes on.
            let room = max(1, min(MessageLimits.bodyChunk, bodyRemaining))
            guard let step = try inflater?.step(pending, limit: room) else { return nil }
            pending = pending.dropFirst(step.consumed)
            guard step.output.count <= bodyRemaining else { throw MessageError.malformedCompression }
            bodyRemaining -= step.output.count
            if step.ended {
                guard bodyRemaining == 0 else { throw MessageError.malformedCompression }
                try checkEnd(of: source)
                phase = .finished
                return step.output.isEmpty ? nil : step.output
            }
            if !step.output.isEmpty { return step.output }
            guard step.consumed > 0 || unread > 0 else { throw MessageError.truncated }
        }
    }

    /// Gets exactly `count` bytes.
    private mutating func take(_ count: Int, from source: Source) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            if pending.isEmpty { try fill(from: source) }
            let piece = pending.prefix(count - bytes.count)
            bytes += piece
            pending = pending.dropFirst(piece.count)
        }
        return bytes
    }

    /// Makes `pending` hold at least a byte.
    private mutating func fill(from source: Source) throws {
        while pending.isEmpty {
            guard unread > 0, let chunk = try source() else { throw MessageError.truncated }
            guard chunk.count <= unread else { throw MessageError.trailingBytes }
            unread -= chunk.count
            pending = chunk[...]
        }
    }

    /// Checks that message and source end together.
    private mutating func checkEnd(of source: Source) throws {
        guard pending.isEmpty, unread == 0 else { throw MessageError.trailingBytes }
        while let chunk = try source() {
            guard chunk.isEmpty else { throw MessageError.trailingBytes }
        }
    }
}
