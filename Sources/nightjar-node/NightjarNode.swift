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
              nightjar-node status --config /etc/nightjar/node.toml
              nightjar-node keys --config /etc/nightjar/node.toml
            """,
        version: NodeVersion.text,
        subcommands: [
            Init.self, Run.self, CheckConfig.self, Status.self, Evidence.self, Withdraw.self, OptOut.self, Keys.self,
            Describe.self,
        ])

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
            The network file that the configuration names must be there. Compare the fingerprint that is printed with what
            the people who run the network tell everybody.

            Examples:
              nightjar-node init --nickname alpha --address mix.example.org:48099
              sudo -u nightjar nightjar-node init --config /etc/nightjar/node.toml
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "Nickname for a new configuration.")
    var nickname: String?
    @Option(help: "Address (host:port) to publish, for a new configuration.")
    var address: String?

    func run() async throws {
        try NodeCommands.initialize(file.config, nickname: nickname, address: address)
    }
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the node until SIGTERM.",
        discussion: """
            SIGTERM stops in order, SIGHUP reads configuration and network file again and asks for a newer
            directory, SIGUSR1 opens the log file anew.

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

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Show whether the network lists the node, which authorities have its descriptor, and how old the directory is.",
        discussion: """
            Works whether the node runs or not. Ends with 3 if something wants attention: the node is not listed, or there is no
            consensus that is valid.

            Examples:
              nightjar-node status --config /etc/nightjar/node.toml
              nightjar-node status --json
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try NodeCommands.status(file.config, json: json) }
}

struct Evidence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Show the certified consensuses that contradict each other, or take note of them.",
        discussion: """
            Two certified consensuses for one slot mean that authorities lied or that their keys were stolen. Show the files to
            the people who run the network. With --acknowledge `status` and `/health` do not complain about them any more; the
            files stay.

            Examples:
              nightjar-node evidence --config /etc/nightjar/node.toml
              nightjar-node evidence --acknowledge
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "You know of all of them.")
    var acknowledge = false
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws { try NodeCommands.evidence(file.config, acknowledge: acknowledge, json: json) }
}

struct Withdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Take the node out of the network, so that it can be stopped without loss.",
        discussion: """
            The running node tells all authorities that it leaves, and serves on: packets that name it are on their way, and clients
            may use a consensus with it for three days. `nightjar-node status` says when it may be stopped.

            Examples:
              nightjar-node withdraw --config /etc/nightjar/node.toml
              nightjar-node withdraw --undo
            """)
    @OptionGroup var file: ConfigOption
    @Flag(help: "The node stays after all.")
    var undo = false

    func run() async throws { try NodeCommands.withdraw(file.config, undo: undo) }
}

struct OptOut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "optout",
        abstract: "Show who wants no anonymous mail, as counts, or change it by hand.",
        discussion: """
            People opt out by the link in each mail, or by writing to optout@ at the gateway's domain (doc/OPTOUT.md). What is kept
            are salted hashes, so that nobody can list addresses; you can ask for one. Changes by hand are for complaints that
            came another way; a running exit knows of them within seconds, all others within two slots.

            Examples:
              nightjar-node optout list --config /etc/nightjar/node.toml
              nightjar-node optout list ada@example.org
              nightjar-node optout add ada@example.org @quiet.example
              nightjar-node optout remove ada@example.org
            """,
        subcommands: [List.self, Add.self, Remove.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Count the opt-outs that are held here and in the network, or ask for some.",
            discussion: """
                Ends with 1 if an address is asked for and none of them has opted out.

                Examples:
                  nightjar-node optout list --json
                  nightjar-node optout list ada@example.org @quiet.example
                """)
        @OptionGroup var file: ConfigOption
        @Argument(help: "Addresses, or domains written @example.org, to ask for.")
        var addresses: [String] = []
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws { try NodeCommands.listOptOuts(file.config, asking: addresses, json: json) }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Send no more anonymous mail to these addresses or domains.",
            discussion: """
                Example:
                  nightjar-node optout add ada@example.org @quiet.example
                """)
        @OptionGroup var file: ConfigOption
        @Argument(help: "Addresses, or domains written @example.org.")
        var addresses: [String]

        func run() async throws { try NodeCommands.changeOptOuts(file.config, addresses, adding: true) }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Forget opt-outs that are held here.",
            discussion: """
                Example:
                  nightjar-node optout remove ada@example.org
                """)
        @OptionGroup var file: ConfigOption
        @Argument(help: "Addresses, or domains written @example.org.")
        var addresses: [String]

        func run() async throws { try NodeCommands.changeOptOuts(file.config, addresses, adding: false) }
    }
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
        abstract: "Print the node's current descriptor: what it says of itself to the network.",
        discussion: """
            The running node gives it to all authorities by itself.

            Example:
              nightjar-node descriptor --config /etc/nightjar/node.toml > alpha.descriptor
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try NodeCommands.descriptor(file.config) }
}
