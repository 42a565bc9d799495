// Who wants no mail from the network: statements of the exits, fetched as the directory is, and asked before a mail goes out.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import NIOPosix
internal import WireFormat

/// Keeps the list of opt-outs new.
struct OptOutKeeper: Sendable {
    private let list: OptOutList
    private let readiness = OptOutReadiness()
    private let misses = OptOutMisses()
    private let keeper: NetworkKeeper
    private let clock: ScaledClock
    private let counters: EventCounters

    /// Time between two looks, on the network's clock; while mail waits for what is missing; and the least, real time.
    static let pause = Interval.minutes(15)
    static let shortPause = Interval.minutes(1)
    static let leastPause = Duration.seconds(2)

    init(_ keeper: NetworkKeeper, clock: ScaledClock, counters: EventCounters) {
        self.keeper = keeper
        self.clock = clock
        self.counters = counters
        list = OptOutList(network: keeper.root.name)
        guard let network = keeper.usable else { return }
        let kept = OptOutCache(keeper.cache).statements(network.name)
        _ = OptOutCache.load(kept, into: list, network, at: clock.now())
        if OptOutRefresh.isComplete(kept, network: network) { readiness.noteComplete() }
    }

    /// Whether a recipient, or everybody at its host, wants no mail from the network; nil if that cannot be said now: no memory
    /// for a hash, or the network's statements are not here yet. May block.
    func answer(_ recipient: String) -> Bool? {
        guard let address = OptOutAddress(recipient) else { return false }
        guard let answer = list.contains(address) else {
            counters.count("opt_out_hash_failures")
            return nil
        }
        return answer || readiness.isReady(at: clock.now()) ? answer : nil
    }

    func run() async throws {
        while true {
            let now = clock.now()
            if let network = keeper.usable { try await refresh(network, at: now) }
            try await Task.sleep(for: Self.leastPause)
            try await clock.sleep(
                until: now + (readiness.isComplete ? Self.pause : Self.shortPause), atMost: .seconds(900))
        }
    }

    private func refresh(_ network: Network, at now: Timestamp) async throws {
        let outcome = await OptOutRefresh.run(
            keeper.cache, network: network, sources: keeper.sources(), misses: misses, now: now)
        for (kind, amount) in [
            ("fetched", outcome.fetched), ("missing", outcome.missing), ("put_off", outcome.putOff),
            ("without_room", outcome.full), ("untrue", outcome.untrue), ("failed", outcome.storageFailed ? 1 : 0),
        ] where amount > 0 { counters.count("opt_out_statements", kind: kind, by: amount) }
        if OptOutRefresh.knows(network), outcome.isComplete { readiness.noteComplete() }
        guard let statements = outcome.statements else { return }
        try await NIOThreadPool.singleton.runIfActive { [list] in
            _ = OptOutCache.load(statements, into: list, network, at: now)
        }
    }
}
