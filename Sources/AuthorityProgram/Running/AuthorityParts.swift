// What all parts of a running authority share.

internal import Daemon
internal import Directory
internal import Logging
internal import Spool

/// The network, this authority's place in it, and what it works with.
struct AuthorityParts: Sendable {
    /// Loops look at the clock after this much real time, however long they would sleep: it may have been set.
    static let longestSleep = Duration.seconds(60)

    let editions: NetworkEditions
    /// This authority's place among those of the network file.
    let own: Int
    let store: AuthorityStore
    let clock: ScaledClock
    let counters: EventCounters
    let logger: Logger
    /// For parsing, checking signatures and tallies.
    let work = WorkThreads("work", count: 2)

    /// The network file in force.
    var network: NetworkFile { editions.current }
    var name: Nickname { network.authorities[own].name }
    func name(of authority: Int) -> String {
        network.authorities.indices.contains(authority) ? network.authorities[authority].name.text : "?"
    }

    /// A trouble that a full disk, say, brings: told in the health and counted, logged once until it is gone.
    func storeFailed(_ error: AuthorityStoreError) {
        counters.count("store_failures")
        if counters.health.current["store"] == nil { logger.error("cannot store: \(error)") }
        counters.health.set("store", trouble: error.description)
    }

    /// What was checked before it was stored, parsed again; nil, counted and logged once for each kind, if it cannot be: the
    /// disk damaged it.
    func parsed<Stored>(
        _ kind: String, _ bytes: [UInt8], _ parse: ([UInt8]) throws -> Stored
    ) -> Stored? {
        do { return try parse(bytes) } catch {
            unreadable(kind, because: "\(error)")
            return nil
        }
    }

    /// Something in the store cannot be read any more and is left out.
    func unreadable(_ kind: String, count: Int = 1, because reason: String) {
        guard count > 0 else { return }
        if counters.current("stored_unreadable", kind: kind) == 0 {
            logger.error("in the database \(kind) cannot be read and is left out: \(reason); look at the disk")
        }
        counters.count("stored_unreadable", kind: kind, by: count)
    }

    /// What the store gives; nil, told as `storeFailed`, if it gives nothing. For what can be left out this time.
    func tried<Value>(_ body: () throws(AuthorityStoreError) -> Value) -> Value? {
        do throws(AuthorityStoreError) { return try body() } catch {
            storeFailed(error)
            return nil
        }
    }

    func storeWorks() {
        if counters.health.current["store"] != nil { counters.health.set("store", trouble: nil) }
    }
}
