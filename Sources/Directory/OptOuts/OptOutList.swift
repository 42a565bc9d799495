// Who wants no anonymous mail, by the statements of all nodes of a network. To ask for an address costs a slow hash, so
// that answers are remembered for a while, by names that only this process understands.

internal import MixCrypto
internal import Synchronization
public import WireFormat

/// The opt-outs of a network. May be used from any thread.
public final class OptOutList: Sendable {
    /// Hashes that are remembered, about 100 bytes each.
    public static let remembered = 32_768

    private struct State {
        /// Ascending.
        var hashes: [OptOutHash] = []
        /// Those that independent nodes state, ascending.
        var confirmed: [OptOutHash] = []
        var statements: [NodeID: [OptOutHash]] = [:]
        var cache: [Digest: OptOutHash] = [:]
    }

    private let hashing: OptOutHashing
    /// Names of addresses in the cache are made with it, so that what it holds names nobody beyond this process.
    private let cacheKey = SymmetricSecret.random()
    private let limit: Int
    private let state = Mutex(State())

    /// A list without entries.
    /// - Parameters:
    ///   - network: the network's name.
    ///   - remembered: hashes that are kept in memory at most.
    public init(network: String, remembered: Int = OptOutList.remembered) {
        hashing = OptOutHashing(network: network)
        limit = max(2, remembered)
    }

    /// The list of these statements, one of each node.
    public convenience init(network: String, statements: [OptOutStatement]) {
        self.init(network: network)
        replace(statements)
    }

    /// Puts these statements in place of all that were there. What was remembered stays.
    /// - Parameter areIndependent: whether two nodes have nothing to do with one another. Whole hosts count only if two such nodes
    ///   state them: else any one node could end the mail to a large provider.
    public func replace(
        _ statements: [OptOutStatement], areIndependent: (NodeID, NodeID) -> Bool = { $0 != $1 }
    ) {
        let byNode = Dictionary(
            statements.map { ($0.node, $0.hashes) }, uniquingKeysWith: { first, _ in first })
        let all = Set(byNode.values.joined()).sorted()
        let confirmed = Self.confirmed(byNode, areIndependent)
        state.withLock { state in
            state.statements = byNode
            state.hashes = all
            state.confirmed = confirmed
        }
    }

    /// Entries of all statements, each once.
    public var count: Int { state.withLock { $0.hashes.count } }
    /// Nodes whose statements these are.
    public var nodes: Int { state.withLock { $0.statements.count } }

    /// Whether the address `user@host`, or everybody at its host, wants no anonymous mail. What is no address is in no list.
    /// Takes some 20 ms for an address and for a host that were not asked for lately: not for an event loop. While the list is
    /// empty nothing is hashed.
    public func contains(_ address: String) -> Bool {
        guard let address = OptOutAddress(address) else { return false }
        return contains(address) ?? false
    }

    /// As `contains`, and whether `also` says so of one of the hashes: for a node's own list, which is newer than its
    /// statement. Nil if there was no memory for the hash.
    /// - Parameter always: hash also while the list is empty.
    public func contains(
        _ address: OptOutAddress, always: Bool = false, also: (OptOutHash) -> Bool = { _ in false }
    ) -> Bool? {
        guard always || count > 0 else { return false }
        for name in address.isDomain ? [address] : [address, address.domain] {
            guard let hash = hash(of: name) else { return nil }
            if has(hash, confirmed: name.isDomain) || also(hash) { return true }
        }
        return false
    }

    /// As `contains`, but only from what is remembered: never hashes. Nil if that does not tell.
    public func remembered(
        _ address: OptOutAddress, always: Bool = false, also: (OptOutHash) -> Bool = { _ in false }
    ) -> Bool? {
        guard always || count > 0 else { return false }
        var isKnown = true
        for name in address.isDomain ? [address] : [address, address.domain] {
            guard let hash = known(name).hash else {
                isKnown = false
                continue
            }
            if has(hash, confirmed: name.isDomain) || also(hash) { return true }
        }
        return isKnown ? false : nil
    }

    /// The hash of an address or a domain; nil if there was no memory for it.
    public func hash(of address: OptOutAddress) -> OptOutHash? {
        let (name, known) = known(address)
        if let known { return known }
        guard let hash = try? hashing(address) else { return nil }
        state.withLock { state in
            // Half of it goes, whichever: that is rare, and cheaper than to keep an order.
            if state.cache.count >= limit {
                for key in state.cache.keys.prefix(limit / 2) { state.cache[key] = nil }
            }
            state.cache[name] = hash
        }
        return hash
    }

    private func known(_ address: OptOutAddress) -> (name: Digest, hash: OptOutHash?) {
        let name = Array(address.text.utf8).withUnsafeBytes { cacheKey.mac($0) }
        return (name, state.withLock { $0.cache[name] })
    }

    /// The nodes whose statements have one of these hashes, ascending.
    public func holders(of hashes: Set<OptOutHash>) -> [NodeID] {
        state.withLock { state in
            state.statements.filter { entry in hashes.contains { Self.has($0, in: entry.value) } }.keys.sorted()
        }
    }

    private func has(_ hash: OptOutHash, confirmed: Bool) -> Bool {
        state.withLock { Self.has(hash, in: confirmed ? $0.confirmed : $0.hashes) }
    }

    /// What two independent nodes state, ascending.
    private static func confirmed(
        _ statements: [NodeID: [OptOutHash]], _ areIndependent: (NodeID, NodeID) -> Bool
    ) -> [OptOutHash] {
        var first: [OptOutHash: NodeID] = [:]
        var shared: [OptOutHash: [NodeID]] = [:]
        for (node, hashes) in statements {
            for hash in hashes {
                guard let other = first.updateValue(node, forKey: hash) else { continue }
                shared[hash, default: [other]].append(node)
            }
        }
        return shared.filter { _, nodes in
            // Who is of one family with many is so with the first of them: a few pairs tell.
            let few = nodes.prefix(16)
            return few.contains { one in few.contains { areIndependent(one, $0) } }
        }.keys.sorted()
    }

    private static func has(_ hash: OptOutHash, in sorted: [OptOutHash]) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < hash { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == hash
    }
}
