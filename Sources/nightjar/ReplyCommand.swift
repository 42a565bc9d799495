import ArgumentParser
import ClientProgram

struct Reply: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "reply",
        abstract: "Answer somebody through reply blocks.",
        discussion: """
            Each packet takes one reply block, and a block works once. Packets go by a path of your own to a node where \
            they change over into the block's path, so that neither side learns who the other is. Without --surb the \
            reply blocks stand in the input beside the message, as in a mail that you answer.

            Examples:
              nightjar reply --surb blocks.txt < answer.txt
              nightjar reply --surb blocks.txt --enclose 3 answer.txt
              nightjar reply - < quoted-mail-with-blocks.eml
              nightjar reply --surb blocks.txt --path '*,alpha' answer.txt
            """)

    @Argument(help: "The mail or text; without it, or with -, standard input.", completion: .file())
    var file: String?
    @OptionGroup var blocks: ReplyBlockOptions
    @OptionGroup var message: ComposeOptions
    @Flag(help: "Draw short delays on your own path: faster, and less anonymous.")
    var urgent = false
    @Flag(name: .customLong("no-deliver"), help: "Only queue the packets; `nightjar queue flush` hands them over.")
    var noDeliver = false
    @Option(help: ArgumentHelp("How long to try, such as 60s.", valueName: "time"))
    var timeout: Duration?
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var status: StatusOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = try blocks.request(message.request(file: file))
        request.isUrgent = urgent
        request.network = network.network
        request.delivers = !noDeliver
        request.timeout = timeout?.interval
        request.json = json.json
        request.statusDescriptor = status.descriptor
        try await home.client(using: network, isQuiet: quiet).reply(request)
    }
}

/// The reply blocks, and the way to them.
struct ReplyBlockOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("File with reply blocks, as text or as bytes; may be repeated.", valueName: "file"),
        completion: .file())
    var surb: [String] = []
    @Option(
        name: .customLong("surb-fd"),
        help: ArgumentHelp("Read reply blocks from this file descriptor.", valueName: "n"))
    var descriptor: Int32?
    @Flag(help: "Give the packets to the blocks' first nodes yourself: faster, and these nodes see you.")
    var direct = false
    @Option(
        help: ArgumentHelp(
            "What your own path must be; its last node is where packets change over.", valueName: "spec"))
    var path: String?

    func validate() throws {
        if direct, path != nil { throw ValidationError("--direct has no path of its own; leave out --path") }
    }

    func request(_ message: ComposeRequest) -> ReplyRequest {
        var request = ReplyRequest(message: message)
        request.blockFiles = surb
        request.blockDescriptor = descriptor
        request.isDirect = direct
        request.path = path
        return request
    }
}

struct CountPackets: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "count-packets",
        abstract: "Print how many packets a message would take, without sending it.",
        discussion: """
            With --reply it is the number of reply blocks that an answer needs.

            Examples:
              nightjar count-packets --to alice@example.org mail.eml
              nightjar count-packets --reply answer.txt
            """)

    @Argument(help: "The mail or text; without it, or with -, standard input.", completion: .file())
    var file: String?
    @OptionGroup var recipients: RecipientOptions
    @OptionGroup var message: ComposeOptions
    @Flag(help: "Count for `nightjar reply`.")
    var reply = false
    @Flag(help: "With --reply: count for `nightjar reply --direct`.")
    var direct = false
    @Flag(inversion: .prefixedNo, help: "Count with a reply block for receipts in the message.")
    var receipt: Bool?
    @OptionGroup var status: StatusOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func validate() throws {
        if reply, !recipients.to.isEmpty { throw ValidationError("--reply and --to exclude each other") }
        if direct, !reply { throw ValidationError("--direct needs --reply") }
    }

    func perform() async throws {
        let message = try message.request(file: file)
        if reply {
            var request = ReplyRequest(message: message)
            request.isDirect = direct
            request.path = recipients.path
            request.network = network.network
            request.json = json.json
            request.statusDescriptor = status.descriptor
            try await home.client(using: network, isQuiet: true).countReplyPackets(request)
            return
        }
        var request = recipients.request(message, network: network.network)
        request.receipt = receipt
        request.json = json.json
        request.statusDescriptor = status.descriptor
        try await home.client(using: network, isQuiet: true).countPackets(request)
    }
}
