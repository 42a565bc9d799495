// What a node does on its own from time to time: keys, certificates, expiry.

internal import Daemon
internal import Logging
internal import MMTP
internal import Mixing
internal import Spool
internal import WireFormat

extension Node {
    private static let maintenanceInterval = Interval.seconds(10)

    /// Keys, certificates and expiry, each when it is due.
    func maintain(_ link: LinkIdentity, _ services: ExitServices?) async throws {
        while true {
            let now = clock.now()
            // The spool learns the time from here: expiry and the age of segments hang on it.
            let turn = now + Self.maintenanceInterval
            try await clock.sleep(until: min(turn, keys.nextChange(after: now) ?? turn))
            let time = clock.now()
            try forgetPeriods(try keys.maintain(at: time))
            if link.isRenewalDue(now: clock.realNow()) { try link.rotate(now: clock.realNow()) }
            expire(time)
            services?.turn(now: time)
            // What it stated as an exit stands also when it is none any more.
            if services?.optOuts == nil { _ = try? statement.refresh(nil, at: time) }
        }
    }

    private func expire(_ now: Timestamp) {
        try? spool.submit([.expire(now: now)]) { [ledger, counters] results in
            guard case .expired(let expiry) = results.first else { return }
            ledger.book {
                $0.heldAndDropped(.deadline, expiry.packets.count)
                $0.heldAndDropped(.partExpired, expiry.shares)
            }
            if expiry.mailBlocks > 0 { counters.count("mailbox_blocks", kind: "expired", by: expiry.mailBlocks) }
            if expiry.mailboxes > 0 { counters.count("mailboxes_expired", by: expiry.mailboxes) }
        }
    }

    /// Forgets what belongs to keys that are gone. Keys that are new show in the next descriptor.
    func forgetPeriods(_ changes: KeyRing.Changes) throws {
        guard !changes.destroyed.isEmpty else { return }
        logger.notice("destroyed \(changes.destroyed.count) old packet keys")
        try spool.submit(changes.destroyed.map(SpoolOperation.forgetPeriod)) { _ in }
    }
}
