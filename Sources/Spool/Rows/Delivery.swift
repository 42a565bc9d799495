public import WireFormat

/// A delivery to be made: one message to one recipient.
public struct NewDelivery: Sendable {
    /// The recipient's address; sealed on disk.
    public var recipient: String
    /// The message's finished file; several deliveries may share one.
    public var file: FinishedFile
    /// When it is given up.
    public var deadline: Timestamp
    /// When it is tried first.
    public var nextAttempt: Timestamp

    public init(recipient: String, file: FinishedFile, deadline: Timestamp, nextAttempt: Timestamp) {
        self.recipient = recipient
        self.file = file
        self.deadline = deadline
        self.nextAttempt = nextAttempt
    }
}

/// A delivery that waits or is under way.
public struct StoredDelivery: Hashable, Sendable {
    public var id: DeliveryRowID
    /// The message it came from; zero bytes if it came from none.
    public var message: MessageID
    /// The recipient's address.
    public var recipient: String
    /// The file that holds the message, for `Spool.openFile`.
    public var file: SealedFileName
    /// When it is given up.
    public var deadline: Timestamp
    /// When it is tried next.
    public var nextAttempt: Timestamp
    /// How often it has been tried.
    public var attempts: Int
    /// The caller's mark, 0 at first: for instance "was handed over, answer not seen".
    public var state: Int
}
