// The server's side of an LMTP connection (RFC 2033) as a pure machine: bytes in, actions out. A mail server hands over
// answers to anonymous mail; each recipient gets a reply of its own after the content. Whatever a peer sends is bounded.

/// Bounds of an LMTP connection.
public struct LMTPLimits: Hashable, Sendable {
    /// Bytes of a mail's content.
    public var mail: Int
    /// Recipients of one mail.
    public var recipients = 16
    /// Bytes of a command line, its end included.
    public var line = 2048
    /// Commands that fail before the connection is ended.
    public var errors = 20
    /// Mails over one connection.
    public var mails = 1000

    public init(mail: Int) { self.mail = mail }
}

/// One connection's state.
package struct LMTPServerMachine: ServerMachine {
    package enum Action: Equatable {
        case send([UInt8])
        /// Ask whether this recipient is known; then call `checked`.
        case check(String)
        /// Hand the mail over; then call `delivered`.
        case deliver(LMTPMail)
        case close
    }

    private enum Phase {
        case greeting, ready
        /// Between MAIL and the end of the content.
        case mail
        /// `check` or `deliver` is under way.
        case checking(String)
        case delivering
        case content
        case closed
    }

    private let name: String
    private let limits: LMTPLimits
    private var phase = Phase.greeting
    private var input: [UInt8] = []
    private var sender = ""
    private var recipients: [String] = []
    private var content = LMTPContent(limit: 0)
    private var errors = 0
    private var mails = 0
    private var isStopping = false

    /// - Parameter name: this server's name in its greeting.
    package init(name: String, limits: LMTPLimits) {
        self.name = name
        self.limits = limits
    }

    /// Whether an answer from our side is awaited; then nothing is read from the peer.
    package var isWaiting: Bool {
        switch phase {
        case .checking, .delivering: true
        default: false
        }
    }

    package var isClosed: Bool { if case .closed = phase { true } else { false } }

    // MARK: Events

    /// The connection is up.
    package func start() -> [Action] { [.send(LMTPReply(220, nil, "\(name) LMTP").bytes)] }

    /// Bytes from the peer.
    package mutating func received(_ bytes: some Collection<UInt8>) -> [Action] {
        guard !isClosed else { return [] }
        input += bytes
        return process()
    }

    /// The answer to `check`.
    package mutating func checked(_ reply: LMTPReply) -> [Action] {
        guard case .checking(let recipient) = phase else { return [] }
        phase = .mail
        if reply.isPositive { recipients.append(recipient) }
        return [.send(reply.bytes)] + process()
    }

    /// The answers to `deliver`, one for each recipient.
    package mutating func delivered(_ replies: [LMTPReply]) -> [Action] {
        guard case .delivering = phase else { return [] }
        let missing = LMTPReply(451, "4.3.0", "no answer; try again later")
        let lines = recipients.indices.flatMap { replies.indices.contains($0) ? replies[$0].bytes : missing.bytes }
        reset()
        if isStopping { return [.send(lines)] + shutDown() }
        return [.send(lines)] + process()
    }

    /// The peer is too slow.
    package mutating func timedOut() -> [Action] { end(LMTPReply(421, "4.4.2", "\(name) waited too long")) }

    /// This side is stopping. A mail that is being handed over is answered first.
    package mutating func shutDown() -> [Action] {
        isStopping = true
        if case .delivering = phase { return [] }
        return end(LMTPReply(421, "4.3.2", "\(name) is stopping"))
    }

    private mutating func end(_ reply: LMTPReply) -> [Action] {
        guard !isClosed else { return [] }
        phase = .closed
        input = []
        return [.send(reply.bytes), .close]
    }

    private mutating func reset() {
        phase = .ready
        sender = ""
        recipients = []
        content = LMTPContent(limit: 0)
    }

    // MARK: Lines

    private mutating func process() -> [Action] {
        var actions: [Action] = []
        var start = 0
        while !isWaiting, !isClosed, start < input.count {
            if case .content = phase {
                let (used, isComplete) = content.take(input[start...])
                start += used
                if isComplete { actions += contentEnded() }
                continue
            }
            guard let lineEnd = input[start...].firstIndex(of: 0x0A) else {
                if input.count - start > limits.line { actions += end(LMTPReply(500, "5.5.2", "line too long")) }
                break
            }
            var line = input[start..<lineEnd]
            start = lineEnd + 1
            // With its end, however it came in pieces.
            guard line.count < limits.line else {
                actions += end(LMTPReply(500, "5.5.2", "line too long"))
                break
            }
            if line.last == 0x0D { line = line.dropLast() }
            actions += command(line)
        }
        if isClosed { input = [] } else { input.removeFirst(start) }
        return actions
    }

    private mutating func contentEnded() -> [Action] {
        guard !content.isTooLong else {
            let reply = LMTPReply(552, "5.3.4", "mail is larger than \(limits.mail) bytes").bytes
            let lines = recipients.flatMap { _ in reply }
            reset()
            return [.send(lines)]
        }
        phase = .delivering
        return [.deliver(LMTPMail(sender: sender, recipients: recipients, content: content.bytes))]
    }

    private mutating func command(_ line: ArraySlice<UInt8>) -> [Action] {
        // Bytes over 127 are no part of any command that is understood here, and never shown back.
        let text = String(decoding: line, as: UTF8.self)
        let verb = text.prefix { $0 != " " }.uppercased()
        let rest = text.dropFirst(verb.count).drop { $0 == " " }
        switch (verb, phase) {
        case ("LHLO", _):
            guard !rest.isEmpty else { return refuse(501, "5.5.4", "name yourself: LHLO name") }
            reset()
            let lines = [
                "250-\(name)", "250-PIPELINING", "250-8BITMIME", "250-ENHANCEDSTATUSCODES", "250 SIZE \(limits.mail)",
            ]
            return [.send(Array((lines.joined(separator: "\r\n") + "\r\n").utf8))]
        case ("NOOP", _): return answer(250, "2.0.0", "well")
        case ("VRFY", _): return answer(252, "2.5.0", "send mail to find out")
        case ("QUIT", _): return end(LMTPReply(221, "2.0.0", "\(name) says goodbye"))
        case ("RSET", .greeting): return answer(250, "2.0.0", "nothing to forget")
        case ("RSET", _):
            reset()
            return answer(250, "2.0.0", "forgotten")
        case ("MAIL", .ready): return mail(rest)
        case ("RCPT", .mail): return recipient(rest)
        case ("DATA", .mail):
            guard !recipients.isEmpty else { return refuse(503, "5.5.1", "no recipient was taken") }
            phase = .content
            content = LMTPContent(limit: limits.mail)
            return answer(354, nil, "end with a line of one dot")
        case ("MAIL", _), ("RCPT", _), ("DATA", _): return refuse(503, "5.5.1", "not in this order")
        // RFC 2033 section 4.1: an LMTP server knows neither.
        case ("HELO", _), ("EHLO", _): return refuse(500, "5.5.1", "this is LMTP: say LHLO")
        default: return refuse(500, "5.5.1", "not a command of this server")
        }
    }

    private mutating func mail(_ rest: Substring) -> [Action] {
        guard let (path, parameters) = MailPath.read(rest, keyword: "FROM:") else {
            return refuse(501, "5.5.4", "write MAIL FROM:<address>")
        }
        for parameter in parameters {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch (pair[0].uppercased(), pair.count > 1 ? pair[1].uppercased() : "") {
            case ("SIZE", let size):
                guard let size = Int(size), size >= 0 else { return refuse(501, "5.5.4", "SIZE is a number") }
                guard size <= limits.mail else {
                    return refuse(552, "5.3.4", "mail is larger than \(limits.mail) bytes")
                }
            case ("BODY", "7BIT"), ("BODY", "8BITMIME"): break
            default: return refuse(555, "5.5.4", "a parameter is not known here")
            }
        }
        mails += 1
        guard mails <= limits.mails else { return end(LMTPReply(421, "4.7.0", "enough mail over this connection")) }
        sender = path
        phase = .mail
        return answer(250, "2.1.0", "sender ok")
    }

    private mutating func recipient(_ rest: Substring) -> [Action] {
        guard let (path, parameters) = MailPath.read(rest, keyword: "TO:"), !path.isEmpty else {
            return refuse(501, "5.5.4", "write RCPT TO:<address>")
        }
        guard parameters.isEmpty else { return refuse(555, "5.5.4", "a parameter is not known here") }
        guard recipients.count < limits.recipients else { return answer(452, "4.5.3", "too many recipients") }
        phase = .checking(path)
        return [.check(path)]
    }

    private func answer(_ code: UInt16, _ status: String?, _ text: String) -> [Action] {
        [.send(LMTPReply(code, status, text).bytes)]
    }

    private mutating func refuse(_ code: UInt16, _ status: String, _ text: String) -> [Action] {
        errors += 1
        guard errors <= limits.errors else { return end(LMTPReply(421, "4.7.0", "too many errors")) }
        return answer(code, status, text)
    }
}
