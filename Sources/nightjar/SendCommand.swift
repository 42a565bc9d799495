import ArgumentParser
import ClientProgram

struct Send: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a mail or a text.",
        discussion: """
            The input is a mail (header, empty line, body) or just text. Of a mail's header only Subject, \
            In-Reply-To, References and the MIME fields travel. Recipients are never taken from the mail.

            Examples:
              nightjar send --to alice@example.org < mail.eml
              nightjar send --to alice@example.org --subject "For you" letter.txt
              nightjar send --to mbox:info@alpha --path 'beta,*3,alpha' letter.txt
            """)

    @Argument(help: "The mail or text; without it, or with -, standard input.", completion: .file())
    var file: String?
    @Option(
        help: ArgumentHelp(
            "Where to: user@host, smtp:user@host or mbox:name@node. Up to 8 times.", valueName: "address"))
    var to: [String] = []
    @Option(help: ArgumentHelp("Replaces the mail's subject.", valueName: "text"))
    var subject: String?
    @Option(help: ArgumentHelp("Name shown to the recipient, marked as unverified.", valueName: "name"))
    var fromName: String?
    @Option(
        help: ArgumentHelp("Message id, with its angle brackets, of the mail that this one answers.", valueName: "id"))
    var inReplyTo: String?
    @Option(
        help: ArgumentHelp("What the path must be, such as '*,alpha'; see `nightjar help path`.", valueName: "spec"))
    var path: String?
    @Option(help: ArgumentHelp("Send a message that fits into one packet so often, 1 to 8.", valueName: "n"))
    var copies: Int?
    @Flag(help: "Draw short delays: faster, and less anonymous.")
    var urgent = false
    @Flag(name: .customLong("no-deliver"), help: "Only queue the packets; `nightjar queue flush` hands them over.")
    var noDeliver = false
    @Option(help: ArgumentHelp("How long to try, such as 60s.", valueName: "time"))
    var timeout: Duration?
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = SendRequest(file: file, recipients: to)
        request.subject = subject
        request.displayName = fromName
        request.inReplyTo = inReplyTo
        request.path = path
        request.copies = copies
        request.isUrgent = urgent
        request.network = network.network
        request.delivers = !noDeliver
        request.timeout = timeout?.interval
        request.json = json.json
        try await home.client(isQuiet: quiet).send(request)
    }
}
