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
    public func replace(_ statements: [OptOutStatement]) {
        let byNode = Dictionary(
            statements.map { ($0.node, $0.hashes) }, uniquingKeysWith: { first, _ in first })
        let all = Set(byNode.values.joined()).sorted()
        state.withLock { state in
            state.statements = byNode
            state.hashes = all
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
            if has(hash) || also(hash) { return true }
        }
        return false
    }

    /// The hash of an address or a domain; nil if there was no memory for it.
    public func hash(of address: OptOutAddress) -> OptOutHash? {
        let name = Array(address.text.utf8).withUnsafeBytes { cacheKey.mac($0) }
        if let known = state.withLock({ $0.cache[name] }) { return known }
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

    /// The nodes whose statements have one of these hashes, ascending.
    public func holders(of hashes: Set<OptOutHash>) -> [NodeID] {
        state.withLock { state in
            state.statements.filter { entry in hashes.contains { Self.has($0, in: entry.value) } }.keys.sorted()
        }
    }

    private func has(_ hash: OptOutHash) -> Bool { state.withLock { Self.has(hash, in: $0.hashes) } }

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
