import ArgumentParser
import ClientProgram

struct Packet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packet",
        abstract: "Work on packets in files, for debugging.",
        discussion: """
            Examples:
              nightjar packet inspect packet.bin
              nightjar packet unwrap packet.bin --seed node.seed --node 5f3c... -o next.bin
              nightjar packet wrap content.bin --path path.txt -o packet.bin
            """,
        subcommands: [PacketInspect.self, PacketUnwrap.self, PacketWrap.self])
}

struct PacketInspect: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what can be said of a packet or reply block without a key.",
        discussion: """
            Example:
              nightjar packet inspect packet.bin
            """)
    @Argument(help: "A packet, or reply blocks.", completion: .file())
    var file: String

    func perform() async throws { try PacketCommands.inspect(file) }
}

struct PacketUnwrap: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "unwrap",
        abstract: "Do one node's work on a packet.",
        discussion: """
            Example:
              nightjar packet unwrap packet.bin --seed node.seed --node 5f3c... -o next.bin
            """)
    @Argument(help: "A packet.", completion: .file())
    var file: String
    @Option(
        help: ArgumentHelp("File with the 32-byte seed of the node's packet key.", valueName: "file"),
        completion: .file())
    var seed: String
    @Option(help: ArgumentHelp("The node's id, 64 hexadecimal digits.", valueName: "id"))
    var node: String
    @Option(name: .shortAndLong, help: ArgumentHelp("File for what comes out.", valueName: "file"), completion: .file())
    var output: String?

    func perform() async throws { try PacketCommands.unwrap(file, seed: seed, node: node, output: output) }
}

struct PacketWrap: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "wrap",
        abstract: "Make a packet for a path.",
        discussion: """
            Each line of the path's file is a hop: node-id period delay-ms public-key-file

            Example:
              nightjar packet wrap content.bin --path path.txt -o packet.bin
            """)
    @Argument(help: "The content, at most 25620 bytes.", completion: .file())
    var content: String
    @Option(help: ArgumentHelp("File with the path.", valueName: "file"), completion: .file())
    var path: String
    @Option(name: .shortAndLong, help: ArgumentHelp("File for the packet.", valueName: "file"), completion: .file())
    var output: String

    func perform() async throws { try PacketCommands.wrap(content, path: path, output: output) }
}

struct TestVectorsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "testvectors",
        abstract: "Print fresh packet vectors as JSON, or check those in a file.",
        discussion: """
            Examples:
              nightjar testvectors > vectors.json
              nightjar testvectors --check vectors.json
            """)
    @Option(help: ArgumentHelp("A file of vectors.", valueName: "file"), completion: .file())
    var check: String?

    func perform() async throws { try PacketCommands.testVectors(check: check) }
}
