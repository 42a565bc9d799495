import ArgumentParser
import ClientProgram

struct Send: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send a mail or a text.",
        discussion: """
            The input is a mail (header, empty line, body) or just text. Of a mail's header only Subject, \
            In-Reply-To, References and the MIME fields travel. Recipients are taken from the mail only with --rfc822.

            Examples:
              nightjar send --to alice@example.org < mail.eml
              nightjar send --to alice@example.org --subject "For you" letter.txt
              nightjar send --to mbox:info@alpha --path 'beta,*3,alpha' letter.txt
              nightjar send --to alice --encrypt-to alice --enclose 5 letter.txt
              nightjar send --rfc822 < mail.eml
            """)

    @Argument(help: "The mail or text; without it, or with -, standard input.", completion: .file())
    var file: String?
    @OptionGroup var recipients: RecipientOptions
    @OptionGroup var message: ComposeOptions
    @Flag(help: "Draw short delays: faster, and less anonymous.")
    var urgent = false
    @Flag(help: "Send again, by other paths, what the exit does not report as arrived.")
    var reliable = false
    @Flag(inversion: .prefixedNo, help: "Ask the exit for a receipt; without the option, if that is possible.")
    var receipt: Bool?
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
        var request = try recipients.request(message.request(file: file), network: network.network)
        request.isUrgent = urgent
        request.isReliable = reliable
        request.receipt = receipt
        request.delivers = !noDeliver
        request.timeout = timeout?.interval
        request.json = json.json
        request.statusDescriptor = status.descriptor
        try await home.client(using: network, isQuiet: quiet).send(request)
    }
}
