// What becomes of probes that have not come: the rules of doc/PINGER.md, "When a probe counts".

internal import GRDB
public import WireFormat

extension PingStore {
    /// Nothing was left in a mailbox at that time: all that was found in it has been noted.
    /// - Parameter mailbox: its node; nil for the address of test mails.
    public func noteEmptied(_ mailbox: NodeID?, at: Timestamp) throws(PingStoreError) {
        try write { database in
            let number = try self.mailbox(mailbox, in: database)
            // What is said to have been later was said by a clock that was wrong.
            try database.cachedStatement(sql: "DELETE FROM emptying WHERE mailbox = ? AND at > ?")
                .execute(arguments: [number, at.milliseconds])
            try database.cachedStatement(sql: "INSERT INTO emptying VALUES (?, ?) ON CONFLICT DO NOTHING")
                .execute(arguments: [number, at.milliseconds])
            try database.cachedStatement(sql: "UPDATE mailbox SET emptied = ? WHERE number = ?")
                .execute(arguments: [at.milliseconds, number])
        }
    }

    /// What `judge` takes for a deadline at most.
    static let longestDeadline = Interval.days(365)

    /// Decides what can be decided. With E the first emptying of a probe's mailbox at `sent + deadline` or later: lost is
    /// a probe that was not there at E, or came after E; void is one whose E is not before `sent + 2 * deadline`, whether it
    /// came or not. To be called more often than once in a deadline.
    public func judge(deadline: Interval, at now: Timestamp) throws(PingStoreError) -> Judged {
        guard deadline > .zero, deadline <= Self.longestDeadline else { throw .malformed }
        let past = { (deadlines: Int64) in (now - deadline * deadlines).milliseconds }
        let length = deadline.milliseconds
        return try write { database in
            func run(_ sql: String, _ arguments: StatementArguments) throws -> Int {
                try database.cachedStatement(sql: sql).execute(arguments: arguments)
                return database.changesCount
            }
            let last = try meta("judged", in: database) ?? .min
            let before = min((Timestamp(milliseconds: last) - deadline).milliseconds, past(1))
            let window = """
                FROM emptying WHERE emptying.mailbox = ping.mailbox
                    AND at >= sent + :deadline AND at < sent + 2 * :deadline AND at <= :now
                """
            var judged = Judged()
            judged.lost += try run(
                """
                UPDATE ping SET state = 3, decided = (SELECT MIN(at) \(window))
                WHERE state = 1 AND sent <= :now - :deadline AND EXISTS (SELECT 1 \(window))
                """, ["now": now.milliseconds, "deadline": length])
            judged.void += try run(
                "UPDATE ping SET state = 4, decided = :now WHERE state = 1 AND sent <= :now - 2 * :deadline",
                ["now": now.milliseconds, "deadline": length])
            // Those that came, but after their deadline for certain, or when nobody can say.
            judged.lost += try run(
                """
                UPDATE ping SET state = 3 WHERE decided >= :before AND state = 2
                    AND arrived - slack >= sent + :deadline AND arrived - slack < sent + 2 * :deadline
                """, ["before": before, "deadline": length])
            judged.void += try run(
                """
                UPDATE ping SET state = 4
                WHERE decided >= :before AND state = 2 AND arrived >= sent + 2 * :deadline
                """, ["before": before, "deadline": length])
            // Whether these were ever sent nobody knows.
            judged.void += try run(
                "UPDATE ping SET state = 4, decided = :now WHERE state = 0 AND planned <= :now - 2 * :deadline",
                ["now": now.milliseconds, "deadline": length])
            try database.execute(sql: "DELETE FROM emptying WHERE at < ?", arguments: [past(4)])
            try setMeta("judged", now.milliseconds, in: database)
            try setMeta("deadline", length, in: database)
            return judged
        }
    }

    /// Records a time in which the pinger could not see; the same one twice makes no difference.
    /// - Parameter voiding: whether probes count for nothing whose life it touches: those that were sent before its end and
    ///   were not decided before its beginning, whatever was found out about them since.
    /// - Returns: how many it has made void.
    @discardableResult
    public func addGap(
        from: Timestamp, to: Timestamp, reason: String, voiding: Bool
    ) throws(PingStoreError) -> Int {
        guard from <= to else { throw .malformed }
        let from = from.milliseconds
        let to = to.milliseconds
        return try write(isFlushed: true) { database in
            try database.execute(
                sql: """
                    INSERT INTO gap (began, ended, reason, voiding) SELECT :from, :to, :reason, :voiding WHERE NOT EXISTS (
                        SELECT 1 FROM gap WHERE ended = :to AND began = :from AND reason = :reason
                            AND voiding >= :voiding)
                    """, arguments: ["from": from, "to": to, "reason": reason, "voiding": voiding])
            if database.changesCount > 0 { try bound("gap", to: bounds.gaps, in: database) }
            guard voiding else { return 0 }
            try database.execute(
                sql: "UPDATE ping SET state = 4, decided = :to WHERE state = 1 AND sent < :to", arguments: ["to": to])
            let open = database.changesCount
            try database.execute(
                sql: "UPDATE ping SET state = 4 WHERE decided > :from AND sent < :to AND state IN (2, 3)",
                arguments: ["from": from, "to": to])
            return open + database.changesCount
        }
    }

    /// The pinger runs at this time.
    /// - Parameter now: what the clock says. A gap that it has not come to was recorded by a clock that was ahead, and
    ///   ends here; else whatever is sent until that time would count for nothing.
    public func noteAlive(_ alive: Timestamp, now: Timestamp? = nil) throws(PingStoreError) {
        try write { database in
            try setMeta("alive", alive.milliseconds, in: database)
            guard let now = now?.milliseconds else { return }
            try database.cachedStatement(sql: "DELETE FROM gap WHERE ended > ? AND began > ?")
                .execute(arguments: [now, now])
            try database.cachedStatement(sql: "UPDATE gap SET ended = ? WHERE ended > ?")
                .execute(arguments: [now, now])
        }
    }

    /// When the pinger last said that it runs; nil if it never did.
    public var lastAlive: Timestamp? {
        get throws(PingStoreError) { try read { try meta("alive", in: $0) }.map(Timestamp.init(milliseconds:)) }
    }

    /// A connection to a node was tried.
    /// - Parameter took: how long it took until it stood; nil if it failed.
    public func noteHandshake(_ node: NodeID, at: Timestamp, took: Interval?) throws(PingStoreError) {
        try write { database in
            try database.cachedStatement(sql: "INSERT INTO handshake (node, at, took) VALUES (?, ?, ?)").execute(
                arguments: [try number(of: node, in: database), at.milliseconds, took?.milliseconds])
            try bound("handshake", to: bounds.handshakes, in: database)
        }
    }

    private func meta(_ name: String, in database: Database) throws -> Int64? {
        try Int64.fetchOne(
            try database.cachedStatement(sql: "SELECT value FROM meta WHERE name = ?"), arguments: [name])
    }

    private func setMeta(_ name: String, _ value: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ).execute(arguments: [name, value])
    }
}
