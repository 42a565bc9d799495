/// A mail ready to be handed to a server: what the server is told, the head, and the body.
public struct SMTPMail: Sendable {
    public var envelope: SMTPEnvelope
    /// Header fields and blank line with CRLF line ends.
    public var head: [UInt8]
    /// Read anew for every attempt.
    public var body: ExitBody

    public init(envelope: SMTPEnvelope, head: [UInt8], body: ExitBody) {
        self.envelope = envelope
        self.head = head
        self.body = body
    }

    /// `mail` for `recipients`, with `sender` (nil for `<>`) to take the bounces.
    public init(_ mail: ExitMail, sender: MailRecipient?, recipients: [MailRecipient], body: ExitBody) {
        self.init(
            envelope: SMTPEnvelope(
                sender: sender, recipients: recipients, wireBytes: mail.wireBytes, hasEightBit: mail.hasEightBit),
            head: mail.head, body: body)
    }
}
