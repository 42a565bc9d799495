// Who wants no mail from the network: statements of the exits, fetched as the directory is, and asked before a mail goes out.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import NIOPosix
internal import WireFormat

/// Keeps the list of opt-outs new.
struct OptOutKeeper: Sendable {
    let list: OptOutList
    private let keeper: NetworkKeeper
    private let clock: ScaledClock
    private let counters: EventCounters

    /// Time between two looks, on the network's clock; and the least, real time.
    static let pause = Interval.minutes(15)
    static let leastPause = Duration.seconds(2)

    init(_ keeper: NetworkKeeper, clock: ScaledClock, counters: EventCounters) {
        self.keeper = keeper
        self.clock = clock
        self.counters = counters
        list = OptOutList(network: keeper.root.name)
        if let network = keeper.usable { _ = OptOutCache(keeper.cache).load(list, network, at: clock.now()) }
    }

    func run() async throws {
        while true {
            let now = clock.now()
            if let network = keeper.usable {
                let outcome = await OptOutRefresh.run(
                    keeper.cache, network: network, sources: keeper.sources(), now: now)
                if outcome.fetched > 0 { counters.count("opt_out_statements", kind: "fetched", by: outcome.fetched) }
                if outcome.missing > 0 { counters.count("opt_out_statements", kind: "missing", by: outcome.missing) }
                let (cache, list) = (OptOutCache(keeper.cache), list)
                try await NIOThreadPool.singleton.runIfActive { _ = cache.load(list, network, at: now) }
            }
            try await Task.sleep(for: Self.leastPause)
            try await clock.sleep(until: now + Self.pause, atMost: .seconds(900))
        }
    }
}
