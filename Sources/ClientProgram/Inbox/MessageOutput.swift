public import WireFormat

/// Where messages are written.
public enum MessageOutput: Hashable, Sendable {
    /// Standard output: one message as it is, several as an mbox. Controls of a terminal in it are made harmless if it is one.
    case standard
    /// A file, replaced; in the same forms.
    case file(String)
    /// A Maildir, made if it is not there: one file for each message.
    case maildir(String)
}

/// How messages are shown.
public struct OutputOptions: Hashable, Sendable {
    public var output = MessageOutput.standard
    /// JSON instead of mails; with a Maildir, only what is known about them.
    public var json = false
    /// Bytes that are no text are written to a terminal too, and text as it is.
    public var force = false
    /// A file for the reply blocks that the messages enclose, as armor.
    public var replyBlocks: String?

    public init() {}
}

/// A message of which parts are missing.
public struct IncompleteMessage: Hashable, Sendable, Identifiable {
    /// Its name in the inbox, 16 bytes.
    public let id: MessageID
    /// To whom it came.
    public let origin: MessageOrigin
    /// Parts that are there, and how many it needs.
    public let held, wanted: Int
    /// Bytes of the whole message, about.
    public let size: Int
    /// When its first part came, and when what is there is given up.
    public let since, expires: Timestamp

    /// What `nightjar fragments` shows and takes: 12 hexadecimal digits.
    public var shortID: String { String(id.hex.prefix(12)) }
}
