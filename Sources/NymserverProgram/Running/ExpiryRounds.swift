// Forgetting: accounts whose owner has been silent for 90 days or has closed them, reply blocks that have expired, and what
// was kept to know mails again.

internal import Daemon
internal import Logging
internal import NIOPosix
internal import NymProtocol
internal import Spool
internal import WireFormat

/// Erases what is too old.
struct ExpiryRounds: Sendable {
    let parts: NymserverParts
    let packets: PacketSpool

    /// On the network's clock, but not more often than `leastPause` of real time.
    static let pause = Interval.minutes(10)
    static let leastPause = Duration.seconds(1)
    /// Accounts that are erased in one go.
    static let batch = 100
    /// Steps in which room is given back to the disk in one round when mail is refused for want of it.
    static let stepsWithoutRoom = 32

    func run() async throws {
        // A clock may be set, and a consensus come, in the first minutes.
        try await parts.clock.sleep(until: parts.clock.now() + Self.pause)
        while !Task.isCancelled {
            let now = parts.clock.now()
            let rounds = self
            do {
                try await NIOThreadPool.singleton.runIfActive { try rounds.round(at: now) }
            } catch let error as NymStoreError {
                guard error.isTemporary else { throw CommandFailure("\(error)") }
                parts.noteStore(error)
            }
            try await Task.sleep(for: Self.leastPause)
            try await parts.clock.sleep(until: now + Self.pause, atMost: .seconds(600))
        }
    }

    /// Blocks.
    func round(at now: Timestamp) throws {
        let day = NymTiming.day(of: now)
        // Only while a consensus that is valid at this moment says that the clock is right: what is erased does not come back.
        guard parts.network() != nil else { return }
        while true {
            let ending = try parts.store.ending(by: day, limit: Self.batch)
            for account in ending {
                try parts.store.erase(account)
                parts.counters.count("accounts_erased")
            }
            guard ending.count == Self.batch else { break }
        }
        let blocks = try parts.store.expire(
            now: now, arrivalsBefore: NymTiming.day(of: now - NymTiming.duplicates),
            steps: parts.room.isThere ? 1 : Self.stepsWithoutRoom)
        if blocks > 0 { parts.counters.count("blocks_expired", by: blocks) }
        do throws(SpoolError) { try packets.expire(at: now) } catch {
            parts.counters.health.set("spool", trouble: "packets cannot be kept: \(error)")
        }
    }
}
