// Forgetting what is old, a little at a time: between two steps everybody else may write.

internal import GRDB
public import WireFormat

extension PingStore {
    /// Forgets probes that were planned before the one time, with everything else of single events, and results of days
    /// before the other, and gives the room back to the disk.
    /// - Returns: probes and results that are gone.
    @discardableResult
    public func expire(pingsBefore: Timestamp, daysBefore: Timestamp) throws(PingStoreError) -> Int {
        let time = pingsBefore.milliseconds
        var gone = try expirePings(before: time)
        for (table, column) in [("evidence", "at"), ("handshake", "at"), ("gap", "ended")] {
            try deleteAll("\(table) WHERE \(column) < ?", key: "id", table, [time])
        }
        try write { try $0.execute(sql: "DELETE FROM emptying WHERE at < ?", arguments: [time]) }
        let day = Self.day(of: daysBefore)
        gone += try deleteAll("day WHERE day < ?", key: "day, node", "day", [day])
        gone += try deleteAll("link_day WHERE day < ?", key: "day, from_node, to_node", "link_day", [day])
        try boundLinkDays()
        try forgetNodes()
        try shrink()
        return gone
    }

    /// They lie in the file about in the order of their planning, but a clock may have jumped: all are looked at, in steps
    /// that keep nobody waiting, and only the deletions are transactions.
    private func expirePings(before time: Int64) throws(PingStoreError) -> Int {
        var gone = 0
        var last: Int64 = 0
        while true {
            let ids = try read { database in
                try Int64.fetchAll(
                    database, sql: "SELECT id FROM ping WHERE id > ? AND planned < ? ORDER BY id LIMIT ?",
                    arguments: [last, time, bounds.deletion])
            }
            guard let end = ids.last else { return gone }
            gone += try write { database in
                let statement = try database.cachedStatement(sql: "DELETE FROM ping WHERE id = ?")
                for id in ids { try statement.execute(arguments: [id]) }
                return ids.count
            }
            CrashPoint.reached(.pingsExpiring)
            last = end
        }
    }

    @discardableResult
    private func deleteAll(
        _ what: String, key: String, _ table: String, _ arguments: StatementArguments
    ) throws(PingStoreError) -> Int {
        var gone = 0
        while true {
            let count = try write { database in
                try database.execute(
                    sql: """
                        DELETE FROM \(table) WHERE (\(key)) IN (SELECT \(key) FROM \(what) LIMIT \(bounds.deletion))
                        """, arguments: arguments)
                return database.changesCount
            }
            gone += count
            if count < bounds.deletion { return gone }
        }
    }

    /// Of too many links the oldest days go.
    private func boundLinkDays() throws(PingStoreError) {
        while true {
            let oldest = try read { database -> Int? in
                let count = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM link_day") ?? 0
                return count > bounds.linkDays
                    ? try Int.fetchOne(database, sql: "SELECT MIN(day) FROM link_day") : nil
            }
            guard let oldest else { return }
            try deleteAll("link_day WHERE day <= ?", key: "day, from_node, to_node", "link_day", [oldest])
        }
    }

    /// Only if there are very many: the whole database has to be looked through.
    private func forgetNodes() throws(PingStoreError) {
        let count = try read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM node") ?? 0 }
        guard count > bounds.nodes else { return }
        try maintain { database in
            // Nothing refers to those that go; SQLite would look through all tables for each of them.
            try database.execute(sql: "PRAGMA foreign_keys = OFF")
            defer { try? database.execute(sql: "PRAGMA foreign_keys = ON") }
            try database.inTransaction(.immediate) {
                let columns = [
                    "hop1 FROM ping", "hop2 FROM ping", "hop3 FROM ping", "hop4 FROM ping", "hop5 FROM ping",
                    "node FROM handshake", "node FROM evidence", "node FROM mailbox", "node FROM day",
                    "from_node FROM link_day", "to_node FROM link_day",
                ]
                let uses = columns.map { "SELECT \($0)" }.joined(separator: " UNION ")
                let used = Set(try Int64?.fetchAll(database, sql: uses))
                let statement = try database.cachedStatement(sql: "DELETE FROM node WHERE number = ?")
                for number in try Int64.fetchAll(database, sql: "SELECT number FROM node")
                where !used.contains(number) { try statement.execute(arguments: [number]) }
                return .commit
            }
        }
    }

    /// Gives unused pages back to the disk.
    private func shrink() throws(PingStoreError) {
        while true {
            let isDone = try maintain { database in
                let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
                guard free > bounds.spare else { return true }
                _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum(\(bounds.vacuum))")
                return try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0 >= free
            }
            if isDone { break }
        }
        // As far as no reader needs the log; the rest goes with the next checkpoint.
        _ = try maintain { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(PASSIVE)") }
    }
}
