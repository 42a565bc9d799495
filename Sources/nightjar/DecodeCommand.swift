import ArgumentParser
import ClientProgram

/// Where messages go, for the commands that show some.
struct MessageOutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write the messages to this file; several as an mbox.", valueName: "file"),
        completion: .file())
    var output: String?
    @Option(
        help: ArgumentHelp("Write each message into this Maildir, which is made if need be.", valueName: "directory"),
        completion: .directory)
    var toMaildir: String?
    @Flag(help: "Show bytes that are no text on a terminal too, and text without making control characters harmless.")
    var force = false
    @Option(
        help: ArgumentHelp("Write the reply blocks that are enclosed to this file.", valueName: "file"),
        completion: .file())
    var saveReplyBlocks: String?

    func validate() throws {
        guard output == nil || toMaildir == nil else {
            throw ValidationError("-o and --to-maildir exclude each other")
        }
    }

    func options(json: Bool) throws -> OutputOptions {
        var options = OutputOptions()
        options.output = output.map { .file($0) } ?? toMaildir.map { .maildir($0) } ?? .standard
        options.force = force
        options.replyBlocks = saveReplyBlocks
        options.json = json
        return options
    }
}

struct Decode: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Open answers and sealed mail that came by mail or lie in files.",
        discussion: """
            Finds everything between -----BEGIN NIGHTJAR MESSAGE----- and its END line, in any text, quoted or not, or in \
            binary form. Says for which identity it is and shows the message: its header, then its body. Parts of longer \
            messages are kept until the others come, at most 60 days; see nightjar fragments.

            Examples:
              nightjar decode mail.eml
              nightjar decode --maildir ~/Maildir --to-maildir ~/Maildir/.Anonymous
              nightjar decode -o answer.eml < mail.eml
            """)

    @Argument(help: "Files; - is standard input, which is also read if no file is named.", completion: .file())
    var file: [String] = []
    @Option(
        help: ArgumentHelp("Look at every mail of this Maildir; may be repeated.", valueName: "directory"),
        completion: .directory)
    var maildir: [String] = []
    @OptionGroup var output: MessageOutputOptions
    @OptionGroup var json: JSONOption
    @Option(help: ArgumentHelp("Read the keyring's passphrase from this descriptor.", valueName: "number"))
    var passphraseFd: Int?
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var status: StatusOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = DecodeRequest()
        request.files = file.isEmpty && maildir.isEmpty ? ["-"] : file
        request.maildirs = maildir
        request.passphrase = try PassphraseSource(descriptor: passphraseFd)
        try await home.client(isQuiet: quiet).showDecoded(
            request, options: output.options(json: json.json), statusDescriptor: status.descriptor)
    }
}

struct Fragments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fragments",
        abstract: "Show or throw away messages of which parts are missing.",
        discussion: """
            Examples:
              nightjar fragments list
              nightjar fragments purge 3f5a29c1
            """,
        subcommands: [FragmentsList.self, FragmentsPurge.self])
}

struct FragmentsList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show messages of which parts are missing.",
        discussion: """
            Example:
              nightjar fragments list
            """)
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try await home.client().listFragments(json: json.json) }
}

struct FragmentsPurge: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Throw parts of incomplete messages away.",
        discussion: """
            The messages cannot be completed afterwards, even if their parts come again.

            Examples:
              nightjar fragments purge 3f5a29c1
              nightjar fragments purge --all
            """)
    @Argument(help: "Ids, or their beginnings, as nightjar fragments list shows them.")
    var id: [String] = []
    @Flag(help: "All of them.")
    var all = false
    @OptionGroup var home: HomeOption

    func validate() throws {
        guard all != !id.isEmpty else { throw ValidationError("name ids, or say --all") }
    }

    func perform() async throws { try await home.client().purgeFragments(all ? nil : id) }
}
