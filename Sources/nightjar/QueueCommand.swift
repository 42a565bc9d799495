import ArgumentParser
import ClientProgram

struct Queue: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Show, hand over or throw away the packets that wait.",
        discussion: """
            Examples:
              nightjar queue list
              nightjar queue flush
              nightjar queue clean --destination alpha
              nightjar queue out /media/stick
              nightjar queue in /media/stick/*.packets
            """,
        subcommands: [QueueList.self, QueueFlush.self, QueueClean.self, QueueOut.self, QueueIn.self])
}

/// Which packets.
struct SelectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only packets for this node.", valueName: "node"))
    var destination: String?
    @Option(help: ArgumentHelp("Only packets made so long ago, such as 12h.", valueName: "time"))
    var olderThan: Duration?

    var selection: QueueSelection { QueueSelection(destination: destination, olderThan: olderThan?.interval) }
}

struct QueueList: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show how many packets wait for which node.",
        discussion: """
            Examples:
              nightjar queue list
              nightjar queue list --older-than 12h --json
            """)
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client().listQueue(selection.selection, network: network.network, json: json.json)
    }
}

struct QueueFlush: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush",
        abstract: "Try now to hand over what waits.",
        discussion: """
            Examples:
              nightjar queue flush
              nightjar queue flush --destination alpha --timeout 10s
            """)
    @OptionGroup var selection: SelectionOptions
    @Option(help: ArgumentHelp("How long to try, such as 60s.", valueName: "time"))
    var timeout: Duration?
    @Flag(name: .shortAndLong, help: "Tell only errors.")
    var quiet = false
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client(using: network, isQuiet: quiet).flushQueue(
            selection.selection, network: network.network, timeout: timeout?.interval, json: json.json)
    }
}

struct QueueClean: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean",
        abstract: "Throw away what waits.",
        discussion: """
            Mails of which packets are thrown away may never arrive.

            Examples:
              nightjar queue clean
              nightjar queue clean --destination alpha --older-than 1d --yes
            """)
    @OptionGroup var selection: SelectionOptions
    @Flag(help: "Do not ask.")
    var yes = false
    @OptionGroup var network: NetworkOption
    @OptionGroup var json: JSONOption
    @OptionGroup var home: HomeOption

    func perform() async throws {
        try await home.client().cleanQueue(
            selection.selection, network: network.network, isConfirmed: yes, json: json.json)
    }
}
