import ArgumentParser
import AuthorityProgram

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make configuration, data directory, signing key and certificate request.",
        discussion: """
            Makes what is not there; what is there stays. The identity key is not
            needed here and must not be on this machine.

            Examples:
              nightjar-authority init --name alice --network /etc/nightjar/network
              nightjar-authority init --name alice --network-name example
            """)
    @OptionGroup var file: ConfigOption
    @Option(help: "The authority's name, as the network file has it.")
    var name: String?
    @Option(help: ArgumentHelp("The network file, which stays where it is.", valueName: "file"), completion: .file())
    var network: String?
    @Option(help: ArgumentHelp("The network's name, while there is no network file.", valueName: "name"))
    var networkName: String?
    @Option(help: ArgumentHelp("Where to serve HTTP.", valueName: "address:port"))
    var listen: String?
    @Option(
        help: ArgumentHelp("Where keys and database go.", valueName: "directory"), completion: .directory)
    var dataDirectory: String?

    func run() async throws {
        try AuthorityCommands().initialize(
            file.config,
            NewAuthority(
                name: name, network: network, networkName: networkName, listen: listen, dataDirectory: dataDirectory))
    }
}

struct CheckConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say what is wrong with the configuration, without starting anything.",
        discussion: """
            Looks at keys, certificate, network file, clock and database too.

            Example:
              nightjar-authority check-config --config /etc/nightjar/authority.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try AuthorityCommands().checkConfig(file.config) }
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the authority until SIGTERM.",
        discussion: """
            SIGTERM stops in order, SIGHUP reads configuration and certificate again,
            SIGUSR1 opens the log file anew.

            Example:
              nightjar-authority run --config /etc/nightjar/authority.toml
            """)
    @OptionGroup var file: ConfigOption

    func run() async throws { try await AuthorityCommands().run(configuration: file.config) }
}

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Ask the running authority how it is.",
        discussion: """
            What its health page shows, in short. Exit code 1 if it does not run or
            something must be done at once.

            Examples:
              nightjar-authority status
              nightjar-authority status --json
            """)
    @OptionGroup var file: ConfigOption
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await AuthorityCommands().status(configuration: file.config, json: json.json)
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write everything that is served as files, for a mirror.",
        discussion: """
            Also while the authority runs. With `publish-directory` in the
            configuration the authority does it by itself.

            Example:
              nightjar-authority export /srv/www/nightjar
            """)
    @Argument(help: "The directory; made if it is not there.", completion: .directory)
    var directory: String
    @Option(help: "How many consensuses with their votes, from the newest back.")
    var last = 100
    @OptionGroup var file: ConfigOption

    func run() async throws {
        try await AuthorityCommands().export(directory, configuration: file.config, last: last)
    }
}
