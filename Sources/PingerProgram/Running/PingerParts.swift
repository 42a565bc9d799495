// What all parts of a running pinger share.

internal import Daemon
internal import Directory
internal import Logging
internal import Measurement
internal import MixCrypto
internal import Spool
internal import WireFormat

/// What a pinger works with.
struct PingerParts: Sendable {
    /// Loops look at the clock after this much real time, however long they would sleep: it may have been set.
    static let longestSleep = Duration.seconds(30)

    let settings: PingerSettings
    let files: PingerFiles
    /// The network's.
    let clock: ScaledClock
    let logger: Logger
    let counters: EventCounters
    let store: PingStore
    /// The network, if its consensus can be used now.
    let network: @Sendable () -> Network?
    /// The network with the newest consensus that was seen, however old, for those who only show it.
    let newestNetwork: @Sendable () -> Network
    /// Signs reports.
    let key: HybridSigningKey
    let identity: PingerIdentity
    /// Whether the pinger sees what it measures.
    let watch: WatchBox
    /// Plans probes by what was found; whoever makes an analysis tells it: `planner.note(analysis)`.
    let planner: PlannerBox
    /// Writes to the database, one after another.
    let desk: StoreDesk

    /// Does something with the database, away from the tasks of the program. Nil if that failed for now (the disk is full, say),
    /// which is told in the health, and logged once until it is over.
    /// - Throws: `CommandFailure` for what will not get better: the pinger has to stop.
    func stored<Result: Sendable>(_ body: @escaping @Sendable (PingStore) throws -> Result) async throws -> Result? {
        do {
            let result = try await desk.perform { [store] in try body(store) }
            if counters.health.current["database"] != nil {
                counters.health.set("database", trouble: nil)
                logger.notice("the database can be written again")
            }
            return result
        } catch let error as PingStoreError {
            counters.count("database_failures")
            guard error.isTemporary else { throw CommandFailure("\(error)") }
            if counters.health.current["database"] == nil { logger.error("\(error)") }
            counters.health.set("database", trouble: "\(error)")
            return nil
        }
    }
}

extension PingerSettings {
    /// How probes are judged.
    var estimation: EstimationSettings {
        var estimation = EstimationSettings()
        estimation.deadline = deadline
        return estimation
    }
}
