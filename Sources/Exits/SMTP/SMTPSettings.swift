// How an exit speaks to its mail server. Plain values from the operator's settings.

public import WireFormat

/// The mail server that an exit hands its mail to, and the manner of doing so.
public struct SMTPSettings: Sendable {
    /// When and how the connection is encrypted.
    public enum Security: Hashable, Sendable {
        /// Never: for a server on the same machine.
        case none
        /// STARTTLS if offered, without a look at the certificate: whoever could present a false one could as well have
        /// removed the offer.
        case opportunistic
        /// STARTTLS, or no mail.
        case required
        /// TLS from the first byte (RFC 8314).
        case implicit
    }

    /// How the server's certificate is judged under `required` and `implicit`.
    public enum Trust: Hashable, Sendable {
        /// By the system's certificate authorities.
        case system
        /// By the certificates in this PEM file.
        case file(String)
        /// Not at all: `tls-verify = false`, for tests on one machine.
        case anything
    }

    /// What is spoken.
    public enum Dialect: Hashable, Sendable {
        case smtp
        /// LMTP (RFC 2033): after the content each recipient that was accepted has a reply of his own.
        case lmtp
    }

    public var host: String
    public var port: Int
    public var security: Security
    public var trust: Trust
    public var dialect = Dialect.smtp
    /// The path of a Unix socket, in place of host and port.
    public var socket: String?
    /// The name given in EHLO: the exit's own full host name.
    public var helloName: String
    public var credentials: SMTPCredentials?
    /// Whether a password may be sent over a connection that is not encrypted, or whose server nobody checked.
    public var allowsPasswordInClear: Bool
    public var timeouts: SMTPTimeouts
    /// How long a connection is kept for the next mail.
    public var idle: Interval
    /// Connections kept for the next mail at most.
    public var maximumIdle: Int
    /// Mails over one connection at most; some servers count against clients that never leave.
    public var mailsPerConnection: Int

    public init(
        host: String = "localhost", port: Int = 25, security: Security = .opportunistic, trust: Trust = .system,
        helloName: String, credentials: SMTPCredentials? = nil, allowsPasswordInClear: Bool = false,
        timeouts: SMTPTimeouts = SMTPTimeouts(), idle: Interval = .seconds(5), maximumIdle: Int = 2,
        mailsPerConnection: Int = 50
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.trust = trust
        self.helloName = helloName
        self.credentials = credentials
        self.allowsPasswordInClear = allowsPasswordInClear
        self.timeouts = timeouts
        self.idle = idle
        self.maximumIdle = maximumIdle
        self.mailsPerConnection = mailsPerConnection
    }

    /// A server of this machine that speaks LMTP.
    public init(lmtp address: LMTPAddress, helloName: String, timeouts: SMTPTimeouts = SMTPTimeouts()) {
        self.init(security: .none, helloName: helloName, timeouts: timeouts)
        dialect = .lmtp
        switch address {
        case .socket(let path): socket = path
        case .loopback(let host, let port):
            self.host = host
            self.port = port
        }
    }
}

/// How long a server may take over each step. The defaults are those of RFC 5321 section 4.5.3.2; reaching one is a
/// deferral.
public struct SMTPTimeouts: Hashable, Sendable {
    /// Name lookup and connection.
    public var connect: Interval
    /// From the connection to the end of the greeting; also the TLS handshake.
    public var greeting: Interval
    /// Any command without a time of its own.
    public var command: Interval
    /// The answer to DATA.
    public var data: Interval
    /// The server's taking of one piece of the body.
    public var block: Interval
    /// The answer to the final dot.
    public var final: Interval
    /// One mail as a whole, so that a server that takes a byte now and then does not hold it for ever.
    public var mail: Interval

    public init(
        connect: Interval = .minutes(1), greeting: Interval = .minutes(5), command: Interval = .minutes(5),
        data: Interval = .minutes(2), block: Interval = .minutes(3), final: Interval = .minutes(10),
        mail: Interval = .hours(1)
    ) {
        self.connect = connect
        self.greeting = greeting
        self.command = command
        self.data = data
        self.block = block
        self.final = final
        self.mail = mail
    }

    /// The same time for every step of a mail, four times that for the mail as a whole.
    public init(everyStep: Interval) {
        self.init(
            connect: everyStep, greeting: everyStep, command: everyStep, data: everyStep, block: everyStep,
            final: everyStep,
            mail: everyStep * 4)
    }
}

/// What the server is told of a mail before its content.
public struct SMTPEnvelope: Hashable, Sendable {
    /// The address for bounces; nil for the null sender `<>`.
    public var sender: MailRecipient?
    /// One or more.
    public var recipients: [MailRecipient]
    /// Head and body with CRLF line ends, before dot-stuffing.
    public var wireBytes: Int
    /// Whether the content has bytes over 127.
    public var hasEightBit: Bool

    public init(sender: MailRecipient?, recipients: [MailRecipient], wireBytes: Int, hasEightBit: Bool) {
        self.sender = sender
        self.recipients = recipients
        self.wireBytes = wireBytes
        self.hasEightBit = hasEightBit
    }
}
