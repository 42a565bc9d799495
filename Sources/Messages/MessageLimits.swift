// Every size of the message formats in one place. Sizes are bytes.

/// Sizes that follow from the packet: what a payload holds. A test compares them with the packet's own geometry.
public enum PayloadSize {
    /// Content of one payload: a packet of 32,768 less its header (7,116) and the payload's tag (32).
    public static let content = 25_620
    /// Before the body of a content: version 1, kind 1, length 2.
    public static let contentHeader = 4
    /// Longest body of a content.
    public static let body = content - contentHeader
    /// A packet's header, carried whole inside an injection.
    public static let packetHeader = 7_116
    /// A single-use reply block in binary form: version 1, zero 3, expiry 8, first node 32, header, two keys of 32.
    public static let replyBlock = 1 + 3 + 8 + 32 + packetHeader + 32 + 32
    /// Before the share of a part: message id 16, group 2, groups 2, k 1, n 1, index 1, zero 1, message length 4.
    public static let partHeader = 28
    /// Longest sealed part that an injection has room for, behind first node 32, header and payload key 32.
    public static let sealedPart = body - 32 - packetHeader - 32
    /// What sealing adds to a part: the tag of AES-256-GCM.
    public static let sealOverhead = 16
}

/// Bounds of a message. A message outside them is refused by both sides.
public enum MessageLimits {
    /// Longest body, before compression: 8 MiB unless the consensus says otherwise. Larger mail belongs elsewhere:
    /// at this size a message is already some 440 packets.
    public static let body = 8 << 20
    /// Recipients of one message: one delivery per recipient is work that the sender does not pay for.
    public static let recipients = 8
    /// Longest address in text form.
    public static let address = 320
    /// Reply blocks enclosed in one message: enough for an answer of some 300 KiB.
    public static let replyBlocks = 32
    /// All sender fields of an envelope together, tags and lengths included.
    public static let fields = 16 << 10
    /// The longest envelope that can be written: count and recipients, body kind, receipt flag and block, count and
    /// reply blocks, count and fields.
    public static let envelope =
        1 + recipients * (2 + address) + 1 + 1 + PayloadSize.replyBlock + 1 + replyBlocks * PayloadSize.replyBlock + 1
        + fields
    /// Before the envelope: version 1, flags 1, envelope length 4, body length 4.
    public static let messageHeader = 10
    /// The longest encoded message: a body that compression does not shorten is sent as it is.
    public static let encoded = messageHeader + envelope + body
    /// A compressed body may always inflate to this much ...
    public static let inflationAllowance = 64 << 10
    /// ... and beyond it to so many times its compressed length, so that a small message cannot fill a disk.
    public static let inflationRatio = 20
    /// Largest chunk of body that a reader hands out, and the memory it inflates into.
    public static let bodyChunk = 64 << 10
}
