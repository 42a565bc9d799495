import ArgumentParser
import ClientProgram

struct Surb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "surb",
        abstract: "Make reply blocks, with which you can be answered, and look at them.",
        discussion: """
            A reply block (SURB) brings one packet of an answer to you and does not tell its user who you are. It can be \
            used once, and until a date that stands in it.

            Examples:
              nightjar surb new -n 5 > blocks.txt
              nightjar surb inspect blocks.txt
              nightjar surb list
            """,
        subcommands: [SurbNew.self, SurbInspect.self, SurbList.self])
}

struct SurbNew: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make reply blocks.",
        discussion: """
            Answers go to your default mailbox in the network; without one to reply-address in client.toml. An answer of up \
            to 18 KB needs one block; a longer one is coded against loss, so that two such pieces need 4 and nine need 13. \
            Blocks are good for at least two weeks.

            Give people who must not know that they write to the same person blocks of different identities: an answer names \
            the identity that it is for, so that nobody can find out by sending you one's answer as the other's.

            Examples:
              nightjar surb new
              nightjar surb new -n 10 --identity ludwig -o blocks.txt
              nightjar surb new --to me@example.org --json
            """)
    @Option(name: .customShort("n"), help: ArgumentHelp("How many, 1 to 256.", valueName: "count"))
    var count = 1
    @Option(
        help: ArgumentHelp(
            "Where answers go: one of your mailboxes, user@host or mbox:name@node.", valueName: "address"))
    var to: String?
    @Option(
        help: ArgumentHelp(
            "Whose blocks they are; default if not given. A new name is a new identity.", valueName: "name"))
    var identity: String?
    @Option(
        help: ArgumentHelp(
            "What the path must be, such as '*,alpha'; see `nightjar help path`.", valueName: "spec"))
    var path: String?
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write the blocks to this file.", valueName: "file"),
        completion: .file())
    var output: String?
    @Flag(help: "Write bytes, 7224 for each block, instead of armor.")
    var binary = false
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @Option(
        help: ArgumentHelp(
            "Write a line [NIGHTJAR:] GENERATED_SURB ID for each block to this open descriptor.", valueName: "n"))
    var statusFd: Int32?
    @OptionGroup var passphrase: PassphraseOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = SurbRequest()
        request.count = count
        request.to = to
        request.identity = identity
        request.path = path
        request.network = network.network
        request.output = output
        request.isBinary = binary
        request.json = json.json
        request.statusDescriptor = statusFd
        request.passphrase = try passphrase.source
        try await home.client(using: network, isQuiet: quiet).makeSurbs(request)
    }
}

struct SurbInspect: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what can be seen of reply blocks: digest, date, first node, whether they were used here.",
        discussion: """
            Examples:
              nightjar surb inspect blocks.txt
              nightjar surb inspect --json < mail.eml
            """)
    @Argument(help: "Files with reply blocks, also quoted in mails; without any, standard input.", completion: .file())
    var files: [String] = []
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().inspectSurbs(files, network: network.network, json: json.json)
    }
}

struct SurbList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the reply blocks that were made here, and which of them have brought an answer.",
        discussion: """
            Nothing is noted if client.toml says surb-log = false.

            Examples:
              nightjar surb list
              nightjar surb list --forget-expired
            """)
    @Flag(help: "First forget the blocks whose date has passed.")
    var forgetExpired = false
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().listSurbs(json: json.json, forgetExpired: forgetExpired) }
}
