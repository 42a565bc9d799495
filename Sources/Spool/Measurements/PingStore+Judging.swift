// What becomes of probes that have not come: the rules of doc/PINGER.md, "When a probe counts".

internal import Foundation
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
    /// a probe that was not there at E, or came after E; void is one whose E is not before `sent + 2 * deadline`. One that
    /// came is void too unless its mailbox was emptied afterwards and before `sent + 2 * deadline`: a node that hands out
    /// what it has and never says that there is no more would else only ever deliver. A void one was watched until the last
    /// emptying before it came, and before its deadline. To be called more often than once in a deadline.
    public func judge(deadline: Interval, at now: Timestamp) throws(PingStoreError) -> Judged {
        guard deadline > .zero, deadline <= Self.longestDeadline else { throw .malformed }
        let past = { (deadlines: Int64) in (now - deadline * deadlines).milliseconds }
        let length = deadline.milliseconds
        return try write { database in
            func run(_ sql: String, _ arguments: StatementArguments) throws -> Int {
                try database.cachedStatement(sql: sql).execute(arguments: arguments)
                return database.changesCount
            }
            let last = Timestamp(milliseconds: try meta("judged", in: database) ?? .min)
            let before = min((last - deadline).milliseconds, past(1))
            // The age at which those that came were looked at the last time.
            let looked = min(max(try meta("deadline", in: database) ?? length, 0), Self.longestDeadline.milliseconds)
            let floor = try meta("forgotten", in: database) ?? .min
            let watched = Self.watched.replacingOccurrences(of: ":from", with: ":now")
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
                """
                UPDATE ping SET state = 4, decided = :now, watched = \(watched)
                WHERE state = 1 AND sent <= :now - 2 * :deadline
                """, ["now": now.milliseconds, "deadline": length])
            // Those that came, but after their deadline for certain, or when nobody can say.
            judged.lost += try run(
                """
                UPDATE ping SET state = 3 WHERE decided >= :before AND state = 2
                    AND arrived - slack >= sent + :deadline AND arrived - slack < sent + 2 * :deadline
                """, ["before": before, "deadline": length])
            judged.void += try run(
                """
                UPDATE ping SET state = 4, watched = \(watched)
                WHERE decided >= :before AND state = 2 AND arrived >= sent + 2 * :deadline
                """, ["before": before, "deadline": length, "now": now.milliseconds])
            judged.void += try run(
                """
                UPDATE ping SET state = 4, watched = \(watched)
                WHERE decided > :looked AND state = 2 AND sent > :looked AND sent <= :now - 2 * :deadline
                    AND arrived > :floor AND NOT EXISTS (
                        SELECT 1 FROM emptying WHERE emptying.mailbox = ping.mailbox
                            AND at >= arrived AND at < sent + 2 * :deadline)
                """,
                [
                    "now": now.milliseconds, "deadline": length, "floor": floor,
                    "looked": (last - .milliseconds(looked * 2)).milliseconds,
                ])
            // Whether these were ever sent nobody knows.
            judged.void += try run(
                "UPDATE ping SET state = 4, decided = :now WHERE state = 0 AND planned <= :now - 2 * :deadline",
                ["now": now.milliseconds, "deadline": length])
            try database.execute(sql: "DELETE FROM emptying WHERE at < ?", arguments: [past(4)])
            // A clock that was ahead has forgotten all until now, but nothing that is to come.
            try setMeta("forgotten", max(min(floor, now.milliseconds), past(4)), in: database)
            try setMeta("judged", now.milliseconds, in: database)
            try setMeta("deadline", length, in: database)
            return judged
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

    func meta(_ name: String, in database: Database) throws -> Int64? {
        try Int64.fetchOne(
            try database.cachedStatement(sql: "SELECT value FROM meta WHERE name = ?"), arguments: [name])
    }

    private func setMeta(_ name: String, _ value: Int64, in database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ).execute(arguments: [name, value])
    }
}
