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

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Serve the domain's nyms until SIGTERM.",
        discussion: """
            SIGTERM stops in order, SIGHUP reads the configuration and the network file
            again, SIGUSR1 opens the log file anew.

            Example:
              nightjar-nymserver run --config /etc/nightjar-nymserver/nymserver.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try await NymserverCommands().run(configuration: file.config) }
}

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how much the server holds, and whether it is late.",
        discussion: """
            Reads the database, beside a running server or without one, and changes
            nothing. Figures alone: no name and no address.

            Exit code 0 if the server runs, else 3.

            Examples:
              nightjar-nymserver status
              nightjar-nymserver status --json | jq .accounts
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try NymserverCommands().status(configuration: file.config, json: json) }
}

struct Close: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "End a nym, as its owner could.",
        discussion: """
            For nyms that are abused. What waits for the nym is erased, mail for it is
            refused, its owner reads in the status of two more days that it is closing,
            and nobody is given the name again. It cannot be undone. Works beside a
            running server; run it as the server's user.

            Example:
              nightjar-nymserver close mallory
            """)
    @OptionGroup var file: ConfigOption
    @Argument(help: "Its name or an alias.")
    var name: String

    func run() async throws { try NymserverCommands().close(configuration: file.config, name: name) }
}
