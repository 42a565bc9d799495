// What became of one attempt to hand a message to one recipient. The rule that shapes these types: only a clear,
// permanent answer that concerns this very mail ends it. Whatever else happens - a server that is down, slow, odd or
// wrongly set up, a full disk, an error nobody foresaw - is a deferral, and the mail is tried again until its deadline.

/// The result of one attempt for one recipient.
public enum ExitOutcome: Hashable, Sendable {
    /// Handed over for good. `code` is the server's 2xx reply; 250 for a local mailbox.
    case delivered(code: UInt16)
    /// To be tried again.
    case deferred(Deferral)
    /// Not to be tried again. `code` is the server's 5xx reply, nil when the exit itself declined.
    case refused(RefusalReason, code: UInt16?)

    /// A deferral without doubt about where the mail is.
    public static func deferred(_ reason: DeferralReason, code: UInt16? = nil) -> Self {
        .deferred(Deferral(reason: reason, code: code))
    }

    /// The event to count for this outcome.
    public var event: ExitEvent {
        switch self {
        case .delivered: .delivered
        case .deferred(let deferral): .deferred(deferral.reason)
        case .refused(let reason, _): .refused(reason)
        }
    }
}

/// Why an attempt is to be repeated.
public struct Deferral: Hashable, Sendable {
    public var reason: DeferralReason
    /// The server's reply code, if a reply was the cause.
    public var code: UInt16?
    /// The whole mail was sent but the answer never came: the server may have it, and the next attempt may double it.
    /// The Message-ID is the same at every attempt so that receivers can recognise the double.
    public var isAmbiguous: Bool

    public init(reason: DeferralReason, code: UInt16? = nil, isAmbiguous: Bool = false) {
        self.reason = reason
        self.code = code
        self.isAmbiguous = isAmbiguous
    }
}

/// Causes of a deferral, each counted by itself.
public enum DeferralReason: String, CaseIterable, Hashable, Sendable {
    /// The server's name did not resolve, or no connection could be made.
    case unreachable
    /// The server did not answer, or did not take bytes, in time.
    case timeout
    /// The server closed the connection.
    case closed
    /// A 4xx reply.
    case temporary
    /// A 5xx greeting, or 5xx to both EHLO and HELO: this server does not want this exit.
    case serverRefused
    /// STARTTLS is required but not offered or not carried out.
    case tlsUnavailable
    /// The TLS handshake failed, or the certificate was not accepted.
    case tlsFailed
    /// The server offers no way to authenticate that we know, or the connection is too open for a password.
    case authenticationUnavailable
    /// The server did not accept the user name and password, or wants some and has been given none.
    case authenticationRefused
    /// 5xx to the exit's own envelope sender.
    case senderRefused
    /// The server does not relay for this exit.
    case relayRefused
    /// 500 to 504: the server did not understand an ordinary command.
    case commandRefused
    /// Not an SMTP reply, one over the limits, or one that makes no sense here.
    case protocolViolation
    /// The stored message could not be read.
    case bodyUnreadable
    /// A local mailbox could not be written.
    case storage
    /// A program ended in a way that says nothing of the mail, or could not be run.
    case programFailed
    /// One and the same body for many recipients.
    case sameBody
    /// More bytes than the module takes in an hour.
    case bandwidth
    /// Too much mail for this recipient or domain just now.
    case recipientRate
    /// Whether the recipient has opted out cannot be said yet.
    case wishesUnknown
    /// The node is stopping.
    case shutdown
    /// An error that nobody foresaw.
    case unknown

    /// Whether the cause is most likely the exit's own settings, so that somebody should be told: waiting will not
    /// help.
    public var concernsOperator: Bool {
        switch self {
        case .serverRefused, .tlsUnavailable, .tlsFailed, .authenticationUnavailable, .authenticationRefused,
            .senderRefused, .relayRefused, .commandRefused, .bodyUnreadable, .storage,
            .programFailed, .sameBody:
            true
        case .unreachable, .timeout, .closed, .temporary, .protocolViolation, .recipientRate, .bandwidth, .wishesUnknown,
            .shutdown, .unknown:
            false
        }
    }
}

/// Causes of a permanent refusal, each counted by itself.
public enum RefusalReason: String, CaseIterable, Hashable, Sendable, Error {
    /// 5xx to RCPT.
    case recipientRefused
    /// 5xx to DATA or to the message itself.
    case contentRefused
    /// Over the size that the server takes.
    case tooLarge
    /// Not an address that an exit delivers to.
    case badRecipient
    /// More recipients than the exit allows for one message.
    case tooManyRecipients
    /// The exit's rules deny this recipient.
    case deniedByPolicy
    /// The recipient said that he wants no anonymous mail.
    case optedOut
    /// No local mailbox of that name.
    case unknownMailbox
    /// A body line over 998 bytes, which mail cannot carry without being altered (RFC 5322 section 2.1.1).
    case longBodyLine
    /// A zero byte in the body, which mail cannot carry (RFC 5321 section 4.5.3, RFC 6152).
    case zeroByteInBody
    /// A header value with a control character or a line break, or with the wrong syntax.
    case badHeader
    /// A header value over its limit, or one that cannot be folded to lines of 998.
    case longHeader
    /// A malformed encoded word (RFC 2047), or one that hides control characters.
    case badEncodedWord
    /// A display name that could pass for an address or hides characters.
    case badDisplayName
}
