// What a node answers to the owner of a mailbox: always 32,768 bytes, whether there is mail or not.

public import WireFormat

/// How it stands with a mailbox.
public struct MailboxStatus: Hashable, Sendable {
    /// Blocks that wait beyond the one that is sent with this.
    public var waiting: UInt32
    /// Blocks held.
    public var used: UInt32
    /// Blocks that may be held.
    public var quota: UInt32
    /// When the mailbox ends if it is not polled again.
    public var expires: Timestamp

    public init(waiting: UInt32, used: UInt32, quota: UInt32, expires: Timestamp) {
        self.waiting = waiting
        self.used = used
        self.quota = quota
        self.expires = expires
    }
}

/// Why a node does not do what the owner asks for.
public enum MailboxRefusal: UInt8, Hashable, Sendable, CaseIterable {
    /// The node offers no mailboxes.
    case noMailboxesHere = 1
    /// There is no such mailbox, or there is none any more.
    case noSuchMailbox = 2
    /// The node takes no more mailboxes.
    case full = 3
    /// The clocks of client and node are too far apart.
    case wrongTime = 4
    /// Not a request for this node, or not signed by the owner.
    case malformed = 5
    /// The node cannot do it now.
    case busy = 6
}

/// A piece of an encoded message that was sent to a mailbox.
///
///     message id 16 | index u16 | count u16 | bytes
public struct MailFragment: Hashable, Sendable {
    public let message: MessageID
    /// From 0.
    public let index: Int
    /// Pieces of the message.
    public let count: Int
    public let bytes: [UInt8]

    /// Most bytes of a piece.
    public static let maximumSize = 32_000
    /// Most pieces of a message.
    public static let maximumCount = (MessageLimits.encoded - 1) / maximumSize + 1

    /// `malformedRecord` beyond the bounds. Every piece but the last is of the maximum size.
    public init(message: MessageID, index: Int, count: Int, bytes: [UInt8]) throws(MessageError) {
        guard (1...Self.maximumCount).contains(count), (0..<count).contains(index), !bytes.isEmpty,
            bytes.count <= Self.maximumSize, index == count - 1 || bytes.count == Self.maximumSize
        else { throw .malformedRecord }
        self.message = message
        self.index = index
        self.count = count
        self.bytes = bytes
    }

    /// The pieces of an encoded message of `length` bytes.
    public static func count(ofLength length: Int) -> Int { max(1, (length - 1) / maximumSize + 1) }

    /// 20 bytes and the piece.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 20 + bytes.count)
        writer.fixed(message)
        writer.integer(UInt16(index))
        writer.integer(UInt16(count))
        writer.append(bytes)
        return writer.bytes
    }

    /// Reads exactly one piece.
    public init(decoding bytes: some Collection<UInt8>) throws(MessageError) {
        do {
            var reader = WireReader(Array(bytes))
            let message: MessageID = try reader.fixed()
            let index = Int(try reader.integer(UInt16.self))
            let count = Int(try reader.integer(UInt16.self))
            try self.init(message: message, index: index, count: count, bytes: Array(reader.rest()))
        } catch {
            throw .malformedRecord
        }
    }
}

/// The block behind the answer to a FETCH frame.
///
///     version 1 u8 | kind u8 | refusal u8 | zero u8 | waiting u32 | used u32 | quota u32 | expires ms u64 | id u64
///     | length u16 | body | zeros to 32768
public enum MailboxBlock: Hashable, Sendable {
    /// Nothing waits.
    case empty(MailboxStatus)
    /// An answer through a reply block.
    case reply(id: UInt64, ReplyRecord, MailboxStatus)
    /// A piece of a message.
    case fragment(id: UInt64, MailFragment, MailboxStatus)
    /// Done: create, configure, delete, status.
    case done(MailboxStatus)
    case refused(MailboxRefusal)

    /// Bytes of every block.
    public static let size = 32_768
    private static let version: UInt8 = 1

    /// 32,768 bytes.
    public var encoded: [UInt8] {
        var kind: UInt8 = 0
        var refusal: UInt8 = 0
        var id: UInt64 = 0
        var body: [UInt8] = []
        var status = MailboxStatus(waiting: 0, used: 0, quota: 0, expires: Timestamp(milliseconds: 0))
        switch self {
        case .empty(let it): status = it
        case .reply(let number, let record, let it): (kind, id, body, status) = (1, number, record.encoded, it)
        case .fragment(let number, let fragment, let it): (kind, id, body, status) = (2, number, fragment.encoded, it)
        case .done(let it): (kind, status) = (3, it)
        case .refused(let reason): (kind, refusal) = (4, reason.rawValue)
        }
        var writer = WireWriter(capacity: Self.size)
        writer.integer(Self.version)
        writer.integer(kind)
        writer.integer(refusal)
        writer.zeros(1)
        writer.integer(status.waiting)
        writer.integer(status.used)
        writer.integer(status.quota)
        writer.integer(UInt64(max(0, status.expires.milliseconds)))
        writer.integer(id)
        // A record has 25,909 bytes, a piece at most 32,020.
        writer.integer(UInt16(body.count))
        writer.append(body)
        writer.zeros(Self.size - writer.bytes.count)
        return writer.bytes
    }

    /// Reads 32,768 bytes; `malformedRecord` or `unknownVersion`.
    public init(decoding bytes: [UInt8]) throws(MessageError) {
        guard bytes.count == Self.size else { throw .malformedRecord }
        guard bytes[0] == Self.version else { throw .unknownVersion }
        do {
            var reader = WireReader(bytes)
            _ = try reader.integer(UInt8.self)
            let kind = try reader.integer(UInt8.self)
            let reason = try reader.integer(UInt8.self)
            try reader.zeros(1)
            let waiting = try reader.integer(UInt32.self)
            let used = try reader.integer(UInt32.self)
            let quota = try reader.integer(UInt32.self)
            guard let expires = Int64(exactly: try reader.integer(UInt64.self)) else { throw WireError.unknownValue }
            let status = MailboxStatus(
                waiting: waiting, used: used, quota: quota, expires: Timestamp(milliseconds: expires))
            let id = try reader.integer(UInt64.self)
            let body = Array(try reader.slice(Int(try reader.integer(UInt16.self))))
            try reader.zeros(reader.remaining)
            switch kind {
            case 0 where body.isEmpty && reason == 0: self = .empty(status)
            case 1 where reason == 0: self = .reply(id: id, try ReplyRecord(decoding: body), status)
            case 2 where reason == 0: self = .fragment(id: id, try MailFragment(decoding: body), status)
            case 3 where body.isEmpty && reason == 0: self = .done(status)
            case 4 where body.isEmpty:
                guard let refusal = MailboxRefusal(rawValue: reason) else { throw WireError.unknownValue }
                self = .refused(refusal)
            default: throw WireError.unknownValue
            }
        } catch {
            throw .malformedRecord
        }
    }
}
