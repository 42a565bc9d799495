// The client for programs: what `nightjar send`, `reply`, `receive`, `sent` and `surb new` do, with values in place of text.
// A mail program, a bot or a gateway needs nothing else; the command line is another shell around the same operations.

internal import Daemon
internal import Messages
public import WireFormat

/// Sends and receives anonymous mail in one network.
///
/// Files, keyring and settings are those of `nightjar`, so that both can be used side by side; with `nightjar run` alive
/// messages are handed to it and nothing is polled here. All methods may be called from any task, also of several
/// processes at a time. Errors that people can do something about are `CommandFailure`, whose message says what; its code
/// tells a temporary failure (`temporary`: try again) from a refusal. `ClientProcess.prepare` at a program's start turns off
/// core dumps and signals that would end it in the middle of something.
///
///     let mail = try MailClient()
///     try await mail.send(Array("Subject: hello\r\n\r\nSomebody thinks of you.".utf8), to: ["alice@example.org"])
///     for message in try await mail.receive() { print(message.origin, try message.body().count) }
public struct MailClient: Sendable {
    /// The operations behind the command line, for what is not here.
    public let client: Client
    /// The network's name; nil for the one of the settings, or the only one.
    public let network: String?
    private let passphrase: PassphraseSource

    /// - Parameters:
    ///   - home: one directory for everything; else `NIGHTJAR_HOME`, else the places of XDG.
    ///   - network: where several are installed.
    ///   - environment: as the process has it: `NIGHTJAR_HOME`, `HOME`, `XDG_*`.
    ///   - passphrase: of the keyring. `none` for a keyring without one.
    /// - Throws: `CommandFailure` if files are not ours or readable by others, or `client.toml` is wrong.
    public init(
        home: String? = nil, network: String? = nil, environment: [String: String] = ClientProcess.environment,
        passphrase: PassphraseSource = .none
    ) throws {
        do {
            client = try Client(home: home, environment: environment, isQuiet: true)
        } catch {
            throw CommandFailure(client: error)
        }
        self.network = network
        self.passphrase = passphrase
    }

    // MARK: Sending

    /// How a message travels.
    public struct Options: Sendable {
        /// Sent again by other paths until the exit reports that it has arrived; needs a mailbox.
        public var isReliable = false
        /// Reply blocks of one's own to enclose, 0 to 32.
        public var enclose = 0
        /// The identity that enclosed reply blocks belong to; nil for the default one.
        public var identity: String?
        /// A contact's name, a file with a public key, or the key's text: the message is sealed to it.
        public var encryptTo: String?
        /// Short delays, at the price of anonymity.
        public var isUrgent = false
        /// The input is bytes, delivered as they are, and no mail.
        public var isRaw = false

        public init() {}
    }

    /// Sends `mail`, an RFC 5322 message or plain text of at most 8 MiB, to 1 to 8 recipients: contacts, aliases or
    /// addresses. Of the header only what `OutgoingMail` names travels.
    /// - Returns: ids under which `sent` tells how it stands, one for each exit, mailbox and key.
    /// - Throws: `CommandFailure`. With the code `temporary` the message is stored, and its packets wait in the queue.
    @discardableResult
    public func send(_ mail: [UInt8], to recipients: [String], options: Options = Options()) async throws -> [MessageID]
    {
        var request = SendRequest(recipients: recipients)
        request.message = compose(mail, options)
        request.isReliable = options.isReliable
        request.isUrgent = options.isUrgent
        request.network = network
        return try await told(usesNetwork: true) { try await client.send(request) }
    }

    /// How the messages stand that were sent in this network, oldest first.
    public func sent() async throws -> [SentSummary] {
        try await told { try client.sentSummaries(network: network) }
    }

    // MARK: Answering

    /// Makes reply blocks that end at the default mailbox.
    /// - Throws: `CommandFailure` without a mailbox (`createMailbox`).
    public func makeReplyBlocks(_ count: Int, identity: String? = nil) async throws -> [ReplyBlock] {
        try await told(usesNetwork: true) {
            try client.replyBlocks(count, identity: identity, network: network, passphrase: passphrase)
        }
    }

    /// Answers whoever made `blocks`, over a crossover node and with a path of one's own, so that neither side knows the
    /// other. A block works once; how many are needed depends on the length: some 18 KB go into one.
    /// - Throws: `CommandFailure` of code `refused` if the blocks are too few, too old or used; then none is used.
    public func reply(_ mail: [UInt8], through blocks: [ReplyBlock], options: Options = Options()) async throws {
        var request = ReplyRequest(message: compose(mail, options))
        request.blocks = blocks.map(\.bytes)
        request.isUrgent = options.isUrgent
        request.network = network
        try await told(usesNetwork: true) { try await client.reply(request) }
    }

    // MARK: Receiving

    /// Makes a mailbox at `node`, or at one chosen at random, and makes it the place where answers and receipts go.
    @discardableResult
    public func createMailbox(_ name: String? = nil, at node: String? = nil) async throws -> MailboxInfo {
        try await told(usesNetwork: true) {
            try await client.createMailbox(
                name ?? Client.standardMailbox, at: node, introducedOnly: false, network: network,
                passphrase: passphrase)
        }
    }

    /// The mailboxes in this network.
    public func mailboxes() async throws -> [MailboxInfo] {
        try await told { try client.mailboxes(network: network, passphrase: passphrase) }
    }

    /// Polls every mailbox once, always for the same number of blocks, and gives the messages that are complete and were
    /// not read yet, oldest first. They are given again until `markRead` is called: a program that dies in between loses
    /// nothing. A mailbox that cannot be reached is no error as long as there is something to give.
    public func receive() async throws -> [ReceivedMessage] {
        try await told(usesNetwork: true) {
            var request = ReceiveRequest()
            request.network = network
            request.passphrase = passphrase
            let report = try await client.receive(request)
            if report.messages.isEmpty, let failure = report.polls.lazy.compactMap(\.failure).first { throw failure }
            return report.messages
        }
    }

    /// Notes that messages are dealt with.
    public func markRead(_ messages: [ReceivedMessage]) throws {
        do { try client.markRead(messages) } catch { throw CommandFailure(client: error) }
    }

    private func compose(_ mail: [UInt8], _ options: Options) -> ComposeRequest {
        var message = ComposeRequest()
        message.content = mail
        message.isRaw = options.isRaw
        message.enclose = options.enclose
        message.identity = options.identity
        message.encryptTo = options.encryptTo
        message.passphrase = passphrase
        return message
    }

    /// Every error in words for people.
    /// - Parameter usesNetwork: what is known of it is fetched first if it is far too old, as by the command line.
    private func told<Value>(
        usesNetwork: Bool = false, _ body: () async throws -> Value
    ) async throws -> Value {
        if usesNetwork { await client.prepareNetwork(network) }
        do {
            return try await body()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw CommandFailure(client: error)
        }
    }
}
