// What a listener sends (MMTP, frames): one answer of 40 bytes for each frame, in order.

internal import WireFormat

/// Why a frame was not accepted.
public enum RejectReason: UInt8, CaseIterable, Error, Sendable {
    /// The spool is at its quota.
    case full = 1
    /// More work than the node can take at the moment.
    case busy = 2
    /// The packet names a key period whose key the node does not hold.
    case unknownPeriod = 3
    /// Not a packet, or a frame type that the node does not serve.
    case malformed = 4
    /// The node is stopping.
    case shuttingDown = 5
    /// The sender's part of the network sends more than its share.
    case rateLimited = 6

    /// Whether the frame should be offered again later. The other reasons are final: drop and count.
    public var meansRetry: Bool {
        switch self {
        case .full, .busy, .shuttingDown, .rateLimited: true
        case .unknownPeriod, .malformed: false
        }
    }
}

/// A listener's word on one frame.
public enum Answer: Hashable, Sendable {
    /// The frame's outcome is durable.
    case received
    /// The frame was not taken.
    case rejected(RejectReason)
}

/// An answer as it stands on the wire: type u8, reason u8, zero u16, frame number u32, SHA-256 of the body.
struct AnswerFrame: Hashable, Sendable {
    /// Bytes on the wire; each answer is one TLS record of this many bytes.
    static let size = 40

    var answer: Answer
    /// Frames of a connection are numbered from 0.
    var number: UInt32
    var digest: Digest

    private static let receivedType: UInt8 = 1
    private static let rejectedType: UInt8 = 2

    init(_ answer: Answer, number: UInt32, digest: Digest) {
        self.answer = answer
        self.number = number
        self.digest = digest
    }

    /// Reads exactly `size` bytes; nil for an unknown type or reason, a reason with RECEIVED, or a zero field that is
    /// not zero.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.size, bytes[2] == 0, bytes[3] == 0 else { return nil }
        switch bytes[0] {
        case Self.receivedType:
            guard bytes[1] == 0 else { return nil }
            answer = .received
        case Self.rejectedType:
            guard let reason = RejectReason(rawValue: bytes[1]) else { return nil }
            answer = .rejected(reason)
        default:
            return nil
        }
        number = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        digest = Digest(copying: UnsafeRawBufferPointer(rebasing: bytes[8..<Self.size]))
    }

    /// type, reason and zero field as one big-endian word.
    var head: UInt32 {
        switch answer {
        case .received: UInt32(Self.receivedType) << 24
        case .rejected(let reason): UInt32(Self.rejectedType) << 24 | UInt32(reason.rawValue) << 16
        }
    }

    /// The `size` bytes.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.size)
        withUnsafeBytes(of: head.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        digest.withBytes { bytes.append(contentsOf: $0) }
        return bytes
    }
}
