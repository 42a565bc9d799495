// The server's side of a mail program's connection (RFC 6409) as a pure machine: bytes in, actions out. Strict where
// leniency has let people smuggle: a line ends in CR LF and in nothing else, nothing may be sent ahead of TLS or of a
// reply that decides what follows. Whatever a peer sends is bounded.

/// One connection's state.
package struct SubmissionMachine: ServerMachine {
    package enum Action: Equatable {
        case send([UInt8])
        /// Begin TLS; then call `secured`.
        case startTLS
        /// Ask whether the password is right; then call `answered`.
        case authenticate(SubmissionLogin)
        /// Ask whether this sender may send; then call `answered`.
        case checkSender(String)
        /// Ask whether this recipient can be reached; then call `answered`.
        case checkRecipient(String, sender: String)
        /// Hand the mail over; then call `answered`.
        case deliver(SubmittedMail)
        case close
    }

    enum Phase: Equatable {
        /// No EHLO yet.
        case greeting
        case ready
        case startingTLS
        /// An answer of the mail program to a challenge is awaited; with the user's name once that is known.
        case plain, loginUser
        case loginPassword(String)
        case authenticating
        case checkingSender(String)
        /// Between MAIL and DATA.
        case mail
        case checkingRecipient(String)
        case content
        case delivering
        case closed
    }

    let name: String
    let limits: SubmissionLimits
    /// Whether STARTTLS is possible or TLS is there already.
    package private(set) var isSecure: Bool
    package internal(set) var isAuthenticated = false
    /// Whether the last greeting was EHLO.
    var isExtended = false
    var phase = Phase.greeting
    var sender = ""
    var recipients: [String] = []
    var content = LMTPContent(limit: 0)
    var mails = 0
    /// Bytes that the mail program has announced for the mail; 0 if it has not.
    var announced = 0
    var failedLogins = 0
    private var input: [UInt8] = []
    private var errors = 0
    private var isStopping = false

    /// - Parameters:
    ///   - name: this server's name in its greeting.
    ///   - isSecure: whether TLS came before the first byte (RFC 8314).
    package init(name: String, limits: SubmissionLimits, isSecure: Bool) {
        self.name = name
        self.limits = limits
        self.isSecure = isSecure
    }

    /// Whether something on our side is awaited; then nothing is read from the peer.
    package var isWaiting: Bool {
        switch phase {
        case .authenticating, .checkingSender, .checkingRecipient, .delivering: true
        default: false
        }
    }

    package var isClosed: Bool { phase == .closed }

    // MARK: Events

    /// The connection is up.
    package func start() -> [Action] { [.send(SubmissionReply(220, nil, "\(name) ESMTP").bytes)] }

    /// Bytes from the peer.
    package mutating func received(_ bytes: some Collection<UInt8>) -> [Action] {
        guard !isClosed, phase != .startingTLS else { return [] }
        input += bytes
        return process()
    }

    /// TLS is there. What was said before it is forgotten (RFC 3207 section 4.2).
    package mutating func secured() {
        guard phase == .startingTLS else { return }
        isSecure = true
        reset()
        phase = .greeting
    }

    /// The answer to what was asked last.
    package mutating func answered(_ reply: SubmissionReply) -> [Action] {
        var actions: [Action] = [.send(reply.bytes)]
        switch phase {
        case .authenticating:
            phase = .ready
            if reply.isPositive {
                isAuthenticated = true
            } else {
                failedLogins += 1
                if failedLogins >= limits.logins {
                    return actions + end(SubmissionReply(421, "4.7.0", "too many passwords; connect again"))
                }
            }
        case .checkingSender(let address):
            phase = reply.isPositive ? .mail : .ready
            if reply.isPositive { sender = address }
        case .checkingRecipient(let address):
            phase = .mail
            if reply.isPositive { recipients.append(address) }
        case .delivering: reset()
        default: return []
        }
        if isStopping { return actions + shutDown() }
        actions += process()
        return actions
    }

    /// The peer is too slow.
    package mutating func timedOut() -> [Action] { end(SubmissionReply(421, "4.4.2", "\(name) waited too long")) }

    /// This side is stopping. A mail that is being handed over is answered first.
    package mutating func shutDown() -> [Action] {
        isStopping = true
        if phase == .delivering { return [] }
        return end(SubmissionReply(421, "4.3.2", "\(name) is stopping; try again later"))
    }

    mutating func end(_ reply: SubmissionReply) -> [Action] {
        guard !isClosed else { return [] }
        phase = .closed
        input = []
        return [.send(reply.bytes), .close]
    }

    /// Forgets the mail that was begun.
    mutating func reset() {
        phase = .ready
        sender = ""
        recipients = []
        content = LMTPContent(limit: 0)
    }

    func answer(_ code: UInt16, _ status: String?, _ lines: String...) -> [Action] {
        [.send(SubmissionReply(code, status, lines).bytes)]
    }

    /// A command that was wrong.
    mutating func refuse(_ code: UInt16, _ status: String, _ lines: String...) -> [Action] {
        errors += 1
        guard errors <= limits.errors else { return end(SubmissionReply(421, "4.7.0", "too many errors")) }
        return [.send(SubmissionReply(code, status, lines).bytes)]
    }

    // MARK: Lines

    private mutating func process() -> [Action] {
        var actions: [Action] = []
        var start = 0
        while !isWaiting, !isClosed, start < input.count {
            if phase == .content {
                let (used, isComplete) = content.take(input[start...])
                start += used
                if isComplete { actions += contentEnded() }
                continue
            }
            guard let lineEnd = input[start...].firstIndex(of: 0x0A) else {
                if input.count - start > limits.line { actions += end(Self.tooLong) }
                break
            }
            let line = input[start..<lineEnd]
            start = lineEnd + 1
            guard line.count < limits.line else {
                actions += end(Self.tooLong)
                break
            }
            // Where a line ends differently for another program, one of the two can be made to see commands in text.
            guard line.last == 0x0D, !line.dropLast().contains(0x0D), !line.contains(0) else {
                actions += end(SubmissionReply(500, "5.5.2", "end lines with CR LF, and use neither alone"))
                break
            }
            actions += take(line.dropLast())
            if phase == .startingTLS {
                // RFC 3207 section 6: what came in the clear must not be taken for what comes by TLS.
                guard start == input.count else {
                    actions.removeLast(min(2, actions.count))
                    actions += end(SubmissionReply(503, "5.5.1", "nothing may follow STARTTLS; wait for the reply"))
                    break
                }
                break
            }
        }
        if isClosed { input = [] } else { input.removeFirst(start) }
        return actions
    }

    private static let tooLong = SubmissionReply(500, "5.5.2", "line too long")

    private mutating func take(_ line: ArraySlice<UInt8>) -> [Action] {
        switch phase {
        case .plain, .loginUser, .loginPassword: challengeAnswered(line)
        default: command(line)
        }
    }

    private mutating func contentEnded() -> [Action] {
        guard !content.isTooLong else {
            reset()
            return answer(552, "5.3.4", "the mail is larger than \(limits.mail) bytes; send less, or in several mails")
        }
        guard SubmissionText.hasCleanLines(content.bytes) else {
            reset()
            return answer(554, "5.6.0", "the mail has a zero byte, or a CR or LF alone: lines end with CR LF")
        }
        phase = .delivering
        return [.deliver(SubmittedMail(sender: sender, recipients: recipients, content: content.bytes))]
    }
}

/// What may stand in a mail.
enum SubmissionText {
    /// Whether CR and LF stand only together and in this order, and no byte is zero.
    static func hasCleanLines(_ bytes: [UInt8]) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0 || (byte == 0x0A) != (previous == 0x0D) { return false }
            previous = byte
        }
        return previous != 0x0D
    }
}
