import ArgumentParser
import ClientProgram

struct QueueOut: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "out",
        abstract: "Write packets that wait to files, to hand them over from another machine.",
        discussion: """
            The packets leave the queue. Nobody can read in the files what you wrote, but they show how many packets you \
            have and where they go first: carry them as you would carry letters.

            Examples:
              nightjar queue out /media/stick
              nightjar queue out packets.out --destination alpha
            """)
    @Argument(help: "A directory, or the name of a new file.", completion: .file())
    var target: String
    @OptionGroup var selection: SelectionOptions
    @Flag(help: "Leave the packets in the queue too.")
    var keep = false
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var status: StatusOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client(isQuiet: quiet).writeQueue(
            to: target, selection.selection, keeps: keep, network: network.network, json: json.json,
            statusDescriptor: status.descriptor)
    }
}

struct QueueIn: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "in",
        abstract: "Take packets out of files into the queue.",
        discussion: """
            The network that the packets were made for must be installed here. A packet that comes twice arrives once.

            Example:
              nightjar queue in /media/stick/*.packets
            """)
    @Argument(help: "Files that `nightjar queue out` wrote.", completion: .file())
    var files: [String]
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var status: StatusOption
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client(isQuiet: quiet).readQueue(
            from: files, network: network.network, json: json.json, statusDescriptor: status.descriptor)
    }
}
