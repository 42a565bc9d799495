// What `nightjar-node` does, one function for each command. The executable only parses its command line.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Logging
internal import MMTP
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// The commands of `nightjar-node`.
public enum NodeCommands {
    /// Makes data directory, keys and descriptor for a configuration that exists, whose network file is there.
    /// - Returns: the descriptor's bytes.
    public static func initialize(configuration: String) throws -> [UInt8] {
        try makeFiles(NodeSettings(configuration: configuration)).descriptor.bytes
    }

    private static func makeFiles(_ settings: NodeSettings) throws -> (descriptor: Descriptor, root: NetworkFile) {
        let files = NodeFiles(directory: settings.dataDirectory)
        let root = try NetworkView.root(settings, files: files)
        try settings.checkScale(root)
        try files.create()
        let now = settings.clock.now()
        let calendar = NetworkParameters(root: root.parameters).calendar
        let keys = KeyRing(directory: files.packetKeys, calendar: calendar)
        _ = try keys.maintain(at: now)
        guard let period = calendar.period(at: now) else { throw KeyRingError.clock(now) }
        let descriptor = try files.writeDescriptor(
            DescriptorMaker(settings: settings, root: root), keys: keys.current.published(from: period),
            identity: files.loadIdentity(), now: now)
        return (descriptor, root)
    }

    /// `init`: a configuration to begin with if there is none, then keys and descriptor.
    public static func initialize(_ path: String, nickname: String?, address: String?) throws {
        let terminal = Terminal.standard
        if !FileManager.default.fileExists(atPath: path) {
            guard let nickname, let address else {
                throw CommandFailure(
                    "there is no \(path); to make one, give --nickname NAME and --address HOST:PORT", code: .usage)
            }
            guard Nickname(nickname) != nil else {
                throw CommandFailure(
                    "a nickname has \(Nickname.rule)",
                    code: .usage)
            }
            guard NodeAddress(address) != nil else {
                throw CommandFailure("\(address) is not an address such as mix.example.org:48099", code: .usage)
            }
            try AtomicFile.write(text: newConfiguration(nickname: nickname, address: address), to: path)
            terminal.message("wrote \(path); read it through before you start the node")
        }
        let settings = try NodeSettings(configuration: path)
        try ScaledClock.checkPlausible()
        let (descriptor, root) = try makeFiles(settings)
        try terminal.print("node \(settings.nickname) \(descriptor.id)")
        terminal.message("keys are in \(settings.dataDirectory): keep a copy of identity.key somewhere safe")
        terminal.message(
            "the network is \(root.name), with \(root.authorities.count) authorities; its fingerprint is \(root.digest.hex)"
        )
        warn(of: settings, in: root, terminal)
        if root.directoryURLs.isEmpty {
            let path = NodeFiles(directory: settings.dataDirectory).descriptor
            terminal.message("no authority can be reached by HTTP: give \(path) to whoever runs the network")
        } else {
            terminal.message("when the node runs it makes itself known to all of them; see `nightjar-node status`")
        }
    }

    /// What an authority would refuse.
    private static func warn(of settings: NodeSettings, in root: NetworkFile, _ terminal: Terminal) {
        guard !root.isTest, let address = settings.addresses.first(where: { !$0.isPublic }) else { return }
        terminal.message(
            "warning: \(address) cannot be reached from outside, so that no authority will list this node; change addresses"
        )
    }

    /// The text of a configuration to begin with.
    static func newConfiguration(nickname: String, address: String) -> String {
        let keys = ConfigFile.keys { _ = NodeSettings.read($0) }
        var isOptional = false
        return ConfigAudit.sample(keys)
            .replacing("\nnickname = \"\"\n", with: "\nnickname = \"\(nickname)\"\n")
            .replacing("\naddresses = \"\"\n", with: "\naddresses = [\"\(address)\"]\n")
            .replacing(
                "\n#deliver-to = \"everyone\"\n",
                with: "\n# A new exit begins small, with recipients whom you know: take the # away here, too.\n"
                    + "#deliver-to = \"listed\"\n"
            )
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in
                // An exit and mailboxes are for those who ask for them: their tables come commented out, with what is in them.
                if line.hasPrefix("[") {
                    isOptional = ["[exit", "[[exit", "[mailboxes"].contains { line.hasPrefix($0) }
                }
                return isOptional && !line.isEmpty && !line.hasPrefix("#") ? "#" + line : String(line)
            }.joined(separator: "\n")
    }

    /// `check-config`.
    public static func checkConfig(_ path: String) throws {
        let settings = try NodeSettings(configuration: path)
        let terminal = Terminal.standard
        try ScaledClock.checkPlausible()
        let files = NodeFiles(directory: settings.dataDirectory)
        if FileManager.default.fileExists(atPath: settings.dataDirectory) {
            _ = try PrivateDirectory(settings.dataDirectory, creating: false)
            _ = try files.loadIdentity()
            _ = try files.loadStorageKey()
        } else {
            throw CommandFailure("\(settings.dataDirectory) is not there; run `nightjar-node init --config \(path)`")
        }
        let root = try NetworkView.root(settings, files: files)
        try settings.checkScale(root)
        warn(of: settings, in: root, terminal)
        let id = try files.loadIdentity().verificationKey.nodeID
        let consensus = try? DirectoryCache(directory: files.directoryCache).newest()
        if let consensus, !consensus.consensus.nodes.contains(where: { $0.id == id }) {
            terminal.message(
                "warning: the network does not list this node, so nobody will send to it; see `nightjar-node status`")
        }
        try settings.exit?.check(terminal)
        try terminal.print("\(path) is good")
    }

    /// `keys`.
    public static func keys(_ path: String, json: Bool) throws {
        let settings = try NodeSettings(configuration: path)
        let files = NodeFiles(directory: settings.dataDirectory)
        let identity = try files.loadIdentity().verificationKey
        let root = try? NetworkView.root(settings, files: files)
        let calendar = (root.map { NetworkParameters(root: $0.parameters) } ?? NetworkParameters()).calendar
        let periods = try FileManager.default.contentsOfDirectory(atPath: files.packetKeys)
            .compactMap { $0.hasSuffix(".key") ? UInt16($0.dropLast(4)) : nil }.sorted().map(KeyPeriod.init)
        let terminal = Terminal.standard
        if json {
            let list = periods.map {
                "{\"period\": \($0), \"starts\": \"\(calendar.start(of: $0))\", \"ends\": \"\(calendar.end(of: $0))\", "
                    + "\"destroyed\": \"\(calendar.destruction(of: $0))\"}"
            }
            try terminal.print(
                "{\"id\": \"\(identity.nodeID)\", \"identity\": \"\(Hex.encode(identity.bytes))\", \"keys\": [\(list.joined(separator: ", "))]}"
            )
            return
        }
        try terminal.print("id       \(identity.nodeID)")
        try terminal.print("identity \(Hex.encode(identity.bytes))")
        for period in periods {
            try terminal.print(
                "period \(period)  \(calendar.start(of: period)) to \(calendar.end(of: period)), destroyed \(calendar.destruction(of: period))"
            )
        }
    }

    /// `descriptor`.
    public static func descriptor(_ path: String) throws {
        let settings = try NodeSettings(configuration: path)
        let files = NodeFiles(directory: settings.dataDirectory)
        try Terminal.standard.write(bytes: AtomicFile.read(files.descriptor, limit: Descriptor.maximumSize))
    }

    /// `run`: until SIGTERM or SIGINT.
    public static func run(_ path: String) async throws {
        let settings = try NodeSettings(configuration: path)
        try await NodeService(settings: settings, path: path).run()
    }
}

extension NodeSettings {
    /// The clock that the settings ask for.
    var clock: ScaledTime { ScaledTime(origin: timeOrigin, scale: timeScale) }

    /// A clock that runs fast and faults on purpose are for test networks.
    func checkScale(_ network: NetworkFile) throws {
        guard timeScale == 1 || network.isTest else {
            throw CommandFailure(
                "[test] time-scale is set, but \(network.name) is no test network; remove it", code: .usage)
        }
        if let name = faults.names.first, !network.isTest {
            throw CommandFailure(
                "[test] \(name) is set, but \(network.name) is no test network; remove it", code: .usage)
        }
    }
}
