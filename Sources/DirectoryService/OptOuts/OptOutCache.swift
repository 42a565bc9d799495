// The statements of opt-outs that a node or a nymserver keeps of its network's nodes: one file for each node, in the directory
// cache. Each stays until a newer one of its node takes its place, so that a source which withholds one ends nobody's opt-out.

internal import Daemon
public import Directory
internal import Foundation
public import WireFormat

/// The directory `opt-outs` of a cache: a file per node, named by its id.
public struct OptOutCache: Sendable {
    /// Most bytes of all statements together. Those of nodes that are gone make room; beyond that, the largest go first, so that a
    /// few nodes that fill theirs push nobody else's out.
    public static let maximumBytes = 32 << 20

    private let cache: DirectoryCache
    private let limit: Int
    private var directory: String { cache.path("opt-outs") }

    public init(_ cache: DirectoryCache) { self.init(cache, limit: Self.maximumBytes) }

    init(_ cache: DirectoryCache, limit: Int) {
        self.cache = cache
        self.limit = limit
    }

    /// The statements that count now: of every exit that the consensus lists and does not call `Bad`, if its descriptor names
    /// one, the newest that is here; and of nodes that were exits and are so no more, for some time. Reads and verifies all
    /// files.
    public func inForce(_ network: Network, at now: Timestamp) -> [OptOutStatement] {
        let kept = statements(network.name)
        return kept.filter { Self.counts($0, in: network, at: now) }
    }

    /// Puts the statements that count now into a list. Reads and verifies all files.
    public func load(_ list: OptOutList, _ network: Network, at now: Timestamp, besides own: NodeID? = nil)
        -> [OptOutStatement]
    {
        Self.load(statements(network.name), into: list, network, at: now, besides: own)
    }

    /// Puts those of these statements that count now into a list. Whole hosts count if nodes state them that may stand in one
    /// path. Sorts all hashes: not for the cooperative pool.
    public static func load(
        _ statements: [OptOutStatement], into list: OptOutList, _ network: Network, at now: Timestamp,
        besides own: NodeID? = nil
    ) -> [OptOutStatement] {
        let found = statements.filter { $0.node != own && counts($0, in: network, at: now) }
        list.replace(found, areIndependent: PathRules(network: network).areCompatible)
        return found
    }

    /// Whether a listed node delivers mail to addresses: only such a node has anybody's wishes to state.
    static func isExit(_ node: NodeID, in network: Network) -> Bool {
        guard let standing = network.standing(of: node), standing.flags.contains(.exit) else { return false }
        return network.node(node).map { $0.can(Capability.Name.smtp) } ?? true
    }

    static func counts(_ statement: OptOutStatement, in network: Network, at now: Timestamp) -> Bool {
        guard let standing = network.standing(of: statement.node) else {
            return statement.published + OptOutStatement.outlives > now
        }
        if standing.flags.contains(.bad) { return false }
        // What is not here says nothing.
        if let descriptor = network.node(statement.node), descriptor.fields.optOuts == nil { return false }
        // What was fetched while it was an exit does not end at once.
        return isExit(statement.node, in: network) || statement.published + OptOutStatement.outlives > now
    }

    /// All statements that are here, verified, by node.
    public func statements(_ network: String) -> [OptOutStatement] {
        names().compactMap { read($0, network) }
    }

    /// The statement of a node; nil if there is none, or it is damaged: then the next one that is fetched takes its place.
    public func statement(of node: NodeID, network: String) -> OptOutStatement? { read(node, network) }

    private func read(_ node: NodeID, _ network: String) -> OptOutStatement? {
        guard let bytes = try? AtomicFile.read(path(node), limit: OptOutStatement.maximumSize),
            let found = try? UnverifiedOptOutStatement(bytes).verify(network: network), found.node == node
        else { return nil }
        return found
    }

    /// What became of a statement.
    public enum Kept: Hashable, Sendable {
        case stored
        /// A newer one of its node is here, or the same.
        case known
        /// There is no room.
        case full
    }

    /// Keeps a statement in place of an older one of its node.
    /// - Parameter network: who may have to make room: nodes that it does not list.
    /// - Throws: `CommandFailure` if the disk does not take it; then the old one is there.
    @discardableResult
    public func keep(_ statement: OptOutStatement, in network: Network) throws -> Kept {
        try cache.change {
            let old = read(statement.node, statement.network)
            guard old?.digest != statement.digest, old.map({ $0.published <= statement.published }) ?? true else {
                return .known
            }
            _ = try PrivateDirectory(directory)
            var excess = try total(besides: statement.node) + statement.bytes.count - limit
            for node in names()
            where excess > 0 && node != statement.node && network.standing(of: node) == nil {
                excess -= size(node)
                try AtomicFile.remove(path(node))
            }
            let larger = names().filter { $0 != statement.node }.map { (node: $0, size: size($0)) }
                .filter { $0.size > statement.bytes.count }.sorted { $0.size > $1.size }
            // Nothing goes if that does not help.
            guard excess <= larger.reduce(0, { $0 + $1.size }) else { return .full }
            for (node, size) in larger where excess > 0 {
                excess -= size
                try AtomicFile.remove(path(node))
            }
            try AtomicFile.write(statement.bytes, to: path(statement.node))
            return .stored
        }
    }

    /// Removes what counts no more and will not again: of nodes that say that they hold none, and of those that are long gone.
    /// - Parameter kept: all statements that are here. Files of others are damaged.
    /// - Returns: whose.
    @discardableResult
    func prune(_ kept: [NodeID: OptOutStatement], in network: Network, at now: Timestamp) throws -> [NodeID] {
        let gone = names().filter { node in
            guard !Self.isExit(node, in: network) || network.node(node).map({ $0.fields.optOuts == nil }) == true
            else { return false }
            guard let found = kept[node] else { return true }
            return !Self.counts(found, in: network, at: now)
        }
        guard !gone.isEmpty else { return [] }
        return try cache.change {
            for node in gone { try AtomicFile.remove(path(node)) }
            return gone
        }
    }

    /// Nodes whose statements are here.
    func nodes() -> Set<NodeID> { Set(names()) }

    private func path(_ node: NodeID) -> String { "\(directory)/\(node.hex)" }

    private func names() -> [NodeID] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { NodeID(hex: $0) }.sorted()
    }

    private func total(besides node: NodeID) throws -> Int {
        names().filter { $0 != node }.reduce(0) { $0 + size($1) }
    }

    private func size(_ node: NodeID) -> Int {
        let found = try? FileManager.default.attributesOfItem(atPath: path(node))
        return (found?[.size] as? NSNumber)?.intValue ?? 0
    }
}
