import ArgumentParser
import ClientProgram

struct Receive: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Fetch what came to your mailboxes and show it.",
        discussion: """
            Every poll asks for the same number of blocks (blocks-per-poll in client.toml), whether there is mail or not, so \
            that nobody who watches your connection sees if there was any. With --all or --wait the number of polls shows it. \
            A node that holds your mailbox sees the address that polls and how much waits, not who wrote and not what. Use \
            Tor, or nightjar run, which polls at times that tell nothing, if your address must not be known there.

            Messages that were shown are kept for keep-read (7 days) and shown again with --again.

            Examples:
              nightjar receive
              nightjar receive --all --to-maildir ~/Maildir/.Anonymous
              nightjar receive --wait 10m --json
            """)

    @OptionGroup var output: MessageOutputOptions
    @Flag(help: "Poll until the mailboxes are empty.")
    var all = false
    @Option(help: ArgumentHelp("Poll until a message is complete, at most so long, such as 10m.", valueName: "time"))
    var wait: Duration?
    @Flag(help: "Leave the messages unread, so that they are shown once more the next time.")
    var keep = false
    @Flag(help: "Show messages too that were read before and are still kept.")
    var again = false
    @Flag(help: "Ask no node; show what is here.")
    var offline = false
    @Option(help: ArgumentHelp("Only this mailbox.", valueName: "name"))
    var mailbox: String?
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @Option(help: ArgumentHelp("Read the keyring's passphrase from this descriptor.", valueName: "number"))
    var passphraseFd: Int?
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var home: HomeOption

    func validate() throws {
        guard [all, wait != nil, offline].count(where: { $0 }) <= 1 else {
            throw ValidationError("--all, --wait and --offline exclude each other")
        }
    }

    func perform() async throws {
        var request = ReceiveRequest()
        request.mailbox = mailbox
        request.network = network.network
        request.patience = all ? .untilEmpty : wait.map { .wait($0.interval) } ?? .once
        request.again = again
        request.offline = offline
        request.passphrase = try PassphraseSource(descriptor: passphraseFd)
        try await home.client(using: network, isQuiet: quiet).showReceived(
            request, options: output.options(json: json.json), keepsUnread: keep)
    }
}
