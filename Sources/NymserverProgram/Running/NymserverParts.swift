// What all parts of a running nymserver share.

internal import Daemon
internal import Directory
internal import Exits
internal import Logging
internal import NymProtocol
internal import Spool
internal import WireFormat

/// What a nymserver works with.
struct NymserverParts: Sendable {
    /// Loops look at the clock after this much real time, however long they would sleep: it may have been set.
    static let longestSleep = Duration.seconds(30)

    let settings: NymserverSettings
    let keys: NymserverKeys
    /// The network's.
    let clock: ScaledClock
    let logger: Logger
    let counters: EventCounters
    let store: NymStore
    /// The network, if its consensus can be used now.
    let network: @Sendable () -> Network?
    /// Whether a recipient wants no mail from the network; nil if that is not known yet. May block.
    let declines: @Sendable (String) -> Bool?
    let slots: CycleClock
    let refusals = RefusalBudget()
    let room: DiskRoom
    /// Of past periods too.
    let packetKeys: PacketKeyBook

    var limits: NymLimits { settings.limits }

    /// Tells trouble with the database in the health, and once in the log until it is over.
    func noteStore(_ error: NymStoreError?) {
        let known = counters.health.current["database"]
        switch error {
        case nil:
            guard known != nil else { return }
            logger.notice("the database can be written again")
        case let error?:
            counters.count("database_failures")
            if known == nil { logger.error("\(error)") }
        }
        counters.health.set("database", trouble: error.map { "\($0)" })
    }
}
