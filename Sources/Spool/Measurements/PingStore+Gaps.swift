// Times in which the pinger could not see, and what that means for the probes that were under way.

internal import GRDB
public import WireFormat

extension PingStore {
    /// Records a time in which the pinger could not see; the same one twice makes no difference.
    ///
    /// What the pinger knew of a probe when the gap began stays: that it had arrived and its mailbox was emptied after that,
    /// or that it was lost. All others that were sent before the end become void, with the last emptying before the gap as
    /// the time until which they were watched, whether they were seen later or not: else what arrives, which is known
    /// soon, would stay, and what is lost, which takes a deadline, would be forgotten. Connections that were tried
    /// within the gap are deleted.
    /// - Parameter voiding: whether it touches probes.
    /// - Returns: how many it has made void.
    @discardableResult
    public func addGap(
        from: Timestamp, to: Timestamp, reason: String, voiding: Bool
    ) throws(PingStoreError) -> Int {
        guard from <= to else { throw .malformed }
        return try write(isFlushed: true) { database in
            let (begin, end) = (from.milliseconds, to.milliseconds)
            try database.execute(
                sql: """
                    INSERT INTO gap (began, ended, reason, voiding) SELECT :from, :to, :reason, :voiding WHERE NOT EXISTS (
                        SELECT 1 FROM gap WHERE ended = :to AND began = :from AND reason = :reason
                            AND voiding >= :voiding)
                    """, arguments: ["from": begin, "to": end, "reason": reason, "voiding": voiding])
            if database.changesCount > 0 { try bound("gap", to: bounds.gaps, in: database) }
            try database.execute(sql: "DELETE FROM handshake WHERE at BETWEEN ? AND ?", arguments: [begin, end])
            return voiding ? try void(from: from, to: to, in: database) : 0
        }
    }

    private func void(from: Timestamp, to: Timestamp, in database: Database) throws -> Int {
        let deadline = Interval(
            milliseconds: min(
                max(try meta("deadline", in: database) ?? .max, 1), Self.longestDeadline.milliseconds))
        let floor = try meta("forgotten", in: database) ?? .min
        func run(_ sql: String) throws -> Int {
            let all: [String: Int64] = [
                "from": from.milliseconds, "to": to.milliseconds, "deadline": deadline.milliseconds,
                "early": (from - deadline * 2).milliseconds, "floor": floor,
            ]
            try database.execute(
                sql: sql, arguments: StatementArguments(all.filter { sql.contains(":\($0.key)") }))
            return database.changesCount
        }
        let missed = """
            FROM emptying WHERE emptying.mailbox = ping.mailbox
                AND at >= sent + :deadline AND at < sent + 2 * :deadline AND at <= :from
            """
        // Nobody has judged these yet, but it was certain before.
        _ = try run(
            """
            UPDATE ping SET state = 3, decided = (SELECT MIN(at) \(missed))
            WHERE state = 1 AND EXISTS (SELECT 1 \(missed))
            """)
        _ = try run(
            """
            UPDATE ping SET state = 3
            WHERE decided > :from AND state = 2 AND arrived > :from AND EXISTS (SELECT 1 \(missed))
            """)
        // What another gap has made void was watched for less long, if this one began before.
        _ = try run(
            """
            UPDATE ping SET watched = \(Self.watched)
            WHERE decided > :from AND sent < :to AND state = 4 AND watched > :from
            """)
        let decided = try run(
            """
            UPDATE ping SET state = 4, watched = \(Self.watched) WHERE decided >= :early AND sent < :to AND (
                state = 2 AND (arrived > :from OR arrived > :floor AND sent > :early AND NOT EXISTS (
                    SELECT 1 FROM emptying
                    WHERE emptying.mailbox = ping.mailbox AND at >= arrived AND at <= :from))
                OR state = 3 AND decided > :from AND NOT EXISTS (SELECT 1 \(missed)))
            """)
        let open = try run(
            "UPDATE ping SET state = 4, decided = :to, watched = \(Self.watched) WHERE state = 1 AND sent < :to")
        return open + decided
    }

    /// The last emptying of a probe's mailbox until `:from` at which it was not there, for certain and before the deadline.
    static let watched = """
        (SELECT MAX(at) FROM emptying WHERE emptying.mailbox = ping.mailbox AND at >= sent AND at <= :from
            AND at < sent + :deadline AND at < IFNULL(arrived, 9223372036854775807))
        """
}
