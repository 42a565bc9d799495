import ArgumentParser
import ClientProgram

struct Network: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Add and show networks, or make one.",
        discussion: """
            Examples:
              nightjar network add example.network
              nightjar network list
              nightjar help network sign
            """,
        subcommands: [NetworkAdd.self, NetworkList.self, NetworkShow.self, NetworkNewKey.self, NetworkSign.self])
}

struct NetworkAdd: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Install a network file, or its newer edition.",
        discussion: """
            Example:
              nightjar network add example.network --signer 5f3c...
            """)
    @Argument(help: "The network file.", completion: .file())
    var file: String
    @Option(
        help: ArgumentHelp(
            "The key that must have signed it: 64 hexadecimal digits, from another source.", valueName: "key"))
    var signer: String?
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().addNetwork(file, signer: signer) }
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
        abstract: "Show a network's signer, dates and parameters.",
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

struct NetworkNewKey: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "new-key",
        abstract: "Make a key that signs a network, for whoever runs one.",
        discussion: """
            Prints the public key, which users compare.

            Example:
              nightjar network new-key network.key
            """)
    @Argument(help: "File for the key; must not exist.", completion: .file())
    var file: String
    @OptionGroup var home: HomeOption

    func perform() async throws { try home.client().makeNetworkKey(file) }
}

struct NetworkSign: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a network file, for whoever runs a network.",
        discussion: """
            Example:
              nightjar network sign --key network.key --name example --version 2 \\
                --parameter mean-delay=60s *.descriptor -o example.network
            """)
    @Option(help: ArgumentHelp("File of the signing key.", valueName: "file"), completion: .file())
    var key: String
    @Option(help: "The network's name: lower-case letters, digits and hyphens.")
    var name: String
    @Option(help: "Edition; greater than the last one.")
    var version: UInt32
    @Flag(help: "Allow private addresses and fast time; never for a network that people rely on.")
    var testNetwork = false
    @Option(help: ArgumentHelp("Days until the file expires.", valueName: "days"))
    var validDays = 30
    @Option(help: ArgumentHelp("A parameter that differs from its default; may be repeated.", valueName: "name=value"))
    var parameter: [String] = []
    @Argument(help: "Descriptors of the nodes.", completion: .file())
    var descriptor: [String] = []
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The network file to write.", valueName: "file"), completion: .file())
    var output: String
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try home.client().signNetwork(
            NetworkSignRequest(
                key: key, name: name, version: version, isTest: testNetwork, validDays: validDays,
                parameters: parameter,
                descriptors: descriptor, output: output))
    }
}
