// A message of which some parts have come: what its name in the spool stands for.

internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

/// How a message was cut. Parts of different cuts do not fit together.
enum ArrivalCut: UInt8 {
    /// Parts that fill a packet: an answer whose writer is not hidden.
    case full = 0
    /// Parts that were injected by a node: an anonymous answer.
    case injected = 1
    /// A mailbox's pieces of a message.
    case pieces = 2
}

/// The record of a message that is being collected.
struct CollectedMessage: Hashable, Sendable {
    let origin: MessageOrigin
    /// The message's id, as its writer chose it.
    let message: MessageID
    let cut: ArrivalCut
    /// When the first part came.
    let since: Timestamp

    /// The name in the spool: parts belong together only if they came to the same identity or mailbox. Without that, who
    /// holds reply blocks of two identities could send one message through both and see if a single person reads them.
    var name: MessageID { Self.name(origin: origin, message: message, cut: cut) }

    static func name(origin: MessageOrigin, message: MessageID, cut: ArrivalCut) -> MessageID {
        var writer = WireWriter(capacity: 64)
        writer.append(Array("nightjar/1 inbox message\n".utf8))
        writer.integer(cut.rawValue)
        origin.write(to: &writer)
        writer.fixed(message)
        return Digest.sha256(writer.bytes).withBytes {
            MessageID(copying: UnsafeRawBufferPointer(rebasing: $0[..<MessageID.byteCount]))
        }
    }

    /// version 1 u8 | cut u8 | since ms u64 | message id 16 | origin
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 64)
        writer.integer(1 as UInt8)
        writer.integer(cut.rawValue)
        writer.integer(UInt64(max(0, since.milliseconds)))
        writer.fixed(message)
        origin.write(to: &writer)
        return writer.bytes
    }

    init(origin: MessageOrigin, message: MessageID, cut: ArrivalCut, since: Timestamp) {
        self.origin = origin
        self.message = message
        self.cut = cut
        self.since = since
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == 1, let cut = ArrivalCut(rawValue: try reader.integer()),
            let milliseconds = Int64(exactly: try reader.integer(UInt64.self))
        else { throw .unknownValue }
        self.cut = cut
        since = Timestamp(milliseconds: milliseconds)
        message = try reader.fixed()
        origin = try MessageOrigin(from: &reader)
        try reader.end()
    }
}

extension RecordKind {
    /// Messages that are being collected, by their name in the inbox's spool.
    static let collectedMessages = RecordKind(rawValue: 20)
}
