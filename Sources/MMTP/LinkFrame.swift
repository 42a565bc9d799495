// What a dialer sends (MMTP, frames): 4 bytes of header and a body of one packet's size. Every kind of frame has the
// same size, and a frame is written as three TLS records of one length, so that a capture shows a count and nothing
// more. Relies on TLS for secrecy; the sizes here are the whole disguise.

/// The kinds of frame that a dialer may send.
public enum FrameType: UInt8, CaseIterable, Sendable {
    /// A packet for the node.
    case packet = 1
    /// Random bytes, answered like a packet and dropped.
    case padding = 2
    /// A mailbox request, answered with a block.
    case fetch = 3
    /// A question for the directory, answered with a block.
    case directory = 4

    /// Whether the answer is followed by a block of `LinkFrame.bodySize` bytes.
    public var asksForBlock: Bool { self == .fetch || self == .directory }
}

/// Sizes of the frames from dialer to listener, in bytes.
public enum LinkFrame {
    /// type u8, flags u8, zero u16.
    public static let headerSize = 4
    /// One packet.
    public static let bodySize = 32_768
    /// Header and body.
    public static let size = headerSize + bodySize
    /// How many frames may be unanswered on a connection.
    public static let window = 64
    /// How many of them may be frames that ask for a block, each of which may cost the listener 64 KiB.
    public static let askWindow = 8

    /// TLS records for one frame. A record holds at most 16,384 bytes, so two cannot be equal; three can.
    static let recordsPerFrame = 3
    /// Plaintext bytes of each of them: 10,924, on the wire 22 more (RFC 8446 section 5.2: header, type, tag).
    static let recordSize = size / recordsPerFrame
    /// An answer and the block that follows it.
    static let blockAnswerSize = AnswerFrame.size + bodySize
    /// Plaintext bytes of each of the three records that carry them: 10,936.
    static let blockRecordSize = blockAnswerSize / recordsPerFrame

    /// The header of a frame without flags, which is every frame of this version.
    static func header(_ type: FrameType) -> UInt32 { UInt32(type.rawValue) << 24 }

    /// The type that a header (big-endian, as read) names.
    static func type(ofHeader header: UInt32) throws(LinkViolation) -> FrameType {
        guard let type = FrameType(rawValue: UInt8(truncatingIfNeeded: header >> 24)) else { throw .unknownType }
        guard header & 0x00FF_FFFF == 0 else { throw .reservedBitsSet }
        return type
    }
}

/// What a dialer did that ends its connection.
public enum LinkViolation: Error, Hashable, Sendable {
    /// A frame type that this version does not know.
    case unknownType
    /// Flags or the zero field were not zero.
    case reservedBitsSet
    /// More than `LinkFrame.window` frames unanswered.
    case windowExceeded
    /// More than `LinkFrame.askWindow` frames unanswered that ask for a block.
    case askWindowExceeded
}
