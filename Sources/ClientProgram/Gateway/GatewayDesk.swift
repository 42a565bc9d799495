// What a mail program's words come to: senders and recipients checked when they are named, mails written down before they
// are answered. Every refusal says what would help.

internal import Daemon
internal import Directory
internal import Exits
internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

/// Takes mail from mail programs.
struct GatewayDesk: SubmissionReceiver {
    let client: Client
    /// The network to send in; nil for that of the settings.
    let network: String?
    let keyring: KeyringSource
    let records: RecordStore
    let login: GatewayLogin
    let nymTurns = GatewayNymTurns()

    func authenticate(_ login: SubmissionLogin) async -> SubmissionReply { await self.login.check(login) }

    // MARK: Envelope

    func check(sender: String, size: Int) async -> SubmissionReply {
        told {
            let senders = try senders()
            switch senders.sender(sender) {
            case nil: return SubmissionReply(550, "5.7.1", senders.refusal(sender))
            // What the mail program says of itself in the header does not travel and counts here: a little room for it.
            case .nym where size > NymMail.largestContent + Self.headerRoom: return Self.tooLargeForNym
            default: break
            }
            return SubmissionReply(250, "2.1.0", "sender ok")
        }
    }

    func check(recipient: String, from sender: String) async -> SubmissionReply {
        told {
            switch try senders().sender(sender) {
            case .nym:
                // What a nymserver sends goes out by mail, whoever it is to.
                _ = try mailAddress(recipient)
            default:
                let network = try client.network(network)
                let found = try resolve(recipient, network)
                let planner = PacketPlanner(
                    network: network, options: client.options(in: network), now: client.time.clock.now())
                var generator = SystemRandomNumberGenerator()
                for errand in try planner.errands([found.address]) {
                    _ = try planner.path(for: errand, using: &generator)
                }
            }
            return SubmissionReply(250, "2.1.5", "recipient ok")
        }
    }

    private static let headerRoom = 16 << 10
    static let tooLargeForNym = SubmissionReply(
        552, "5.3.4", "a nym's mail has at most \(NymMail.largestContent) bytes; send less, or in several mails")

    /// What From may be now: nyms come and go while this runs.
    func senders() throws -> GatewaySenders {
        GatewaySenders(
            anonymous: client.config.gateway.anonymous, nyms: try keyring.nymAddresses(network: network))
    }

    private func resolve(_ recipient: String, _ network: Network) throws -> ResolvedRecipient {
        try client.resolve(name(of: recipient, network))
    }

    private func name(of recipient: String, _ network: Network) throws -> String {
        try GatewayRecipients.name(of: recipient, nymDomains: try nymDomains(network))
    }

    /// Domains of nymservers to which mail goes without a detour: those of our own nyms, whose key we know. Any node can say
    /// that it serves any domain, and would get the mail.
    private func nymDomains(_ network: Network) throws -> Set<String> {
        let own = try keyring.nyms().filter { $0.network == network.name }
        return Set(
            own.filter { nym in
                let announced = network.nodes.compactMap { $0.nymDomain(nym.domain)?.key }
                return !announced.isEmpty && announced.allSatisfy { $0 == nym.server }
            }.map(\.domain))
    }

    func mailAddress(_ recipient: String) throws -> String {
        let name = try GatewayRecipients.name(of: recipient, nymDomains: [])
        guard let address = (try client.resolve(name)).address.mailAddress else {
            throw GatewayRecipients.Refusal(text: "a nym can write to mail addresses only")
        }
        return address
    }

    // MARK: Content

    func deliver(_ mail: SubmittedMail) async -> SubmissionReply {
        do {
            return try await take(mail)
        } catch is GatewayLog.Known {
            return Self.known
        } catch {
            return GatewayReplies.reply(to: error)
        }
    }

    private static let known = SubmissionReply(250, "2.0.0", "this mail was taken already")

    private func take(_ mail: SubmittedMail) async throws -> SubmissionReply {
        let header = try SubmittedHeader(mail.content)
        guard header.from.count == 1, let from = header.from.first else {
            return SubmissionReply(554, "5.6.0", "the mail needs one address in From; it says who sends it")
        }
        let senders = try senders()
        guard let sender = senders.sender(from) else {
            return SubmissionReply(550, "5.7.1", senders.refusal(from))
        }
        guard senders.sender(mail.sender) == sender else {
            return SubmissionReply(
                550, "5.7.1",
                "From is \(Printable.text(from)) and the envelope's sender \(Printable.text(mail.sender)): set both to the same "
                    + "address, as one of them would surprise you")
        }
        guard !header.isReadReceipt else {
            return SubmissionReply(550, "5.7.1", "read receipts are not sent: they tell when you read; turn them off")
        }
        let log = GatewayLog(records: records)
        if let refusal = try mixedIdentities(header, sender, log) { return refusal }
        var name = GatewayLog.name(sender: mail.sender, recipients: mail.recipients, content: mail.content)
        // Without a Message-ID nothing tells a mail that is sent again from one that was written twice.
        if header.messageID != nil { name = try log.vacant(name) }
        let content = try header.content { try log.isOwn($0) }
        let record = GatewayRecord(messageID: header.messageID ?? "", made: client.time.clock.now())
        switch sender {
        case .anonymous:
            let ids = try sendAnonymously(content, mail, record, name)
            return SubmissionReply(250, "2.0.0", "stored as \(ids.map(\.hex).joined(separator: " "))")
        case .nym(let nym):
            let shown = client.config.gateway.showsNames ? header.displayName : nil
            return try await send(content, as: nym, mail, record, name, displayName: shown)
        }
    }

    /// Who answers a nym's mail under another name tells that both are one.
    private func mixedIdentities(
        _ header: SubmittedHeader, _ sender: GatewaySender, _ log: GatewayLog
    ) throws -> SubmissionReply? {
        var own = ""
        if case .nym(let nym) = sender { own = try self.nym(nym).address }
        for id in header.thread.prefix(Self.mostThread) {
            let nyms = try log.nyms(id)
            guard let other = nyms.first, !nyms.contains(own) else { continue }
            return SubmissionReply(
                550, "5.7.1",
                "this answers a mail to \(Printable.text(other)), and From is another: set From to that nym, or write a new mail"
            )
        }
        return nil
    }

    private static let mostThread = 200

    private func sendAnonymously(
        _ content: [UInt8], _ mail: SubmittedMail, _ record: GatewayRecord, _ name: [UInt8]
    ) throws -> [MessageID] {
        let network = try client.network(network)
        var request = SendRequest(recipients: try mail.recipients.map { try self.name(of: $0, network) })
        request.content = content
        let options = try client.options(for: request, in: network)
        let planner = PacketPlanner(network: network, options: options, now: client.time.clock.now())
        let composed = try client.compose(request, network: network, planner: planner) { try keyring.open() }
        let receipts = try client.receiptBlocks(network: network) { try keyring.open() }
        let recording = MessageRecording(
            client: client, network: network, options: options, outbox: try Outbox(client.places),
            log: client.sentLog(records), receipts: receipts,
            isReliable: client.config.gateway.isReliable && receipts != nil, path: client.config.path.text)
        return try recording.record(composed, at: client.time.clock.now()) { messages, transaction in
            var record = record
            record.messages = messages.map(\.id)
            // The name of one without a Message-ID is used once only.
            let name = record.messageID.isEmpty ? record.messages.first?.bytes ?? name : name
            try GatewayLog.add(record, name: name, to: transaction)
        }.map(\.id)
    }

    private func told(_ body: () throws -> SubmissionReply) -> SubmissionReply {
        do { return try body() } catch { return GatewayReplies.reply(to: error) }
    }
}

/// SMTP replies for what can go wrong.
enum GatewayReplies {
    static func reply(to error: any Error) -> SubmissionReply {
        switch error {
        case let error as GatewayRecipients.Refusal: return SubmissionReply(550, "5.1.2", error.text)
        case SendError.address: return reply(501, "5.1.3", error)
        case let error as OutgoingMailError: return SubmissionReply(554, "5.6.0", error.description)
        case SendError.diskFull, SendError.queueFull: return reply(452, "4.3.1", error)
        // Disks are emptied and rights mended.
        case is SpoolError: return reply(451, "4.3.0", error)
        case let error as MessageError:
            guard case .bodyTooLarge = error else { return reply(554, "5.6.0", error) }
            return reply(552, "5.3.4", error)
        default: break
        }
        switch CommandFailure(client: error).code {
        case .temporary: return reply(451, "4.3.0", error)
        case .refused: return reply(550, "5.7.1", error)
        case .usage: return reply(550, "5.1.1", error)
        default: return reply(554, "5.3.0", error)
        }
    }

    private static func reply(_ code: UInt16, _ status: String, _ error: any Error) -> SubmissionReply {
        let lines = CommandFailure(client: error).message.split(separator: "\n").map(String.init)
        return SubmissionReply(code, status, lines)
    }
}
