// `nightjar nym check`: by hand what `nightjar run` does for nyms, once.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import Messages
internal import NymProtocol
internal import Spool
internal import WireFormat

/// What `nightjar nym check` is asked for.
public struct NymCheckRequest: Sendable {
    /// All nyms without it.
    public var nym: String?
    /// Begin a new stock of reply blocks in place of the old one, in a new mailbox if the old one is gone.
    public var renews = false
    /// The node of the new mailbox; makes one in any case.
    public var node: String?
    public var network: String?
    public var passphrase = PassphraseSource.terminal

    public init() {}
}

extension Client {
    /// A refill that is so long ago is made up for by a command.
    private var refillAge: Interval { config.nyms.refillInterval }

    /// Polls the nyms' mailboxes, takes in what has come, sends what is due, and gives the mail.
    public func checkNyms(_ request: NymCheckRequest, options: OutputOptions) async throws {
        let keyring = try Keyring.open(self, passphrase: request.passphrase)
        let records = try records()
        defer { records.close() }
        let book = NymBook(records)
        var nyms = keyring.nyms()
        if let text = request.nym { nyms = [try nym(text, keyring: keyring, book: book).nym] }
        let links = keyring.takingLinks().filter { link in
            request.nym == nil || nyms.contains { $0.address == link.address }
        }
        guard !nyms.isEmpty || !links.isEmpty else {
            throw CommandFailure("no nyms; make one with `nightjar nym create name@domain`", code: .usage)
        }
        if request.renews || request.node != nil {
            guard request.nym != nil, let nym = nyms.first else {
                throw CommandFailure("--renew and --node are for one nym; name it", code: .usage)
            }
            try await renew(nym, request, keyring, records)
            nyms = keyring.nyms().filter { $0.address == nym.address }
        }
        var failure: (any Error)?
        for name in Set(nyms.map(\.network) + links.map(\.network)).sorted() {
            do {
                try await check(name, nyms.filter { $0.network == name }, links, keyring, records)
            } catch {
                failure = failure ?? error
            }
        }
        try showNymMail(Set(nyms.map(\.address)), records: records, options: options)
        if let failure { throw failure }
    }

    private func check(
        _ name: String, _ nyms: [OwnNym], _ links: [OwnNymLink], _ keyring: Keyring, _ records: RecordStore
    ) async throws {
        let network = try network(name)
        if RunLock.isHeld(places, network: name) {
            return note("`nightjar run` looks after network \(name); what it has fetched is shown")
        }
        let wanted = Set(nyms.compactMap(\.mailbox) + (try links.flatMap { [$0.box, try $0.secret.mailbox()] }))
        var failure: (any Error)?
        let poller = MailboxPoller(client: self, keyring: keyring)
        for box in keyring.mailboxes(in: name) where wanted.contains(box.id) {
            do {
                let result = try await poller.poll(box, network: network, blocks: config.inbox.blocksPerPoll)
                for problem in result.nyms.problems { terminal.message(Printable.line(problem)) }
                for address in result.nyms.nyms { note("\(address) has come from your other device") }
                failure = failure ?? result.failure
            } catch {
                failure = failure ?? error
            }
        }
        let requests = NymRequests(client: self, network: network, records: records, keyring: keyring)
        let now = time.clock.now()
        do { try await moveLinks(network, keyring, records) } catch { failure = failure ?? error }
        for nym in nyms { _ = try await requests.repeatCreation(nym) { time.clock.now() } }
        let book = NymBook(records)
        let refilling = try nyms.filter { nym in
            guard let state = try book.state(nym.address) else { return false }
            return state.refilled.map { $0 + refillAge <= now } ?? true
        }
        let report = NymTurn(requests: requests).take(at: now, refilling: Set(refilling.map(\.address)))
        if report.messages > 0 { try await sendNymMessages(requests) }
        if let failure = report.failure ?? failure { throw failure }
    }

    /// Begins a new generation, in a new mailbox if there is no other, and takes over the care for the nym.
    private func renew(
        _ nym: OwnNym, _ request: NymCheckRequest, _ keyring: Keyring, _ records: RecordStore
    ) async throws {
        let book = NymBook(records)
        let network = try network(nym.network)
        var nym = nym
        let boxes = keyring.mailboxes(in: network.name)
        let old = boxes.first { $0.id == nym.mailbox }
        if old == nil || request.node != nil || network.node(old?.node ?? NodeID()) == nil {
            var generator = SystemRandomNumberGenerator()
            // A name that shows nothing, and is not that of the mailbox before.
            let name = NymIdentity.name(generator.bytes(32))
            _ = try await createMailbox(
                name, at: request.node, introducedOnly: true, network: network.name, passphrase: request.passphrase)
            try keyring.refresh()
            let box = keyring.mailboxes(in: network.name).first { $0.name == name }
            nym = try keyring.changeNym(nym.address) { $0.mailbox = box?.id } ?? nym
            if let old {
                note("the mailbox at \(old.nodeName) is polled until it expires; what is on its way comes there")
            }
        }
        let now = time.clock.now()
        if try book.state(nym.address) == nil {
            var generator = SystemRandomNumberGenerator()
            var state = NymState(device: generator.next(), packets: .low, created: now)
            state.stage = .active
            // Newer than any that another device, or this one before, can have begun.
            state.generation = UInt32(clamping: now.seconds / 60)
            try book.begin(nym.address, state)
        }
        try NymTurn(
            requests: NymRequests(client: self, network: network, records: records, keyring: keyring)
        ).renew(nym, takesOver: true, at: now)
        note("a new stock of reply blocks is made for \(nym.address); the old one counts for nothing")
    }

    // MARK: Mail

    /// Gives the unread mails of nyms: into their Maildirs, or where the options say.
    private func showNymMail(_ nyms: Set<String>, records: RecordStore, options: OutputOptions) throws {
        var options = options
        let isExplicit = options.output != .standard
        if !isExplicit { try writeNymMaildirs(records) }
        let store = received(records)
        let messages = try store.all().filter { entry in
            guard case .nym(let address) = entry.record.origin else { return false }
            return entry.record.state == .unread && nyms.contains(address)
        }.compactMap { try? store.message($0.name, $0.record) }
        guard !messages.isEmpty else { return note("no new mail") }
        if options.json {
            struct Nothing: Encodable { var nyms: [String] }
            return try MessageJSON(sink: { try terminal.write(bytes: $0) }).write(
                messages, withBodies: true, rest: Nothing(nyms: nyms.sorted())
            ) { try markRead([$0]) }
        }
        options.json = false
        let kept = try MessageWriter(terminal: terminal, options: options).write(messages) { try markRead([$0]) }
        note("\(Count.text(messages.count - kept.count, "mail"))")
    }

    /// Writes unread mails of nyms into the Maildirs that client.toml names, and then marks them as read: killed
    /// between, the same mail is found there.
    func writeNymMaildirs(_ records: RecordStore) throws {
        let store = received(records)
        for (name, record) in try store.all() where record.state == .unread {
            guard case .nym(let address) = record.origin, let path = config.nyms.maildir(of: address) else { continue }
            var options = OutputOptions()
            options.output = .maildir(path)
            _ = try MessageWriter(terminal: terminal, options: options).write([try store.message(name, record)]) {
                try store.markRead([$0.id], keep: config.inbox.keepRead, now: time.clock.now())
            }
        }
    }
}
