// The client as a whole: its files, settings and idea of time. Each command is a method in a file of its own under Commands;
// the executable only parses the command line.

public import Daemon
internal import Directory
internal import Messages
internal import WireFormat

/// A client.
public struct Client: Sendable {
    /// Its files.
    public let places: ClientPlaces
    let config: ClientConfig
    let time: ClientTime
    let terminal: Terminal
    let isQuiet: Bool
    /// Whether a consensus that has expired is used all the same.
    public var allowsStale = false

    /// Reads the settings and checks owner and mode of every file that is there. Makes nothing.
    /// - Parameters:
    ///   - home: one directory for everything, see `ClientPlaces`.
    ///   - isQuiet: only errors are told.
    public init(
        home: String? = nil, environment: [String: String], terminal: Terminal = .standard, isQuiet: Bool = false
    ) throws {
        places = try ClientPlaces(home: home, environment: environment)
        self.terminal = terminal
        self.isQuiet = isQuiet
        try ScaledClock.checkPlausible()
        try places.check()
        config = try ClientConfig(path: places.configuration)
        time = try ClientTime(environment: environment)
    }

    var store: NetworkStore { NetworkStore(directory: places.networks, time: time) }

    /// The network of this name, else that of the settings, else the only one.
    func network(_ name: String?) throws -> Network { try store.load(name ?? config.network, allowStale: allowsStale) }

    /// As `network`, but without nodes where there is no consensus that can be used: for what only looks.
    func anyNetwork(_ name: String?) throws -> Network {
        try store.loadAnyway(store.resolve(name ?? config.network), allowStale: true)
    }

    /// Tells people something that is not an error.
    func note(_ message: String) {
        if !isQuiet { terminal.message(message) }
    }

    /// The nodes that the settings exclude.
    func blocked(in network: Network) -> Set<NodeID> {
        nodes(config.blockedNodes, named: "blocked-nodes", in: network)
    }

    /// The nodes that a setting names. Names that the network does not have are told, as they exclude nobody.
    func nodes(_ names: [String], named setting: String, in network: Network) -> Set<NodeID> {
        var found: Set<NodeID> = []
        for name in names {
            if let id = NodeID(hex: name) {
                found.insert(id)
            } else if let node = network.node(named: name) {
                found.insert(node.id)
            } else {
                note(
                    "\(setting) in client.toml names \(Printable.text(name)), which is not in the network \(network.name)"
                )
            }
        }
        return found
    }

    /// `text` as an address.
    static func address(_ text: String) throws(SendError) -> Address {
        do throws(AddressError) {
            return try Address(text)
        } catch {
            throw .address(text, error)
        }
    }
}
