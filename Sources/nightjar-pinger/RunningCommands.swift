import ArgumentParser
import PingerProgram

/// Which pinger.
struct ConfigOption: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The pinger's configuration.", valueName: "file"),
        completion: .file())
    var config = "/etc/nightjar-pinger/pinger.toml"
}

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make configuration, data directory and keys.",
        discussion: """
            Makes what is not there; what is there stays. Prints the digest of the key
            that signs reports: authorities that trust this pinger name it.

            Examples:
              nightjar-pinger init --name owl --network /etc/nightjar-pinger/network
              nightjar-pinger init --config pinger.toml --name owl --network example.network --data-directory data
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "The pinger's name, for reports and authorities.")
    var name: String?
    @Option(help: ArgumentHelp("The network file, which stays where it is.", valueName: "file"), completion: .file())
    var network: String?
    @Option(
        help: ArgumentHelp("Where keys and database go.", valueName: "directory"), completion: .directory)
    var dataDirectory: String?
    @Option(
        help: ArgumentHelp("Where pages and tables are written.", valueName: "directory"), completion: .directory)
    var outputDirectory: String?

    func run() async throws {
        try PingerCommands().initialize(
            file.config,
            NewPinger(name: name, network: network, dataDirectory: dataDirectory, outputDirectory: outputDirectory))
    }
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say what is wrong with the configuration, without starting anything.",
        discussion: """
            Looks at keys, network file, directories and clock too.

            Example:
              nightjar-pinger check-config --config /etc/nightjar-pinger/pinger.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try PingerCommands().checkConfig(file.config) }
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measure the network until SIGTERM.",
        discussion: """
            SIGTERM stops in order, SIGHUP reads the configuration and the network file
            again, SIGUSR1 opens the log file anew.

            Example:
              nightjar-pinger run --config /etc/nightjar-pinger/pinger.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try await PingerCommands().run(configuration: file.config) }
}
