// Reading a node's settings from its TOML file. Every key has its sentence here; etc/nightjar-node.toml and the manual
// page are held against it by a test.

internal import Daemon
internal import Directory
internal import Exits
internal import MMTP
internal import Messages
internal import Mixing
internal import Spool
internal import WireFormat

extension NodeSettings {
    /// Reads and checks the file at `path`; throws everything that is wrong with it at once.
    init(configuration path: String) throws {
        let file = try ConfigFile(path: path)
        self = NodeSettings.read(file.root)
        try file.finish()
    }

    /// Takes all settings out of a table; problems are reported there.
    static func read(_ root: ConfigTable) -> NodeSettings {
        let name = root.required(
            "nickname", .string, doc: "The node's name for people: 1 to 24 letters, digits, - and _.")
        let nickname = Nickname(name) ?? .unnamed
        if Nickname(name) == nil, !name.isEmpty {
            root.report(
                "nickname",
                "a nickname has \(Nickname.rule)"
            )
        }
        var settings = NodeSettings(
            nickname: nickname,
            dataDirectory: root.value(
                "data-directory", .path, default: "/var/lib/nightjar/node",
                doc: "Keys, spool and descriptor; mode 0700."),
            networkFile: root.value(
                "network-file", .path, default: "/etc/nightjar/network",
                doc: "The signed document that names the network's authorities."),
            listen: [], addresses: [])
        settings.readNetworkDigest(root)
        let listen = root.value(
            "listen", .strings, default: ["0.0.0.0:48099", "[::]:48099"], doc: "Addresses and ports to listen on.")
        settings.listen = listen.compactMap { text in
            guard let address = NodeAddress(text), address.family != .name else {
                root.report(
                    "listen",
                    "'\(text)' is not an IPv4 or IPv6 address with a port, such as 0.0.0.0:48099 or [::]:48099")
                return nil
            }
            return LinkAddress(host: address.host, port: Int(address.port))
        }
        let addresses = root.required(
            "addresses", .strings, doc: "Addresses (host:port) that other nodes reach this one at, to be published.")
        settings.addresses = addresses.compactMap { text in
            guard let address = NodeAddress(text) else {
                root.report(
                    "addresses", "'\(text)' is not a host or address with a port, such as mix.example.org:48099")
                return nil
            }
            return address
        }
        settings.contact = root.value("contact", .string, default: "", doc: "How people reach you; published.")
        settings.family = root.value(
            "family", .strings, default: [], doc: "Ids of other nodes that you run; each must name this one too."
        ).compactMap { text in
            guard let id = NodeID(hex: text) else {
                root.report("family", "'\(text)' is not a node id of 64 hexadecimal digits")
                return nil
            }
            return id
        }
        settings.workers = root.value(
            "workers", .int(0...256), default: 0, doc: "Threads that open packets; 0 is one for each processor.")
        settings.locksMemory = root.value(
            "lock-memory", .bool, default: false, doc: "Keep all memory from being swapped; needs a high memlock limit."
        )
        settings.readLimits(root.table("limits"))
        settings.readMixing(root.table("mixing"))
        settings.loopsPerMinute = root.table("cover").optional(
            "loops-per-minute", .double(0...60_000), doc: "Own loops sent a minute; without it the network's rate.")
        settings.directory = DirectorySettings(root.table("directory"))
        settings.log = LogSettings(root)
        settings.metrics = MetricsSettings(root)
        if root.contains("exit") || root.isDocumenting { settings.exit = ExitSettings(root.table("exit")) }
        if root.contains("mailboxes") || root.isDocumenting {
            settings.mailboxes = MailboxSettings.read(root.table("mailboxes"))
        }
        let test = root.table("test")
        let clock = ScaledClock(test)
        (settings.timeScale, settings.timeOrigin) = (clock.scale, clock.origin)
        settings.faults = InjectedFaults.read(test)
        settings.queues = settings.queues.scaled(by: Int64(max(1, settings.timeScale)))
        return settings
    }

    private mutating func readNetworkDigest(_ root: ConfigTable) {
        let text = root.optional(
            "network-digest", .string,
            doc: "Digest (64 hexadecimal digits) that the network file must have when it is first taken.")
        networkDigest = text.flatMap { Digest(hex: $0) }
        if text != nil, networkDigest == nil, !root.isDocumenting {
            root.report(
                "network-digest", "give the 64 hexadecimal digits that the people who run the network tell everybody")
        }
    }

    private mutating func readLimits(_ table: ConfigTable) {
        var peers = PeerLimits.Configuration()
        peers.connectionsPerMinute = table.value(
            "connections-per-minute", .double(1...10_000_000), default: peers.connectionsPerMinute,
            doc: "New connections a minute from one address block (IPv4 /24, IPv6 /48).")
        peers.concurrentConnections = table.value(
            "concurrent-connections", .int(1...1_000_000), default: peers.concurrentConnections,
            doc: "Connections at one time from one address block.")
        peers.framesPerSecond = table.value(
            "frames-per-second", .double(1...10_000_000), default: peers.framesPerSecond,
            doc: "Frames a second from one address block.")
        peers.frameBurst = table.value(
            "frame-burst", .double(1...10_000_000), default: peers.frameBurst,
            doc: "Frames at once from one address block.")
        peers.globalConnections = table.value(
            "connections", .int(1...1_000_000), default: peers.globalConnections, doc: "Connections at one time in all."
        )
        listener.limits = peers
        queues.maximumConnections = table.value(
            "outgoing-connections", .int(1...10_000), default: queues.maximumConnections,
            doc: "Connections to other nodes at one time.")
        listener.framesInFlight = table.value(
            "frames-in-flight", .int(64...100_000), default: listener.framesInFlight,
            doc: "Packets under way to the disk at one time, 32 KiB each; above it peers are told to come back.")
        spool.maxPackets = table.value(
            "spool-packets", .int(1...100_000_000), default: spool.maxPackets, doc: "Packets that may wait.")
        spool.maxBytes = table.value(
            "spool-size", .size(), default: spool.maxBytes, doc: "Bytes that may wait, packets and shares together.")
    }

    private mutating func readMixing(_ table: ConfigTable) {
        let text = table.value(
            "strategy", .string, default: "poisson",
            doc: "poisson, or timed-dynamic-pool or threshold with their parameters, as doc/MIXING.md says.")
        do throws(MixStrategyError) { strategy = try MixStrategy(parsing: text) } catch {
            table.report("strategy", error.description)
        }
        acceptsWeakness = table.value(
            "i-understand-this-is-not-anonymous", .bool, default: false,
            doc: "Must be true for a strategy that is known to be weak; the descriptor names the weakness.")
        if !acceptsWeakness, let weakness = strategy.weaknesses().first {
            table.report(
                "strategy",
                "\(weakness.explanation); choose another or set i-understand-this-is-not-anonymous = true, which is published"
            )
        }
    }
}
