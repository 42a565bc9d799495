// Reading an authority's settings from its TOML file. Every key has its sentence here; etc/nightjar-authority.toml and the
// manual page are held against it by a test.

internal import Daemon
internal import Directory
internal import MMTP
internal import WireFormat

extension AuthoritySettings {
    /// Reads and checks the file at `path`; throws everything that is wrong with it at once.
    init(configuration path: String) throws {
        let file = try ConfigFile(path: path)
        self = AuthoritySettings.read(file.root)
        try file.finish()
    }

    /// Takes all settings out of a table; problems are reported there.
    static func read(_ root: ConfigTable) -> AuthoritySettings {
        let text = root.required("name", .string, doc: "The authority's name, as the network file has it.")
        let name = Nickname(text) ?? .unnamed
        if Nickname(text) == nil, !text.isEmpty {
            root.report(
                "name",
                "a name has \(Nickname.rule)"
            )
        }
        let directory = root.value(
            "data-directory", .path, default: "/var/lib/nightjar/authority",
            doc: "Database and signing key; mode 0700.")
        let files = AuthorityFiles(directory: directory)
        var settings = AuthoritySettings(
            name: name, dataDirectory: directory,
            networkFile: root.value(
                "network-file", .path, default: "/etc/nightjar/network",
                doc: "The network file, signed by a quorum of the authorities; a new edition needs a restart."),
            listen: readListen(root),
            signingKey: root.optional(
                "signing-key", .path,
                doc: "The key that signs every slot, mode 0600. Without it signing.key in the data directory.")
                ?? files.signingKey,
            certificate: root.optional(
                "certificate", .path,
                doc:
                    "What `certify` made of it, good for 90 days at most. Without it certificate in the data directory."
            )
                ?? files.certificate)
        settings.bad = Set(
            root.value(
                "bad", .strings, default: [],
                doc: "Ids of nodes that are known to misbehave: this authority votes Bad for them."
            ).compactMap { text in
                guard let id = NodeID(hex: text) else {
                    root.report("bad", "'\(text)' is not a node id of 64 hexadecimal digits")
                    return nil
                }
                return id
            })
        settings.checksReachability = root.value(
            "check-reachability", .bool, default: true,
            doc: "Try every node once a slot, and vote Running only for those that answer.")
        settings.keepSlots = root.value(
            "keep-slots", .int(1...1_000_000), default: settings.keepSlots,
            doc: "Slots whose votes and consensuses are kept; the newest 100 consensuses always are.")
        settings.publishDirectory = root.optional(
            "publish-directory", .path,
            doc: "Directory for a web server, into which everything that is served is written as files too.")
        settings.locksMemory = root.value(
            "lock-memory", .bool, default: false, doc: "Keep all memory from being swapped; needs a high memlock limit."
        )
        settings.readPingers(root.table("pingers"))
        settings.readParameters(root.table("parameters"))
        settings.readLimits(root.table("limits"))
        settings.log = LogSettings(root)
        settings.metrics = MetricsSettings(root)
        let test = root.table("test")
        settings.timeScale = test.value(
            "time-scale", .double(0.001...100_000), default: 1,
            doc: "How many times faster than real time the clock runs; test networks only.")
        settings.timeOrigin = Timestamp(
            milliseconds: Int64(
                test.value(
                    "time-origin", .int(0...Int.max / 4), default: 0,
                    doc: "Moment (milliseconds since 1970) at which scaled and real time agree; test networks only.")))
        return settings
    }

    private static func readListen(_ root: ConfigTable) -> LinkAddress {
        let text = root.value(
            "listen", .string, default: "0.0.0.0:48080", doc: "Address and port to serve HTTP on.")
        guard let address = NodeAddress(text, defaultPort: 48_080), address.family != .name else {
            root.report(
                "listen", "'\(text)' is not an IPv4 or IPv6 address with a port, such as 0.0.0.0:48080 or [::]:48080")
            return LinkAddress(host: "127.0.0.1", port: 48_080)
        }
        return LinkAddress(host: address.host, port: Int(address.port))
    }

    /// The names are the operator's own.
    private mutating func readPingers(_ table: ConfigTable) {
        for (name, key) in table.entries(
            .string, like: "NAME",
            doc: "A pinger that this authority believes: the digest of its key, which `nightjar-pinger init` tells.")
        {
            guard let nickname = Nickname(name) else {
                table.report(name, "a pinger's name has the form of a node's: 1 to 24 letters, digits, - and _")
                continue
            }
            guard let digest = Digest(hex: key) else {
                table.report(name, "'\(key)' is not the digest of a key, 64 hexadecimal digits")
                continue
            }
            if let other = pingers.first(where: { $0.key == digest || $0.name.folded == nickname.folded }) {
                table.report(name, "it has the same name or key as \(other.name)")
                continue
            }
            guard pingers.count < ReportRules.maximumPingers else {
                table.report(name, "there are more than \(ReportRules.maximumPingers) pingers")
                return
            }
            pingers.insert(TrustedPinger(name: nickname, key: digest))
        }
    }

    /// The parameters' names are the documents' own; times are in milliseconds as there.
    private mutating func readParameters(_ table: ConfigTable) {
        for (name, standard) in NetworkParameters().voted {
            let value = table.value(
                name, .int(0...Int.max / 4), default: Int(standard),
                doc: "What to vote for \(name); times in milliseconds.")
            var tried = NetworkParameters()
            guard tried.set(name, to: Int64(value)) else {
                table.report(name, "\(value) is out of the range that the network allows")
                continue
            }
            if Int64(value) != standard { parameters[name] = Int64(value) }
        }
    }

    private mutating func readLimits(_ table: ConfigTable) {
        registry.maximumNodes = table.value(
            "nodes", .int(1...Consensus.maximumNodes), default: registry.maximumNodes,
            doc: "Nodes that are taken up; further ones are refused.")
        registry.newNodesPerHour = table.value(
            "new-nodes-per-hour", .int(1...100_000), default: registry.newNodesPerHour,
            doc: "Nodes never seen before that are taken up in an hour.")
        registry.uploadsPerHour = table.value(
            "uploads-per-hour", .int(1...10_000), default: registry.uploadsPerHour,
            doc: "New descriptors that are taken from one node in an hour.")
        connections = table.value(
            "connections", .int(1...100_000), default: connections, doc: "Connections over HTTP at one time.")
    }
}
