// The client's settings, `client.toml`. Every one has a default, so the file need not be there; options on the command line
// go before it.

public import Daemon
internal import Directory
internal import WireFormat

/// What `client.toml` says.
public struct ClientConfig: Sendable {
    /// The network to use where several are installed.
    var network: String?
    /// The path of packets (doc/CLIENT.md, paths).
    var path = PathSpecification.standard
    /// Nicknames or ids of nodes that are never used.
    var blockedNodes: [String] = []
    /// Those that no path begins at.
    var blockedEntries: [String] = []
    /// Those that no path ends at.
    var blockedExits: [String] = []
    /// How often a message of a single part is sent.
    var copies = 1
    /// How long `send` and `queue flush` try.
    var timeout = Interval.seconds(60)
    /// How long a connection to a node may take to open.
    var connectTimeout = Interval.seconds(10)
    /// Most packets that may wait.
    var queueLimit = 10_000
    /// Commands say so when packets have waited for so long; zero: never.
    var warnAfter = Interval.hours(12)
    /// Packets that have waited for so long are given up before their deadline; zero: only at the deadline.
    var deleteAfter = Interval.zero
    /// How long it is remembered what was sent.
    var keepSent = SentLog.standardMemory
    /// Reply blocks and names for addresses.
    var replies = ReplySettings()
    /// Where the directory comes from.
    var directory = DirectorySettings()
    /// What `nightjar run` does.
    var run = RunSettings()
    /// Mailboxes and what was received.
    var inbox = InboxSettings()
    /// What `nightjar gateway` does.
    var gateway = GatewaySettings()
    /// Nyms.
    var nyms = NymSettings()
    /// The log of `nightjar run`.
    var log = LogSettings()

    /// The defaults.
    init() {}

    /// Reads `path` if it is there.
    /// - Throws: `ConfigError` with everything that is wrong, or `CommandFailure`.
    init(path: String) throws {
        guard ClientPlaces.isThere(path) else { return }
        let file = try ConfigFile(path: path)
        self = Self.read(file.root)
        try file.finish()
    }

    /// Takes the settings out of a file.
    static func read(_ table: ConfigTable) -> ClientConfig {
        var config = ClientConfig()
        config.network = table.optional(
            "network", .string, doc: "The network to use where several are installed; --network goes before it.")
        let path = table.value(
            "path", .string, default: "*",
            doc: "The path of packets, in the language of --path. By default as many random nodes as the network wants."
        )
        do throws(PathError) {
            config.path = try PathSpecification(path)
        } catch {
            table.report("path", "\(error)")
        }
        config.blockedNodes = table.value(
            "blocked-nodes", .strings, default: [],
            doc: "Nodes that are never used: nicknames, or ids of 64 hexadecimal digits.")
        config.blockedEntries = table.value(
            "blocked-entries", .strings, default: [],
            doc: "Nodes that no path of yours begins at, though they may stand in one.")
        config.blockedExits = table.value(
            "blocked-exits", .strings, default: [],
            doc: "Nodes that no path of yours ends at, though they may stand in one.")
        config.copies = table.value(
            "copies", .int(SendOptions.copyRange), default: config.copies,
            doc:
                "How often a message that fits into one packet is sent, each time by another path. It is delivered once."
        )
        config.timeout = table.value(
            "timeout", .duration(.seconds(1) ... .hours(24)), default: config.timeout,
            doc: "How long send and queue flush try to hand packets over. What is left waits in the queue.")
        config.connectTimeout = table.value(
            "connect-timeout", .duration(.milliseconds(100) ... .minutes(5)), default: config.connectTimeout,
            doc: "How long a node may take to accept a connection, and again to finish the handshake.")
        config.queueLimit = table.value(
            "queue-limit", .int(1...250_000), default: config.queueLimit,
            doc: "Most packets (32 KiB each) that may wait in the queue of a network.")
        config.warnAfter = table.value(
            "warn-after", .duration(.zero ... .days(60)), default: config.warnAfter,
            doc: "Commands that open the queue say so when packets have waited for so long. 0s: never.")
        config.deleteAfter = table.value(
            "delete-after", .duration(.zero ... .days(60)), default: config.deleteAfter,
            doc: "Packets that have waited for so long are given up. 0s: only when their nodes would refuse them.")
        config.keepSent = table.value(
            "keep-sent", .duration(.zero ... .days(366)), default: config.keepSent,
            doc: "How long `nightjar sent` remembers a message. Until its end is known or given up it is kept anyway.")
        config.replies = ReplySettings(table)
        config.directory = DirectorySettings(table)
        config.run = RunSettings(table)
        config.inbox = InboxSettings(table)
        config.gateway = GatewaySettings(table)
        config.nyms = NymSettings(table)
        config.log = LogSettings(table)
        return config
    }

    /// Every setting, for the sample file and the manual page.
    public static var keys: [ConfigKey] { ConfigFile.keys { _ = read($0) } }
}
