// What is written down about a received message; the message itself is a sealed file beside the records.

internal import Messages
internal import Spool
internal import WireFormat

/// The record of one received message.
struct ReceivedRecord: Sendable {
    /// How far it has come.
    enum State: UInt8 {
        /// Nobody has seen it yet.
        case unread = 0
        /// Printed or written to a Maildir.
        case read = 1
        /// The file is gone; the record stays for a while, so that the same message is known when it comes again.
        case gone = 2
    }

    var state: State
    let origin: MessageOrigin
    /// The public key that it was sealed to besides; nil for most.
    let key: String?
    let kind: BodyKind
    /// When it was complete.
    let received: Timestamp
    /// When it was read; zero before.
    var read: Timestamp
    /// Bytes of the body.
    let size: Int
    /// Reply blocks enclosed.
    let replyBlocks: Int
    /// What opens its file; nil when it is gone.
    var file: SealedFileReference?

    /// version 1 u8 | state u8 | body kind u8 | received ms u64 | read ms u64 | size u32 | reply blocks u8 | origin
    /// | key's name length u16, name (0: none) | what opens the file 56 (nothing if gone)
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 160)
        writer.integer(1 as UInt8)
        writer.integer(file == nil ? State.gone.rawValue : state.rawValue)
        writer.integer(kind.rawValue)
        writer.integer(UInt64(max(0, received.milliseconds)))
        writer.integer(UInt64(max(0, read.milliseconds)))
        // Bounds of messages are far below these fields.
        writer.integer(UInt32(clamping: size))
        writer.integer(UInt8(clamping: replyBlocks))
        origin.write(to: &writer)
        let keyName = Array((key ?? "").utf8.prefix(Int(UInt16.max)))
        writer.integer(UInt16(keyName.count))
        writer.append(keyName)
        if let file {
            writer.append(file.encoded)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == 1, let state = State(rawValue: try reader.integer()),
            let kind = BodyKind(rawValue: try reader.integer()),
            let received = Int64(exactly: try reader.integer(UInt64.self)),
            let read = Int64(exactly: try reader.integer(UInt64.self))
        else { throw .unknownValue }
        self.state = state
        self.kind = kind
        self.received = Timestamp(milliseconds: received)
        self.read = Timestamp(milliseconds: read)
        size = Int(try reader.integer(UInt32.self))
        replyBlocks = Int(try reader.integer(UInt8.self))
        origin = try MessageOrigin(from: &reader)
        let keyName = try reader.text(Int(try reader.integer(UInt16.self)))
        key = keyName.isEmpty ? nil : keyName
        if state != .gone {
            file = try SealedFileReference(decoding: try reader.slice(SealedFileReference.encodedSize))
        }
        try reader.end()
    }

    init(
        origin: MessageOrigin, key: String?, kind: BodyKind, received: Timestamp, size: Int, replyBlocks: Int,
        file: SealedFileReference?
    ) {
        state = .unread
        self.origin = origin
        self.key = key
        self.kind = kind
        self.received = received
        read = Timestamp(milliseconds: 0)
        self.size = size
        self.replyBlocks = replyBlocks
        self.file = file
    }
}

extension RecordKind {
    /// Received messages, by their name in the inbox.
    static let receivedMessages = RecordKind(rawValue: 22)
    /// Reply blocks of ours that were answered, by their id: the digest of the answer.
    static let answeredBlocks = RecordKind(rawValue: 23)
    /// What is known of mailboxes since their last poll, by their id.
    static let mailboxStates = RecordKind(rawValue: 24)
}
