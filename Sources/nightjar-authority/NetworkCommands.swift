import ArgumentParser
import AuthorityProgram

struct DraftNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draft-network",
        abstract: "Make the network file that the authorities then sign, from TOML.",
        discussion: """
            One person writes the TOML and makes the draft; all others sign the
            same draft. doc/AUTHORITY.md lists what can stand in it.

            Example:
              nightjar-authority draft-network network.toml --output example.draft
            """)
    @Argument(help: "The TOML file.", completion: .file())
    var file: String
    @OptionGroup var output: OutputOption

    func run() async throws { try AuthorityCommands().draftNetwork(file, output: output.output) }
}

struct SignNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-network",
        abstract: "Add this authority's signature to a network file.",
        discussion: """
            Says how many have signed and who is missing. A file that changes the
            authorities must also be signed by a quorum of those before: name the
            edition before with --previous.

            Examples:
              nightjar-authority show-network example.draft
              nightjar-authority sign-network example.draft --identity alice.key
              nightjar-authority sign-network next.draft --identity alice.key \\
                --previous example.network
            """)
    @Argument(help: "The draft, or a file that others have signed already.", completion: .file())
    var draft: String
    @OptionGroup var identity: IdentityOption
    @Option(help: ArgumentHelp("The edition before.", valueName: "file"), completion: .file())
    var previous: String?
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write to this file and leave the draft as it is.", valueName: "file"),
        completion: .file())
    var output: String?

    func run() async throws {
        try AuthorityCommands().signNetwork(
            draft, identity: identity.identity, previous: previous, output: output,
            passphrase: identity.passphrase.source)
    }
}

struct ShowNetwork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-network",
        abstract: "Verify a network file and show what is in it.",
        discussion: """
            Exit code 0 only if enough authorities have signed it. Compare the
            fingerprint with the others, by voice.

            Examples:
              nightjar-authority show-network example.network
              nightjar-authority show-network next.network --previous example.network
            """)
    @Argument(help: "The network file or draft.", completion: .file())
    var file: String
    @Option(help: ArgumentHelp("The edition before.", valueName: "file"), completion: .file())
    var previous: String?
    @OptionGroup var json: JSONOption

    func run() async throws {
        try AuthorityCommands().showNetwork(file, previous: previous, json: json.json)
    }
}
