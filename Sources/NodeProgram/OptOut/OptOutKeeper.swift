// Keeps the statements of all exits of the network: fetched with the directory, in force from then on, given out to others.

internal import Directory
internal import DirectoryService
internal import NIOPosix
internal import Synchronization
internal import WireFormat

final class OptOutKeeper: Sendable {
    /// What the exit asks.
    let list: OptOutList
    private let cache: DirectoryCache
    private let node: NodeID
    private let count: @Sendable (_ name: String, _ amount: Int) -> Void
    private let readiness = OptOutReadiness()
    private let held = Mutex<(own: OptOutStatement?, others: [OptOutStatement])>((nil, []))
    private let misses = OptOutMisses()

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
        let all = OptOutCache(cache).statements(network.name)
        _ = use(all, network, at: now)
        if OptOutRefresh.isComplete(all, network: network) { readiness.noteComplete() }
    }

    /// Puts statements into force.
    /// - Returns: whether others are given out from now on.
    private func use(_ statements: [OptOutStatement], _ network: Network, at now: Timestamp) -> Bool {
        let others = OptOutCache.load(statements, into: list, network, at: now, besides: node)
        return held.withLock { held in
            let isOther = held.others.map(\.digest) != others.map(\.digest)
            held.others = others
            return isOther
        }
    }

    /// Whether what the list does not have is in no list, as far as can be known.
    func isReady(at now: Timestamp) -> Bool { readiness.isReady(at: now) }

    /// Lays this node's own statement beside the others: it is given out before any consensus names it.
    func keepOwn(_ statement: OptOutStatement) {
        held.withLock { held in
            held.own = statement
            held.others.removeAll { $0.node == statement.node }
        }
    }

    /// Fetches what the consensus names and is not here, and puts what is here into force.
    /// - Parameter others: for what `sources` do not have.
    /// - Returns: whether something is new.
    func refresh(
        _ network: Network, from sources: [any DirectorySource], then others: [any DirectorySource], at now: Timestamp
    ) async -> Bool {
        let outcome = await OptOutRefresh.run(
            cache, network: network, sources: sources, then: others, misses: misses, now: now)
        var isNew = false
        if let statements = outcome.statements {
            // Hundreds of thousands of hashes to sort: not on the cooperative pool.
            do {
                isNew = try await NIOThreadPool.singleton.runIfActive { self.use(statements, network, at: now) }
            } catch {
                // The process's pool is not active any more, so the process ends: what was fetched is in the cache.
                return false
            }
        }
        // What is counted is in force.
        for (name, amount) in [
            ("opt_out_statements_fetched", outcome.fetched), ("opt_out_statements_missing", outcome.missing),
            ("opt_out_statements_put_off", outcome.putOff),
            ("opt_out_statements_without_room", outcome.full), ("opt_out_statements_untrue", outcome.untrue),
            ("opt_out_cache_failures", outcome.storageFailed ? 1 : 0),
        ] where amount > 0 { count(name, amount) }
        if OptOutRefresh.knows(network), outcome.isComplete { readiness.noteComplete() }
        return isNew
    }
}
