public import WireFormat

/// A block for a mailbox: an answer through a reply block, or a piece of a message.
public struct NewMailBlock: Sendable {
    /// The caller's number for what it is.
    public var kind: Int
    /// From when on it is given out; before that its owner cannot see that it is there.
    public var release: Timestamp
    /// When it is deleted, fetched or not.
    public var expires: Timestamp
    /// At most 32,768 bytes.
    public var body: [UInt8]

    public init(kind: Int, release: Timestamp, expires: Timestamp, body: [UInt8]) {
        self.kind = kind
        self.release = release
        self.expires = expires
        self.body = body
    }
}

/// A mailbox as its owner may see it.
public struct MailboxState: Hashable, Sendable {
    /// Blocks that have been released and not acknowledged.
    public var blocks: Int
    /// Blocks that it may hold.
    public var quota: Int
    /// When it ends if it is not polled again.
    public var expires: Timestamp
    /// The lowest number among the released blocks.
    public var oldest: UInt64?
}

/// A block that waits in a mailbox.
public struct StoredMailBlock: Hashable, Sendable {
    /// Counted from 1 in each mailbox, and never given twice in its life.
    public var number: UInt64
    /// The caller's number for what it is.
    public var kind: Int
    public var body: [UInt8]
}
