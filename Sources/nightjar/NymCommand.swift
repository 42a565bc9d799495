import ArgumentParser
import ClientProgram

struct Nym: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nym",
        abstract: "Have a mail address that nobody can tie to you.",
        discussion: """
            A nym is a mail address at a nymserver. Everybody can write to it by ordinary mail, and it can answer by \
            ordinary mail. The server knows neither who you are nor where: what you tell it goes through the network, \
            and what it sends you goes through reply blocks of yours, the same number of packets in each hour whether \
            there was mail or not. Let nightjar run run: it looks after your nyms for months.

            Examples:
              nightjar nym create alice@nym.example
              nightjar nym status
              nightjar nym send alice@nym.example --to bob@example.org < letter.eml
              nightjar nym check --to-maildir ~/Maildir/.Alice
            """,
        subcommands: [
            NymCreate.self, NymList.self, NymStatusCommand.self, NymCheck.self, NymSend.self, NymGet.self,
            NymDelete.self, NymAlias.self, NymPolicyCommand.self, NymRotate.self, NymClose.self, NymExportCommand.self,
            NymImport.self, NymLink.self, NymApprove.self, NymDevices.self, NymUnlink.self,
        ])
}

/// What the commands about nyms take.
struct NymOptions: ParsableArguments {
    @OptionGroup var network: NetworkOption
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var home: HomeOption

    /// The client for what asks nobody.
    func client() throws -> Client { try home.client() }

    /// The client for what sends something.
    func clientUsingNetwork() async throws -> Client { try await home.client(using: network) }
}

struct NymCreate: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Ask a nymserver for a name.",
        discussion: """
            Makes keys and a mailbox for this nym alone, does the work that a name costs, and sends the server a \
            stock of reply blocks for two weeks. The nym is pending until the server has answered, which takes some \
            hours; nym status tells. The server's key comes from the nodes that reach it, which must all name the \
            same one, and is never changed afterwards.

            Examples:
              nightjar nym create alice@nym.example
              nightjar nym create alice@nym.example --packets 4 --node alpha
              nightjar nym create alice@nym.example --server-key njk1-...
            """)
    @Argument(help: "The address that you want.")
    var address: String
    @Option(help: ArgumentHelp("Packets in each hour: 1, 2 or 4. Each brings 25 KB.", valueName: "n"))
    var packets = 1
    @Option(help: ArgumentHelp("The node of the nym's mailbox; one is chosen at random without it.", valueName: "node"))
    var node: String?
    @Option(
        help: ArgumentHelp(
            "A file with the server's key, or its fingerprint: another key is refused.", valueName: "key"))
    var serverKey: String?
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        var request = NymCreateRequest(address: address)
        request.packets = packets
        request.node = node
        request.serverKey = serverKey
        request.network = options.network.network
        request.json = json.json
        request.passphrase = try options.passphrase.source
        try await options.clientUsingNetwork().createNym(request)
    }
}

struct NymList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show your nyms, or the mails of one that wait at its server.",
        discussion: """
            Asks nobody. Mails that do not come by themselves, because they are large or many, are listed by who \
            wrote, about what and how much.

            Examples:
              nightjar nym list
              nightjar nym list alice@nym.example
            """)
    @Argument(help: "A nym, by its address or its name.")
    var nym: String?
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        if let nym {
            try options.client().listNymMails(nym, passphrase: options.passphrase.source, json: json.json)
        } else {
            try options.client().listNyms(passphrase: options.passphrase.source, json: json.json)
        }
    }
}

struct NymStatusCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how nyms stand: stock, quota, mails sent, and what you should know.",
        discussion: """
            Asks nobody: this is what the server said last, and what followed since.

            Examples:
              nightjar nym status
              nightjar nym status alice@nym.example --json
            """)
    @Argument(help: "A nym; all of them without it.")
    var nym: String?
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        try options.client().showNymStatus(nym, passphrase: options.passphrase.source, json: json.json)
    }
}

struct NymCheck: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Fetch the mail of nyms, and do what is due for them.",
        discussion: """
            What nightjar run does all the time is done once: the nyms' mailboxes are polled, mail is shown or \
            written to a Maildir, requests without an answer are sent again, and reply blocks are made before they \
            run out. When you call it shows; nightjar run does these things at times that tell nothing.

            --renew makes a new stock of reply blocks, in a new mailbox if the old one is gone, and has the mail come \
            to this device.

            Examples:
              nightjar nym check
              nightjar nym check alice@nym.example --to-maildir ~/Maildir/.Alice
              nightjar nym check alice@nym.example --renew
            """)
    @Argument(help: "A nym; all of them without it.")
    var nym: String?
    @Flag(help: "Begin a new stock of reply blocks in place of the old one.")
    var renew = false
    @Option(help: ArgumentHelp("Make a new mailbox at this node, and a new stock.", valueName: "node"))
    var node: String?
    @OptionGroup var output: MessageOutputOptions
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func perform() async throws {
        var request = NymCheckRequest()
        request.nym = nym
        request.renews = renew
        request.node = node
        request.network = options.network.network
        request.passphrase = try options.passphrase.source
        try await options.clientUsingNetwork().checkNyms(request, options: output.options(json: json.json))
    }
}

struct NymSend: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a mail as a nym.",
        discussion: """
            The server sends it to the world outside, with the nym's address in From. Of the mail's header only \
            Subject, In-Reply-To, References and the MIME fields travel. What the server says of it comes with one of \
            its next packets: nym status shows accepted, over budget, declined and so on.

            Examples:
              nightjar nym send alice@nym.example --to bob@example.org letter.eml
              nightjar nym send alice --to bob@example.org --subject Hello < letter.txt
            """)
    @Argument(help: "The nym, or one of its aliases.")
    var nym: String
    @Argument(help: "A file with the mail; standard input without it.")
    var file: String?
    @Option(name: .customLong("to"), help: ArgumentHelp("A recipient's mail address; up to 8.", valueName: "address"))
    var recipients: [String] = []
    @Option(help: ArgumentHelp("In place of the mail's subject.", valueName: "text"))
    var subject: String?
    @Option(help: ArgumentHelp("A name beside the nym's address.", valueName: "name"))
    var fromName: String?
    @OptionGroup var json: JSONOption
    @OptionGroup var options: NymOptions

    func validate() throws {
        guard (1...8).contains(recipients.count) else { throw ValidationError("name 1 to 8 recipients with --to") }
    }

    func perform() async throws {
        let request = NymSendRequest(
            nym: nym, recipients: recipients, content: [], displayName: fromName, subject: subject,
            passphrase: try options.passphrase.source)
        try await options.clientUsingNetwork().sendAsNym(
            request, file: file, network: options.network.network, json: json.json)
    }
}
