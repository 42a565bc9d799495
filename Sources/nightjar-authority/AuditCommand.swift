import ArgumentParser
import AuthorityProgram

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Compute consensuses again from their votes and compare every byte.",
        discussion: """
            Reads an authority or mirror, files of a mirror, or this authority's own
            database. Exit code 0 if all are what their votes say, 1 if one is not, 3
            if something could not be fetched.

            Examples:
              nightjar-authority audit --last 10
              nightjar-authority audit --url https://alice.example.org \\
                --network example.network
              nightjar-authority audit --directory /srv/www/nightjar --json
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: ArgumentHelp("Address of an authority or a mirror.", valueName: "url"))
    var url: String?
    @Option(help: ArgumentHelp("Files of a mirror.", valueName: "directory"), completion: .directory)
    var directory: String?
    @Option(help: "How many consensuses, from the newest back.")
    var last = 100
    @Option(
        help: ArgumentHelp("The network file; left out, that of the configuration.", valueName: "file"),
        completion: .file())
    var network: String?
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await AuthorityCommands().audit(
            AuditRequest(url: url, directory: directory, network: network, last: last, json: json.json),
            configuration: file.config)
    }
}
