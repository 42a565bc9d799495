import ArgumentParser
import AuthorityProgram

struct Evidence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Show which authorities signed two different things for one slot.",
        discussion: """
            Examples:
              nightjar-authority evidence list
              nightjar-authority evidence show 5f3c... > against-bob
            """,
        subcommands: [EvidenceList.self, EvidenceShow.self])
}

struct EvidenceList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the evidence that this authority holds.",
        discussion: """
            Example:
              nightjar-authority evidence list --json
            """)
    @OptionGroup var file: ConfigOption
    @OptionGroup var json: JSONOption

    func run() async throws { try AuthorityCommands().listEvidence(configuration: file.config, json: json.json) }
}

struct EvidenceShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print a piece of evidence, which anybody can verify.",
        discussion: """
            Example:
              nightjar-authority evidence show 5f3c... > against-bob
            """)
    @Argument(help: "Its digest, from `evidence list`.")
    var digest: String
    @OptionGroup var file: ConfigOption

    func run() async throws { try AuthorityCommands().showEvidence(digest, configuration: file.config) }
}
