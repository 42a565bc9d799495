import Exits
import MixCrypto

/// Connections of mail with a peer who says anything. The first byte of an input says how, the rest is what the peer says.
enum MailDialogue {
    /// A mail server that takes our mail, by SMTP or LMTP.
    static func server(_ bytes: [UInt8]) {
        guard let how = bytes.first, let recipient = try? MailRecipient("alice@example.org"),
            let other = try? MailRecipient("bob@example.com")
        else { return }
        var settings = SMTPSettings(
            security: [.none, .opportunistic, .required, .implicit][Int(how & 3)], helloName: "exit.example",
            credentials: how & 4 == 0
                ? nil : SMTPCredentials(user: "me", password: SymmetricSecret(copying: [1, 2, 3])),
            allowsPasswordInClear: how & 8 != 0)
        if how & 16 != 0 { settings.dialect = .lmtp }
        let envelope = SMTPEnvelope(
            sender: recipient, recipients: [recipient, other], wireBytes: 5000, hasEightBit: how & 32 != 0)
        var machine = SMTPClientMachine(settings: settings, envelope: envelope)
        var (finished, begun, isClosed) = (0, 1, false)
        func perform(_ actions: [SMTPClientMachine.Action]) {
            for action in actions {
                precondition(!isClosed, "nothing is done after the end")
                switch action {
                case .send(let line):
                    precondition(line.suffix(2) == [13, 10], "a command without an end")
                    precondition(line.dropLast(2).allSatisfy { $0 >= 32 && $0 < 127 }, "a command that is two")
                case .startTLS: perform(machine.tlsEstablished())
                case .sendContent: perform(machine.contentSent())
                case .finished(let outcomes):
                    finished += 1
                    precondition(finished == begun && outcomes.count == 2, "a mail has as many outcomes as recipients")
                    if begun < 3, machine.step == .ready {
                        begun += 1
                        perform(machine.begin(envelope))
                    }
                case .close: isClosed = true
                }
            }
        }
        for piece in pieces(of: bytes.dropFirst(), how) where !isClosed { perform(machine.received(piece)) }
        if !isClosed, machine.step == .ready { perform(machine.quit()) }
        if !isClosed { perform(how & 128 == 0 ? machine.closed() : machine.timedOut()) }
        precondition(finished == begun && machine.step == .closed, "a mail was forgotten")
    }

    /// A mail server that hands mail to us.
    static func lmtp(_ bytes: [UInt8]) {
        guard let how = bytes.first else { return }
        var limits = LMTPLimits(mail: 400)
        limits.line = 80
        limits.recipients = 3
        limits.mails = 4
        let whole = lmtp([bytes.dropFirst()], limits, stops: how & 1 != 0)
        let split = lmtp(pieces(of: bytes.dropFirst(), how), limits, stops: how & 1 != 0)
        precondition(whole.sent == split.sent && whole.mails == split.mails, "pieces make another dialogue")
    }

    private static func lmtp(
        _ pieces: [ArraySlice<UInt8>], _ limits: LMTPLimits, stops: Bool
    ) -> (sent: [UInt8], mails: [LMTPMail]) {
        var machine = LMTPServerMachine(name: "node.example", limits: limits)
        var (sent, mails, isClosed) = ([UInt8](), [LMTPMail](), false)
        func perform(_ actions: [LMTPServerMachine.Action]) {
            for action in actions {
                precondition(!isClosed, "nothing is done after the end")
                switch action {
                case .send(let bytes):
                    check(reply: bytes)
                    sent += bytes
                case .check(let recipient):
                    precondition(machine.isWaiting && !recipient.isEmpty, "a question that nobody waits for")
                    perform(machine.checked(LMTPReply(recipient.hasPrefix("bad") ? 550 : 250, nil, "recipient")))
                case .deliver(let mail):
                    precondition((1...limits.recipients).contains(mail.recipients.count), "a mail to nobody")
                    precondition(mail.content.count <= limits.mail && mails.count < limits.mails, "too much was taken")
                    mails.append(mail)
                    // One answer too few: the machine has one of its own.
                    perform(machine.delivered(mail.recipients.dropLast().map { _ in LMTPReply(250, "2.0.0", "ok") }))
                case .close: isClosed = true
                }
            }
        }
        perform(machine.start())
        for piece in pieces where !isClosed { perform(machine.received(piece)) }
        perform(stops ? machine.shutDown() : machine.timedOut())
        precondition(isClosed && machine.isClosed, "a connection stays")
        return (sent, mails)
    }

    /// A mail program that submits mail.
    static func program(_ bytes: [UInt8]) {
        guard let how = bytes.first else { return }
        let isSecure = how & 2 == 0
        let whole = program([bytes.dropFirst()], isSecure: isSecure, stops: how & 1 != 0)
        let split = program(pieces(of: bytes.dropFirst(), how), isSecure: isSecure, stops: how & 1 != 0)
        // What follows STARTTLS in one piece ends the connection, and in two it is the handshake's.
        if isSecure { precondition(whole.sent == split.sent && whole.mails == split.mails, "another dialogue") }
    }

    private static func program(
        _ pieces: [ArraySlice<UInt8>], isSecure: Bool, stops: Bool
    ) -> (sent: [UInt8], mails: [SubmittedMail]) {
        var limits = SubmissionLimits(mail: 400)
        limits.line = 120
        limits.recipients = 3
        limits.mails = 4
        var machine = SubmissionMachine(name: "localhost", limits: limits, isSecure: isSecure)
        var (sent, mails, isClosed) = ([UInt8](), [SubmittedMail](), false)
        func perform(_ actions: [SubmissionMachine.Action]) {
            for action in actions {
                precondition(!isClosed, "nothing is done after the end")
                switch action {
                case .send(let bytes):
                    check(reply: bytes)
                    sent += bytes
                case .startTLS:
                    precondition(!machine.isSecure, "TLS within TLS")
                    machine.secured()
                case .authenticate(let login):
                    precondition(machine.isSecure, "a password in the clear")
                    perform(machine.answered(SubmissionReply(login.user == "me" ? 235 : 535, nil, "login")))
                case .checkSender(let sender):
                    perform(machine.answered(SubmissionReply(sender.hasPrefix("bad") ? 550 : 250, nil, "sender")))
                case .checkRecipient(let recipient, _):
                    perform(machine.answered(SubmissionReply(recipient.hasPrefix("bad") ? 550 : 250, nil, "recipient")))
                case .deliver(let mail):
                    precondition(machine.isSecure && machine.isAuthenticated, "a mail of a stranger")
                    precondition((1...limits.recipients).contains(mail.recipients.count), "a mail to nobody")
                    precondition(mail.content.count <= limits.mail && mails.count < limits.mails, "too much was taken")
                    precondition(!mail.content.contains(0), "a zero byte in a mail")
                    mails.append(mail)
                    perform(machine.answered(SubmissionReply(250, "2.0.0", "stored")))
                case .close: isClosed = true
                }
            }
        }
        perform(machine.start())
        for piece in pieces where !isClosed { perform(machine.received(piece)) }
        perform(stops ? machine.shutDown() : machine.timedOut())
        precondition(isClosed && machine.isClosed, "a connection stays")
        return (sent, mails)
    }

    /// Nothing that a peer said may end a line of ours.
    private static func check(reply bytes: [UInt8]) {
        precondition(bytes.suffix(2) == [13, 10], "a reply without an end")
        for line in bytes.dropLast(2).split(separator: 10, omittingEmptySubsequences: false) {
            let text = line.last == 13 ? line.dropLast() : line
            precondition(text.allSatisfy { $0 >= 32 && $0 < 127 } && text.count <= 510, "a reply that is two")
            precondition(text.count >= 3 && text.prefix(3).allSatisfy { $0 >= 48 && $0 < 58 }, "a reply without a code")
        }
    }

    /// `bytes` as they may come, in pieces of the size that `how` says.
    private static func pieces(of bytes: ArraySlice<UInt8>, _ how: UInt8) -> [ArraySlice<UInt8>] {
        let size = [1, 2, 7, 100_000][Int(how >> 5 & 3)]
        return stride(from: bytes.startIndex, to: bytes.endIndex, by: size).map {
            bytes[$0..<min($0 + size, bytes.endIndex)]
        }
    }
}
