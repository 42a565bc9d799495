// The client's side of SMTP (RFC 5321) and LMTP (RFC 2033) as a pure state machine: bytes and events in, actions out. This file holds the
// session - greeting, EHLO, STARTTLS, AUTH; `SMTPClientMachine+Transaction.swift` holds the mail.
//
// Whatever goes wrong here is the server's state or the exit's own settings, never the mail: every failure of the
// session is a deferral. Commands are sent one at a time and each waits for its reply.

/// One connection to a mail server, for one mail after another.
public struct SMTPClientMachine: Sendable {
    /// What the shell must do, in order.
    public enum Action: Hashable, Sendable {
        /// Write these bytes.
        case send([UInt8])
        /// Begin the TLS handshake; call `tlsEstablished` or `failed(.tlsFailed)`.
        case startTLS
        /// Write head and body, line ends and dots encoded; call `contentSent` when the server has taken them all.
        case sendContent
        /// The mail is done with: one outcome for each recipient, in the envelope's order.
        case finished([ExitOutcome])
        /// Close the connection.
        case close
    }

    /// What the machine is waiting for.
    public enum Step: Hashable, Sendable {
        case greeting, hello, startTLS, handshake, authentication
        /// For the next mail: no mail is under way.
        case ready
        case reset, sender, recipient, data
        /// For the shell to write the content.
        case content
        /// For the reply to the final dot.
        case final
        case quit, closed
    }

    /// Where AUTH stands.
    enum Exchange: Hashable, Sendable {
        case plain, loginUser, loginPassword, complete
    }

    /// A mail under way.
    struct Transaction: Sendable {
        var envelope: SMTPEnvelope
        /// Nil while undecided, which includes recipients that the server accepted.
        var outcomes: [ExitOutcome?]
        /// The recipient whose reply is awaited.
        var index = 0
    }

    let settings: SMTPSettings
    public internal(set) var step = Step.greeting
    var transaction: Transaction?
    var capabilities = SMTPCapabilities()
    /// The server still remembers a transaction that came to nothing.
    var needsReset = false
    private var parser = SMTPReplyParser()
    private var isExtendedHello = true
    private var isEncrypted: Bool
    private var triedStartTLS = false
    private var exchange = Exchange.complete

    /// A connection just made (and, under `implicit`, its handshake done), with the first mail to send over it.
    public init(settings: SMTPSettings, envelope: SMTPEnvelope) {
        self.settings = settings
        isEncrypted = settings.security == .implicit
        transaction = Transaction(envelope: envelope)
    }

    // MARK: - Events

    /// Bytes came from the server.
    public mutating func received(_ bytes: some Sequence<UInt8>) -> [Action] {
        guard step != .closed else { return [] }
        guard step != .handshake else { return abort(.protocolViolation) }
        parser.append(bytes)
        var actions: [Action] = []
        do throws(SMTPReplyError) {
            while step != .closed, step != .handshake, let reply = try parser.next() {
                actions += handle(reply)
            }
        } catch {
            actions += abort(.protocolViolation)
        }
        return actions
    }

    /// The server closed the connection, or it broke.
    public mutating func closed() -> [Action] { abort(.closed) }

    /// The time for the present step, or for the mail as a whole, is over.
    public mutating func timedOut() -> [Action] { abort(.timeout) }

    /// Something on our side ends the session: the handshake failed, the body cannot be read, the node stops.
    public mutating func failed(_ reason: DeferralReason) -> [Action] { abort(reason) }

    /// The handshake that `startTLS` asked for is done.
    public mutating func tlsEstablished() -> [Action] {
        guard step == .handshake else { return [] }
        isEncrypted = true
        // RFC 3207 section 4.2: nothing that was learnt before the handshake counts.
        capabilities = SMTPCapabilities()
        return sayHello()
    }

    /// Takes leave. Only for a connection without a mail under way.
    public mutating func quit() -> [Action] {
        guard step == .ready else { return step == .closed ? [] : abort(.shutdown) }
        step = .quit
        return [.send(Self.line("QUIT"))]
    }

    // MARK: - Session

    private mutating func handle(_ reply: SMTPReply) -> [Action] {
        // "Closing transmission channel", at any time (RFC 5321 section 3.8).
        if reply.code == 421, step != .quit, step != .ready { return abort(.temporary, code: 421) }
        switch step {
        case .greeting: return greeted(reply)
        case .hello: return answeredHello(reply)
        case .startTLS: return answeredStartTLS(reply)
        case .authentication: return answeredAuthentication(reply)
        case .reset, .sender, .recipient, .data, .content, .final: return handleTransaction(reply)
        case .ready, .quit:
            step = .closed
            return [.close]
        case .handshake, .closed: return []
        }
    }

    private mutating func greeted(_ reply: SMTPReply) -> [Action] {
        guard reply.code == 220 else { return giveUp(reply, permanent: .serverRefused) }
        return sayHello()
    }

    private mutating func sayHello() -> [Action] {
        step = .hello
        isExtendedHello = true
        return [.send(Self.line("\(settings.dialect == .lmtp ? "LHLO" : "EHLO") \(settings.helloName)"))]
    }

    private mutating func answeredHello(_ reply: SMTPReply) -> [Action] {
        if reply.isPositive {
            capabilities = isExtendedHello ? SMTPCapabilities(reply) : SMTPCapabilities()
            return secure()
        }
        guard reply.isPermanent, isExtendedHello, settings.dialect == .smtp else {
            return giveUp(reply, permanent: .serverRefused)
        }
        isExtendedHello = false
        return [.send(Self.line("HELO \(settings.helloName)"))]
    }

    /// Decides about STARTTLS after a good EHLO or HELO.
    private mutating func secure() -> [Action] {
        let isWanted = settings.security == .required || settings.security == .opportunistic
        guard isWanted, !isEncrypted else { return authenticate() }
        if capabilities.startTLS, !triedStartTLS {
            triedStartTLS = true
            step = .startTLS
            return [.send(Self.line("STARTTLS"))]
        }
        return settings.security == .required ? leave(.tlsUnavailable) : authenticate()
    }

    private mutating func answeredStartTLS(_ reply: SMTPReply) -> [Action] {
        guard reply.code == 220 else {
            return settings.security == .required ? leave(.tlsUnavailable, code: reply.code) : authenticate()
        }
        // Whatever follows the reply in clear was not sent by the server that the handshake will be with.
        guard !parser.hasUnread else { return abort(.protocolViolation) }
        step = .handshake
        return [.startTLS]
    }

    private mutating func authenticate() -> [Action] {
        guard let credentials = settings.credentials else { return begin() }
        guard settings.allowsPasswordInClear || isServerKnown else { return leave(.authenticationUnavailable) }
        step = .authentication
        if capabilities.authentication.contains("PLAIN") {
            exchange = .plain
            return [.send(Self.line("AUTH PLAIN \(Self.plainResponse(credentials))"))]
        }
        if capabilities.authentication.contains("LOGIN") {
            exchange = .loginUser
            return [.send(Self.line("AUTH LOGIN"))]
        }
        return leave(.authenticationUnavailable)
    }

    /// Whether the other side is encrypted and its certificate was checked.
    private var isServerKnown: Bool {
        isEncrypted && settings.security != .opportunistic && settings.trust != .anything
    }

    private mutating func answeredAuthentication(_ reply: SMTPReply) -> [Action] {
        if reply.code == 235 { return begin() }
        guard reply.code == 334, let credentials = settings.credentials else {
            return giveUp(reply, permanent: .authenticationRefused)
        }
        switch exchange {
        case .plain:
            // A server that does not read the response in the command asks for it.
            exchange = .complete
            return [.send(Self.line(Self.plainResponse(credentials)))]
        case .loginUser:
            exchange = .loginPassword
            return [.send(Self.line(SMTPCredentials.encoded(credentials.user)))]
        case .loginPassword:
            exchange = .complete
            return [.send(Self.line(credentials.encoded()))]
        case .complete:
            return abort(.protocolViolation)
        }
    }

    /// RFC 4616: no authorization identity, user, password.
    private static func plainResponse(_ credentials: SMTPCredentials) -> String {
        credentials.encoded(after: [0] + Array(credentials.user.utf8) + [0])
    }

    // MARK: - Endings

    /// Ends the session because of a reply that is not what the step needs.
    private mutating func giveUp(_ reply: SMTPReply, permanent: DeferralReason) -> [Action] {
        if reply.isTransient { return leave(.temporary, code: reply.code) }
        return reply.isPermanent ? leave(permanent, code: reply.code) : abort(.protocolViolation, code: reply.code)
    }

    /// Defers the mail and takes leave of a server that is still in step with us.
    mutating func leave(_ reason: DeferralReason, code: UInt16? = nil) -> [Action] {
        let actions = conclude(.deferred(reason, code: code))
        step = .quit
        return actions + [.send(Self.line("QUIT"))]
    }

    /// Defers the mail, if one is under way, and closes.
    mutating func abort(_ reason: DeferralReason, code: UInt16? = nil) -> [Action] {
        guard step != .closed else { return [] }
        // A negative reply to the dot is an answer; anything else at that point leaves open where the mail is.
        let isAmbiguous = step == .final && (code ?? 0) < 400
        let actions = conclude(.deferred(Deferral(reason: reason, code: code, isAmbiguous: isAmbiguous)))
        step = .closed
        return actions + [.close]
    }

    /// Ends the mail: every recipient still undecided gets `outcome`.
    mutating func conclude(_ outcome: ExitOutcome) -> [Action] {
        guard let ended = transaction else { return [] }
        transaction = nil
        return [.finished(ended.outcomes.map { $0 ?? outcome })]
    }

    static func line(_ text: String) -> [UInt8] { Array(text.utf8) + [0x0D, 0x0A] }
}

extension SMTPClientMachine.Transaction {
    init(envelope: SMTPEnvelope) {
        self.init(envelope: envelope, outcomes: envelope.recipients.map { _ in nil })
    }

    var isDecided: Bool { outcomes.allSatisfy { $0 != nil } }

    /// The next reply is about the first recipient who is not decided.
    mutating func awaitFirst() { index = outcomes.firstIndex { $0 == nil } ?? outcomes.count }
}
