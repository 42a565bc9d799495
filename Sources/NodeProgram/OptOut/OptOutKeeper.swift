// Keeps the statements of all exits of the network: fetched with the directory, in force from then on, given out to others.

internal import Directory
internal import DirectoryService
internal import Synchronization
internal import WireFormat

final class OptOutKeeper: Sendable {
    /// A new exit waits so long for the statements of all listed exits; then it goes on with what it has, so that a statement
    /// which nobody gives out does not end the mail.
    static let patience = Interval.hours(6)

    /// What the exit asks.
    let list: OptOutList
    private let cache: DirectoryCache
    private let node: NodeID
    private let count: @Sendable (_ name: String, _ amount: Int) -> Void
    /// From when on mail goes out without the network's statements, and whether they are here.
    private let readiness = Mutex<(until: Timestamp?, isComplete: Bool)>((nil, false))
    private let held = Mutex<(own: OptOutStatement?, others: [OptOutStatement])>((nil, []))

    /// - Parameters:
    ///   - node: this node, whose own book is newer than its statement.
    ///   - count: told of what happened, `opt_out_...`.
    init(
        network: String, cache: DirectoryCache, node: NodeID,
        count: @escaping @Sendable (_ name: String, _ amount: Int) -> Void
    ) {
        list = OptOutList(network: network)
        self.cache = cache
        self.node = node
        self.count = count
    }

    /// The statements that are in force, this node's own among them, to be given out.
    var statements: [OptOutStatement] { held.withLock { $0.others + ($0.own.map { [$0] } ?? []) } }

    /// Reads what is on the disk. Up to a second in a large network: not for an event loop.
    func load(_ network: Network, at now: Timestamp) {
        let others = OptOutCache(cache).load(list, network, at: now, besides: node)
        held.withLock { $0.others = others }
        if OptOutRefresh.isComplete(cache, network: network) { readiness.withLock { $0.isComplete = true } }
    }

    /// Whether what the list does not have is in no list, as far as can be known.
    func isReady(at now: Timestamp) -> Bool {
        readiness.withLock { readiness in
            if readiness.isComplete { return true }
            // A clock that was set back must not prolong it.
            let until = min(readiness.until ?? now + Self.patience, now + Self.patience)
            readiness.until = until
            return until <= now
        }
    }

    /// Lays this node's own statement beside the others: it is given out before any consensus names it.
    func keepOwn(_ statement: OptOutStatement) {
        held.withLock { held in
            held.own = statement
            held.others.removeAll { $0.node == statement.node }
        }
    }

    /// Fetches what the consensus names and is not here.
    /// - Returns: whether something is new.
    func refresh(_ network: Network, from sources: [any DirectorySource], at now: Timestamp) async -> Bool {
        let outcome = await OptOutRefresh.run(cache, network: network, sources: sources, now: now)
        for (name, amount) in [
            ("opt_out_statements_fetched", outcome.fetched), ("opt_out_statements_missing", outcome.missing),
            ("opt_out_statements_without_room", outcome.full), ("opt_out_statements_untrue", outcome.untrue),
            ("opt_out_cache_failures", outcome.storageFailed ? 1 : 0),
        ] where amount > 0 { count(name, amount) }
        if OptOutRefresh.knows(network), outcome.missing == 0, !outcome.storageFailed {
            readiness.withLock { $0.isComplete = true }
        }
        return outcome.isChanged
    }
}
