import ArgumentParser
import CommandLineEntry
import NodeProgram

@main
struct NightjarNode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar-node",
        abstract: "A node of a Nightjar network: takes packets, mixes them, sends them on.",
        discussion: """
            Examples:
              nightjar-node init --config /etc/nightjar/node.toml
              nightjar-node check-config --config /etc/nightjar/node.toml
              nightjar-node run --config /etc/nightjar/node.toml
              nightjar-node keys --config /etc/nightjar/node.toml
            """,
        version: NodeVersion.text, subcommands: [Init.self, Run.self, CheckConfig.self, Keys.self, Describe.self])

    static func main() async {
        await CommandRunner.run(Self.self)
    }
}

struct ConfigOption: ParsableArguments {
    @Option(name: .shortAndLong, help: "The node's configuration file.")
    var config = "/etc/nightjar/node.toml"
}

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the node's data directory, keys and first descriptor.",
        discussion: """
            Writes a configuration to begin with if there is none, then makes what is missing; keys that are there are kept.
            Give the descriptor to the people who run the network.

            Example:
              nightjar-node init --config /etc/nightjar/node.toml --network example
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "Name of the network that the node joins; only needed while there is no network file.")
    var network: String?
    @Option(help: "Nickname for a new configuration.")
    var nickname: String?
    @Option(help: "Address (host:port) to publish, for a new configuration.")
    var address: String?

    func run() async throws {
        try NodeCommands.initialize(file.config, network: network, nickname: nickname, address: address)
    }
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the node until SIGTERM.",
        discussion: """
            SIGTERM stops in order, SIGHUP reads configuration and network file again, SIGUSR1 opens the log file anew.

            Example:
              nightjar-node run --config /etc/nightjar/node.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try await NodeCommands.run(file.config) }
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config", abstract: "Say what is wrong with the configuration, without starting anything.",
        discussion: """
            Example:
              nightjar-node check-config --config /etc/nightjar/node.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try NodeCommands.checkConfig(file.config) }
}

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Show the node's id and the key periods that it has keys for.",
        discussion: """
            Examples:
              nightjar-node keys --config /etc/nightjar/node.toml
              nightjar-node keys --json
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try NodeCommands.keys(file.config, json: json) }
}

struct Describe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "descriptor",
        abstract: "Print the node's current descriptor, to be given to the people who run the network.",
        discussion: """
            Example:
              nightjar-node descriptor --config /etc/nightjar/node.toml > alpha.descriptor
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try NodeCommands.descriptor(file.config) }
}
