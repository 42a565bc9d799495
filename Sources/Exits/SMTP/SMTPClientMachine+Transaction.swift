// One mail in a session: MAIL, RCPT, DATA, the content and its final dot. Here alone a 5xx can concern the mail, and
// the tables below say which does:
//
//   MAIL   552 and the codes for "too large": the mail. Authentication wanted, command not understood: the operator.
//          All others speak of the exit's own sender address: the operator.
//   RCPT   the recipient, save for: authentication wanted, command not understood, "relay" refused (the operator);
//          552, which old servers say for "too many recipients" (RFC 5321 section 4.5.3.1.10: treat as 452).
//   DATA   the mail, save for: authentication wanted, command not understood (the operator).
//   dot    the mail, save for: authentication wanted, bad sequence (the operator). Under LMTP for one recipient, and a
//          status about his address is about him.

extension SMTPClientMachine {
    /// Starts another mail on a connection that is `ready`.
    public mutating func begin(_ envelope: SMTPEnvelope) -> [Action] {
        guard step == .ready, transaction == nil else {
            return [.finished(envelope.recipients.map { _ in .deferred(.closed) })]
        }
        transaction = Transaction(envelope: envelope)
        return begin()
    }

    /// The shell has written all of the content, its last line ended.
    public mutating func contentSent() -> [Action] {
        guard step == .content else { return [] }
        step = .final
        transaction?.awaitFirst()
        return [.send(Self.line("."))]
    }

    /// The session is up: sends the mail that waits, if one does.
    mutating func begin() -> [Action] {
        guard let transaction else {
            step = .ready
            return []
        }
        if let maximum = capabilities.maximumSize, transaction.envelope.wireBytes > maximum {
            return finish(.refused(.tooLarge, code: nil), needsReset: needsReset)
        }
        if needsReset {
            step = .reset
            return [.send(Self.line("RSET"))]
        }
        step = .sender
        var command = "MAIL FROM:<\(transaction.envelope.sender?.address ?? "")>"
        if capabilities.size { command += " SIZE=\(transaction.envelope.wireBytes)" }
        // A server without 8BITMIME gets the bytes all the same, as mail programs have done for decades: to re-encode
        // would alter the body, to refuse would lose the mail.
        if capabilities.eightBitMIME, transaction.envelope.hasEightBit { command += " BODY=8BITMIME" }
        return [.send(Self.line(command))]
    }

    mutating func handleTransaction(_ reply: SMTPReply) -> [Action] {
        switch step {
        case .reset:
            guard reply.isPositive else {
                return leave(reply.isTransient ? .temporary : .commandRefused, code: reply.code)
            }
            needsReset = false
            return begin()
        case .sender:
            if reply.isPositive { return nextRecipient() }
            guard let outcome = Self.failure(reply, at: .sender) else {
                return abort(.protocolViolation, code: reply.code)
            }
            return finish(outcome, needsReset: true)
        case .recipient:
            return answeredRecipient(reply)
        case .data:
            if reply.code == 354 {
                step = .content
                return [.sendContent]
            }
            guard let outcome = Self.failure(reply, at: .data) else {
                return abort(.protocolViolation, code: reply.code)
            }
            return finish(outcome, needsReset: true)
        case .content:
            // An answer before the end: the server takes no more of this mail, and the two sides are out of step.
            guard let outcome = Self.failure(reply, at: .final) else {
                return abort(.protocolViolation, code: reply.code)
            }
            let actions = conclude(outcome)
            step = .closed
            return actions + [.close]
        case .final where settings.dialect == .lmtp:
            return answeredContent(reply)
        case .final:
            if reply.isPositive { return finish(.delivered(code: reply.code), needsReset: false) }
            guard let outcome = Self.failure(reply, at: .final) else {
                return abort(.protocolViolation, code: reply.code)
            }
            return finish(outcome, needsReset: false)
        default:
            return []
        }
    }

    private mutating func answeredRecipient(_ reply: SMTPReply) -> [Action] {
        guard let index = transaction?.index else { return [] }
        if !reply.isPositive {
            guard let outcome = Self.failure(reply, at: .recipient) else {
                return abort(.protocolViolation, code: reply.code)
            }
            transaction?.outcomes[index] = outcome
        }
        transaction?.index = index + 1
        return nextRecipient()
    }

    /// LMTP: the reply for one of the recipients that were accepted, in their order.
    private mutating func answeredContent(_ reply: SMTPReply) -> [Action] {
        guard let index = transaction?.index else { return [] }
        if reply.isPositive {
            transaction?.outcomes[index] = .delivered(code: reply.code)
        } else {
            guard let outcome = Self.failure(reply, at: .final) else {
                return abort(.protocolViolation, code: reply.code)
            }
            transaction?.outcomes[index] = outcome
        }
        transaction?.awaitFirst()
        // With every recipient decided the value below reaches none.
        return transaction?.isDecided == true ? finish(.deferred(.unknown), needsReset: false) : []
    }

    private mutating func nextRecipient() -> [Action] {
        guard let transaction else { return [] }
        if transaction.index < transaction.envelope.recipients.count {
            step = .recipient
            return [.send(Self.line("RCPT TO:<\(transaction.envelope.recipients[transaction.index].address)>"))]
        }
        // With every recipient decided there is nobody to send to; the value below reaches none.
        guard transaction.outcomes.contains(where: { $0 == nil }) else {
            return finish(.deferred(.unknown), needsReset: true)
        }
        step = .data
        return [.send(Self.line("DATA"))]
    }

    /// Ends the mail and keeps the connection for the next.
    private mutating func finish(_ outcome: ExitOutcome, needsReset: Bool) -> [Action] {
        let actions = conclude(outcome)
        self.needsReset = needsReset
        step = .ready
        return actions
    }

    /// What a 4xx or 5xx means at `step`; nil for any other reply.
    static func failure(_ reply: SMTPReply, at step: Step) -> ExitOutcome? {
        let code = reply.code
        if reply.isTransient { return .deferred(.temporary, code: code) }
        guard reply.isPermanent else { return nil }
        // RFC 4954 section 6.
        if [530, 534, 535, 538].contains(code) { return .deferred(.authenticationRefused, code: code) }
        let isTooLarge = [[5, 3, 4], [5, 2, 3]].contains(reply.enhanced) || code == 552 && reply.enhanced == nil
        let isUnknownCommand = (500...504).contains(code) || code == 555
        switch step {
        case .sender:
            if isTooLarge || code == 552 { return .refused(.tooLarge, code: code) }
            return .deferred(isUnknownCommand ? .commandRefused : .senderRefused, code: code)
        case .recipient:
            if code == 552 { return .deferred(.temporary, code: code) }
            // A status about the address (RFC 3463 section 3.2), such as 501 5.1.3, settles it.
            if code != 500, reply.enhanced?[1] == 1 { return .refused(.recipientRefused, code: code) }
            if isUnknownCommand { return .deferred(.commandRefused, code: code) }
            // Where no status says so, nothing but the word tells "I do not relay for you" from "no such user".
            if reply.mentions("relay") { return .deferred(.relayRefused, code: code) }
            return .refused(.recipientRefused, code: code)
        case .data where isUnknownCommand:
            return .deferred(.commandRefused, code: code)
        default:
            if code == 503 { return .deferred(.commandRefused, code: code) }
            // LMTP: a status about the mailbox (RFC 3463 section 3.2 and 3.3).
            if reply.enhanced?[1] == 1 { return .refused(.recipientRefused, code: code) }
            return .refused(isTooLarge ? .tooLarge : .contentRefused, code: code)
        }
    }
}
