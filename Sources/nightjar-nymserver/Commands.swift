import ArgumentParser
import NymserverProgram

/// Which nymserver.
struct ConfigOption: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The nymserver's configuration.", valueName: "file"),
        completion: .file())
    var config = "/etc/nightjar-nymserver/nymserver.toml"
}

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make configuration, data directory and keys.",
        discussion: """
            Makes what is not there; what is there stays. Writes the public key to
            server.key in the data directory: exits that serve the domain need that file.

            Examples:
              nightjar-nymserver init --domain nym.example --operator you@example.org
              nightjar-nymserver init --config nym.toml --domain nym.example --operator you@example.org --network example.network --data-directory data
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "The mail domain of all nyms.")
    var domain: String?
    @Option(
        name: .customLong("operator"),
        help: ArgumentHelp("Where complaints and mail for postmaster go.", valueName: "address"))
    var operatorAddress: String?
    @Option(help: ArgumentHelp("The network file, which stays where it is.", valueName: "file"), completion: .file())
    var network: String?
    @Option(help: ArgumentHelp("Where keys and database go.", valueName: "directory"), completion: .directory)
    var dataDirectory: String?

    func run() async throws {
        try NymserverCommands().initialize(
            file.config,
            NewNymserver(
                domain: domain, operatorAddress: operatorAddress, network: network, dataDirectory: dataDirectory))
    }
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say what is wrong with the configuration, without starting anything.",
        discussion: """
            Looks at keys, network file, directories and clock too.

            Example:
              nightjar-nymserver check-config --config /etc/nightjar-nymserver/nymserver.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try NymserverCommands().checkConfig(file.config) }
}
