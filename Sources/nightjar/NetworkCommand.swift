import ArgumentParser
import ClientProgram

struct Network: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Add networks, show them, and keep what is known of them new.",
        discussion: """
            Examples:
              nightjar network add example.network
              nightjar network show
              nightjar network update
            """,
        subcommands: [
            NetworkAdd.self, NetworkList.self, NetworkShow.self, NetworkUpdate.self, NetworkEvidence.self,
            NetworkRemove.self,
        ])
}

/// What everything goes through that is fetched.
struct ProxyOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Fetch through this proxy instead of that of client.toml: socks5://host:port or http://host:port.",
            valueName: "url"))
    var proxy: String?
}

struct NetworkAdd: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Install a network file, or its next edition, and fetch its consensus.",
        discussion: """
            The network file names the authorities, a quorum of which must agree on which nodes you use. Whoever gave it to \
            you could have named others: compare its fingerprint with one from another source, or give it with --digest.

            Examples:
              nightjar network add example.network --digest 5f3c...
              nightjar network add lab.network --consensus consensus --descriptors descriptors
            """)
    @Argument(help: "The network file.", completion: .file())
    var file: String
    @Option(help: ArgumentHelp("The fingerprint that it must have: 64 hexadecimal digits.", valueName: "digest"))
    var digest: String?
    @Option(
        help: ArgumentHelp("Take the consensus from this file instead of fetching it.", valueName: "file"),
        completion: .file())
    var consensus: String?
    @Option(
        help: ArgumentHelp(
            "The descriptors of that consensus; the file `descriptors` beside it without this.", valueName: "file"),
        completion: .file())
    var descriptors: String?
    @OptionGroup var proxy: ProxyOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        var request = NetworkAddRequest(file: file)
        request.digest = digest
        request.consensus = consensus
        request.descriptors = descriptors
        request.proxy = proxy.proxy
        try await home.client().addNetwork(request)
    }
}

struct NetworkList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show the networks that are installed.",
        discussion: """
            Example:
              nightjar network list --json
            """)
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().listNetworks(json: json.json) }
}

struct NetworkShow: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a network's authorities, the age of what is known of it, and its parameters.",
        discussion: """
            Example:
              nightjar network show example
            """)
    @Argument(help: "The network's name.")
    var name: String?
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().showNetwork(name, json: json.json) }
}

struct NetworkUpdate: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Fetch a newer consensus now, and the network file's next editions.",
        discussion: """
            Asks the network's authorities, mirrors, the sources of client.toml and some nodes in random order until one of \
            them has something newer. None is believed: everything is verified. `nightjar run` does the same at random times.

            Examples:
              nightjar network update
              nightjar network update example --proxy socks5://127.0.0.1:9050
              nightjar network update --from https://mirror.example.org/nightjar
              nightjar network update --from /media/stick/directory
            """)
    @Argument(help: "The network's name.")
    var name: String?
    @Option(
        help: ArgumentHelp(
            "Ask only here: a URL, a directory with an authority's files, a consensus, or a network file.",
            valueName: "place"), completion: .file())
    var from: String?
    @OptionGroup var proxy: ProxyOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client().updateNetwork(name, from: from, proxy: proxy.proxy)
    }
}

struct NetworkEvidence: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Show what proves that authorities of a network lied.",
        discussion: """
            Two different certified consensuses for one slot cannot exist while the authorities are honest. Where they were \
            seen both are kept here, and every command that uses the network says so until you acknowledge it. Sources that \
            offered something much older than what was known are listed too.

            Examples:
              nightjar network evidence
              nightjar network evidence example --acknowledge
            """)
    @Argument(help: "The network's name.")
    var name: String?
    @Flag(help: "You have taken note: do not tell it at every use any more. The files stay.")
    var acknowledge = false
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().showEvidence(name, acknowledge: acknowledge, json: json.json)
    }
}

struct NetworkRemove: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget a network.",
        discussion: """
            Example:
              nightjar network remove example --yes
            """)
    @Argument(help: "The network's name.")
    var name: String
    @Flag(help: "Do it.")
    var yes = false
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().removeNetwork(name, isConfirmed: yes) }
}
