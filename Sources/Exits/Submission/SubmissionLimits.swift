/// Bounds of a submission connection.
public struct SubmissionLimits: Hashable, Sendable {
    /// Bytes of a mail: header and body.
    public var mail: Int
    /// Recipients of one mail.
    public var recipients = 8
    /// Bytes of a command line, its end included: RFC 4954 section 4 wants 12288 for passwords, and no line is longer.
    public var line = 12_288
    /// Commands that fail before the connection is ended.
    public var errors = 20
    /// Passwords that fail before the connection is ended.
    public var logins = 3
    /// Mails over one connection.
    public var mails = 1000

    public init(mail: Int) { self.mail = mail }
}
