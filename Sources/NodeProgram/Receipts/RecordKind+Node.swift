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
    /// Who wants no anonymous mail, by hashes.
    static let optOuts = RecordKind(rawValue: 50)
    /// Who wants anonymous mail, by hashes.
    static let optIns = RecordKind(rawValue: 51)
    /// Requests that wait for a confirmation.
    static let optOutRequests = RecordKind(rawValue: 52)
    /// By which processes see that another one has changed the lists.
    static let optOutMarks = RecordKind(rawValue: 53)
}
