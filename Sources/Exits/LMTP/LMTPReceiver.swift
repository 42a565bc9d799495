// What an LMTP server hands over, and what it answers with.

/// A reply line.
public struct LMTPReply: Hashable, Sendable {
    public let code: UInt16
    /// The status of RFC 3463, such as `5.1.1`; nil where none belongs.
    public let status: String?
    /// ASCII text of one line.
    public let text: String

    public init(_ code: UInt16, _ status: String?, _ text: String) {
        self.code = code
        self.status = status
        self.text = text
    }

    public var isPositive: Bool { code / 100 == 2 }

    /// The line with its end.
    var bytes: [UInt8] { Array("\(code) \(status.map { $0 + " " } ?? "")\(text)\r\n".utf8) }
}

/// A mail as it was handed over.
public struct LMTPMail: Hashable, Sendable {
    /// The envelope's sender; empty for the null sender of notices.
    public let sender: String
    /// Recipients that `check` has taken, in order.
    public let recipients: [String]
    /// Header and body as they came, without the doubled dots.
    public let content: [UInt8]

    public init(sender: String, recipients: [String], content: [UInt8]) {
        self.sender = sender
        self.recipients = recipients
        self.content = content
    }
}

/// Takes mail from an LMTP server. Both calls may block: they are made on threads for that.
public protocol LMTPReceiver: Sendable {
    /// Whether mail for `recipient` is taken: 2xx, else why not.
    func check(recipient: String) -> LMTPReply
    /// Takes a mail: one reply for each recipient in order; 2xx only when it is durable.
    func deliver(_ mail: LMTPMail) -> [LMTPReply]
}
