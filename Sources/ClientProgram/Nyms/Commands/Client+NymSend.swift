// Sending mail as a nym: a request to its server, which gives the mail to the world outside.

internal import Daemon
internal import Messages
internal import NymProtocol
internal import WireFormat

/// A mail to send as a nym.
public struct NymSendRequest: Sendable {
    /// One of our nyms or aliases: `alice@nym.example`, or its name alone.
    public var nym: String
    /// 1 to 8 mail addresses, `user@host`.
    public var recipients: [String]
    /// The whole mail as it was written; of its header only Subject, In-Reply-To, References and the MIME fields
    /// travel.
    public var content: [UInt8]
    /// Shown to recipients beside the address.
    public var displayName: String?
    /// Replaces the mail's subject.
    public var subject: String?
    /// 32 bytes by which the mail is known: while its request is remembered, the same again adds nothing.
    public var token: [UInt8]?
    /// Where the keyring's passphrase comes from.
    public var passphrase: PassphraseSource

    public init(
        nym: String, recipients: [String], content: [UInt8], displayName: String? = nil, subject: String? = nil,
        passphrase: PassphraseSource = .none
    ) {
        self.nym = nym
        self.recipients = recipients
        self.content = content
        self.displayName = displayName
        self.subject = subject
        self.passphrase = passphrase
    }
}

/// What became of it here.
public struct NymSendReport: Hashable, Sendable, Encodable {
    /// The nym's address, or the alias that was asked for.
    public let from: String
    /// The request's number: `nightjar nym status` tells its result under it.
    public let number: UInt64
    /// Fields of the mail's header that do not travel.
    public let leftOut: [String]
    /// `nightjar run` sends it.
    public let isLeftToRun: Bool
}

extension Client {
    /// Writes a mail down that a nym sends. When this returns it is durable and will be sent, by `nightjar run` if that
    /// serves the network, else by the next command that sends.
    /// - Throws: errors for people; then nothing was written down.
    public func nymSend(_ request: NymSendRequest) async throws -> NymSendReport {
        try await nymSend(request, keyring: try Keyring.open(self, passphrase: request.passphrase))
    }

    /// The same with a keyring that is open already, as a service has it.
    func nymSend(_ request: NymSendRequest, keyring: Keyring) async throws -> NymSendReport {
        try await withNym(request.nym, keyring: keyring) { open in
            let report = try write(request, open)
            // Without `run` the packets are made by whoever comes next; what fails now is tried again then.
            _ = open.requests.transmitDue(open.nym, at: time.clock.now())
            return report
        }
    }

    private func write(_ request: NymSendRequest, _ open: OpenNym) throws -> NymSendReport {
        let state = try open.state()
        if let token = request.token, let known = state.sent.last(where: { $0.token == token }) {
            return report(open, number: known.number, leftOut: [])
        }
        switch state.stage {
        case .active: break
        case .pending:
            throw NymClientError.notActive(open.nym.address, why: "is not confirmed by its server yet; try again later")
        case .refused, .closing, .closed:
            throw NymClientError.notActive(open.nym.address, why: "does not exist; see `nightjar nym status`")
        }
        let (content, leftOut) = try Self.nymContent(request)
        let recipients = try request.recipients.map { try Self.mailRecipient($0) }
        let mail = try NymMail(
            from: open.from, displayName: request.displayName ?? "", recipients: recipients, content: content)
        let now = time.clock.now()
        let number = try open.requests.add(.send, [.send(mail)], of: open.nym, at: now) { state, number in
            state.sent.append(
                NymState.Sent(
                    number: number, made: now, recipients: recipients.joined(separator: ", "), result: nil,
                    token: request.token ?? []))
            if state.sent.count > NymState.mostSent { state.sent.removeFirst(state.sent.count - NymState.mostSent) }
        }
        return report(open, number: number, leftOut: leftOut)
    }

    private func report(_ open: OpenNym, number: UInt64, leftOut: [String]) -> NymSendReport {
        NymSendReport(
            from: "\(open.from.text)@\(open.nym.domain)", number: number, leftOut: leftOut,
            isLeftToRun: RunLock.isHeld(places, network: open.nym.network))
    }

    /// Kept header fields, an empty line and the body.
    private static func nymContent(_ request: NymSendRequest) throws -> (content: [UInt8], leftOut: [String]) {
        guard request.content.contains(where: { $0 > 0x20 }) else { throw SendError.emptyMessage }
        let mail = try OutgoingMail(request.content, options: OutgoingMail.Options(subject: request.subject))
        var fields = mail.fields
        // The nym's own name is set by the server.
        fields[.displayName] = nil
        let head: [HeaderField]
        do throws(HeaderViolation) {
            head = try HeaderRules.senderHeaders(from: fields)
        } catch {
            throw OutgoingMailError.header(error)
        }
        return (head.flatMap(\.serialized) + [0x0D, 0x0A] + mail.body, mail.dropped)
    }

    private static func mailRecipient(_ text: String) throws -> String {
        guard let address = try Self.address(text).mailAddress else {
            throw CommandFailure(
                "a nym can write to mail addresses only, and \(Printable.text(text)) is none; write for example "
                    + "bob@example.org", code: .usage)
        }
        return address
    }

    /// `nightjar nym send`.
    public func sendAsNym(
        _ request: NymSendRequest, file: String?, network: String?, json: Bool
    ) async throws {
        var request = request
        let limit = NymMail.largestContent
        var compose = ComposeRequest(file: file)
        compose.passphrase = request.passphrase
        for recipient in request.recipients { _ = try Self.mailRecipient(recipient) }
        request.content = try MailInput.read(compose, bodyLimit: limit, terminal: terminal)
        let sent = request
        try await withNym(request.nym, passphrase: request.passphrase) { open in
            let report = try write(sent, open)
            tellLeftOut(report.leftOut)
            if json { try terminal.print(JSONText.encode(report)) }
            try await sendNymRequests(open)
            if try open.state().replaced != nil {
                note("another device has taken this nym over: what becomes of the mail is not told to this one")
            }
            note(
                "mail \(report.number) of \(report.from) is on its way to the server; what it says is in: nightjar "
                    + "nym status "
                    + open.nym.address)
        }
    }
}
