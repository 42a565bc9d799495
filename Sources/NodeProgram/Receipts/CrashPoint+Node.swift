internal import Spool

// Places of the node's own, for tests (`CrashPoint`).
extension CrashPoint {
    /// A message's book is written, the message not completed.
    static let bookOpened = CrashPoint("book-opened")
    /// A recipient's end is in the book, the delivery is still there.
    static let outcomeNoted = CrashPoint("outcome-noted")
    /// A receipt is in the spool, the book does not know it.
    static let receiptEnqueued = CrashPoint("receipt-enqueued")
    /// An answer's reply blocks are set aside, nothing is sent.
    static let answerReserved = CrashPoint("answer-reserved")
    /// An answer's packets are in the spool, its reply blocks not erased.
    static let answerEnqueued = CrashPoint("answer-enqueued")
}
