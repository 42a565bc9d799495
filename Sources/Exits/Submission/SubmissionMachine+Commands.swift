// The commands of a mail program and their order.

internal import WireFormat

extension SubmissionMachine {
    mutating func command(_ line: ArraySlice<UInt8>) -> [Action] {
        // Bytes over 127 are no part of any command that is understood here, and never shown back.
        let text = String(decoding: line, as: UTF8.self)
        let verb = text.prefix { $0 != " " }.uppercased()
        let rest = text.dropFirst(verb.count).drop { $0 == " " }
        switch verb {
        case "EHLO", "HELO":
            guard !rest.isEmpty else { return refuse(501, "5.5.4", "name yourself: \(verb) name") }
            reset()
            isExtended = verb == "EHLO"
            return isExtended ? [.send(capabilities)] : answer(250, nil, name)
        case "NOOP": return answer(250, "2.0.0", "well")
        case "HELP": return answer(214, "2.0.0", "EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP QUIT")
        case "VRFY": return answer(252, "2.5.0", "send mail to find out")
        case "QUIT": return end(SubmissionReply(221, "2.0.0", "\(name) says goodbye"))
        case "RSET":
            if phase != .greeting { reset() }
            return answer(250, "2.0.0", "forgotten")
        case "STARTTLS": return startTLS(rest)
        case "AUTH": return authenticate(rest)
        case "MAIL", "RCPT", "DATA":
            guard isSecure else { return refuse(530, "5.7.0", "turn on STARTTLS in the mail program first") }
            guard isAuthenticated else {
                return refuse(
                    530, "5.7.0",
                    "turn on the password (AUTH) in the mail program first; `nightjar gateway init` made it")
            }
            return transaction(verb, rest)
        default: return refuse(500, "5.5.1", "not a command of this server")
        }
    }

    private mutating func transaction(_ verb: String, _ rest: Substring) -> [Action] {
        switch (verb, phase) {
        case ("MAIL", .ready): return mail(rest)
        case ("RCPT", .mail): return recipient(rest)
        case ("DATA", .mail):
            guard rest.isEmpty else { return refuse(501, "5.5.4", "DATA stands alone") }
            guard !recipients.isEmpty else { return refuse(503, "5.5.1", "no recipient was taken") }
            phase = .content
            content = LMTPContent(limit: limits.mail)
            return answer(354, nil, "end with a line of one dot")
        default: return refuse(503, "5.5.1", "not in this order: EHLO, MAIL, RCPT, DATA")
        }
    }

    private var capabilities: [UInt8] {
        var lines = [name, "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE \(limits.mail)"]
        // A password is asked for only where nobody else can read it.
        if isSecure { lines.append("AUTH PLAIN LOGIN") } else { lines.append("STARTTLS") }
        return SubmissionReply(250, nil, lines).bytes
    }

    private mutating func startTLS(_ rest: Substring) -> [Action] {
        guard rest.isEmpty else { return refuse(501, "5.5.4", "STARTTLS stands alone") }
        guard !isSecure else { return refuse(503, "5.5.1", "TLS is on already") }
        guard phase == .ready, isExtended else { return refuse(503, "5.5.1", "say EHLO first") }
        phase = .startingTLS
        return answer(220, "2.0.0", "begin TLS") + [.startTLS]
    }

    // MARK: Passwords (RFC 4954)

    private mutating func authenticate(_ rest: Substring) -> [Action] {
        guard isSecure else {
            return refuse(538, "5.7.11", "a password needs TLS: turn on STARTTLS in the mail program")
        }
        guard phase == .ready, isExtended else { return refuse(503, "5.5.1", "say EHLO first, and AUTH before MAIL") }
        guard !isAuthenticated else { return refuse(503, "5.5.1", "the password was taken already") }
        let words = rest.split(separator: " ", maxSplits: 1).map(String.init)
        let first = words.count > 1 ? Array(words[1].utf8) : nil
        switch words.first?.uppercased() {
        case "PLAIN": phase = .plain
        case "LOGIN": phase = .loginUser
        default: return refuse(504, "5.5.4", "AUTH PLAIN or AUTH LOGIN")
        }
        if let first { return challengeAnswered(first[...]) }
        return phase == .plain ? [.send(Array("334 \r\n".utf8))] : challenge("Username:")
    }

    private func challenge(_ text: String) -> [Action] {
        [.send(Array("334 \(Base64.encode(Array(text.utf8)))\r\n".utf8))]
    }

    mutating func challengeAnswered(_ line: ArraySlice<UInt8>) -> [Action] {
        let asked = phase
        phase = .ready
        let text = String(decoding: line, as: UTF8.self)
        guard text != "*" else { return refuse(501, "5.7.0", "cancelled") }
        guard let bytes = text == "=" ? [] : Base64.decode(text) else {
            return refuse(501, "5.5.2", "that is not base64")
        }
        switch asked {
        case .plain:
            // authorization id | 0 | user | 0 | password (RFC 4616)
            let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let user = String(validating: parts[1], as: UTF8.self),
                parts[0].isEmpty || parts[0] == parts[1], !parts[2].contains(0)
            else { return refuse(501, "5.5.2", "not a name and a password") }
            return login(user, Array(parts[2]))
        case .loginUser:
            guard let user = String(validating: bytes, as: UTF8.self) else {
                return refuse(501, "5.5.2", "not a name")
            }
            phase = .loginPassword(user)
            return challenge("Password:")
        case .loginPassword(let user): return login(user, bytes)
        default: return []
        }
    }

    private mutating func login(_ user: String, _ password: [UInt8]) -> [Action] {
        phase = .authenticating
        return [.authenticate(SubmissionLogin(user: user, password: password))]
    }

    // MARK: Envelope

    private mutating func mail(_ rest: Substring) -> [Action] {
        guard let (path, parameters) = MailPath.read(rest, keyword: "FROM:") else {
            return refuse(501, "5.5.4", "write MAIL FROM:<address>")
        }
        announced = 0
        for parameter in parameters {
            let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch (pair[0].uppercased(), pair.count > 1 ? pair[1].uppercased() : "") {
            case ("SIZE", let size):
                guard let size = Int(size), size >= 0 else { return refuse(501, "5.5.4", "SIZE is a number") }
                guard size <= limits.mail else {
                    return refuse(
                        552, "5.3.4", "the mail is larger than \(limits.mail) bytes; send less, or in several mails")
                }
                announced = size
            case ("BODY", "7BIT"), ("BODY", "8BITMIME"): break
            // Who wrote it is known already (RFC 4954 section 5).
            case ("AUTH", let address) where !address.isEmpty: break
            default: return refuse(555, "5.5.4", "a parameter is not known here")
            }
        }
        mails += 1
        guard mails <= limits.mails else {
            return end(SubmissionReply(421, "4.7.0", "enough mail over this connection"))
        }
        phase = .checkingSender(path)
        return [.checkSender(path)]
    }

    private mutating func recipient(_ rest: Substring) -> [Action] {
        guard let (path, parameters) = MailPath.read(rest, keyword: "TO:"), !path.isEmpty else {
            return refuse(501, "5.5.4", "write RCPT TO:<address>")
        }
        guard parameters.isEmpty else { return refuse(555, "5.5.4", "a parameter is not known here") }
        guard !recipients.contains(where: { $0.lowercased() == path.lowercased() }) else {
            return answer(250, "2.1.5", "named already")
        }
        guard recipients.count < limits.recipients else {
            return answer(452, "4.5.3", "a mail has at most \(limits.recipients) recipients; write to the others apart")
        }
        phase = .checkingRecipient(path)
        return [.checkRecipient(path, sender: sender)]
    }
}
