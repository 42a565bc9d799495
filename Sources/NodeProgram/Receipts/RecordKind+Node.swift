// What a node keeps in its store of records, <data>/records.sqlite.

internal import Spool

extension RecordKind {
    /// Reply gateway: addresses handed out, and which blocks answer through them.
    static let replyTokens = RecordKind(rawValue: 1)
    /// How it stands with each recipient of a message.
    static let receiptBooks = RecordKind(rawValue: 2)
    /// The reply block for a message's receipt, until it is used.
    static let receiptBlocks = RecordKind(rawValue: 3)
    /// Reply gateway: blocks that have not been used.
    static let replyBlocks = RecordKind(rawValue: 4)
}
