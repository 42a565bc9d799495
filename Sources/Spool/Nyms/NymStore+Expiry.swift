// Forgetting what is old, a little at a time: between two steps everybody else may write.

internal import GRDB
public import WireFormat

extension NymStore {
    /// Forgets reply blocks that have expired, packets that come too late, and arrivals before a day; gives the room back
    /// to the disk and what was erased out of the log.
    /// - Parameter steps: How much room is given back: 8 MiB each; between two steps everybody else may write.
    /// - Returns: Blocks that are gone.
    @discardableResult
    public func expire(
        now: Timestamp, arrivalsBefore day: UInt32, steps: Int = 1
    ) throws(NymStoreError) -> Int {
        let blocks = try delete("block", "id", "expiry < ?", now.milliseconds)
        _ = try delete("packet", "id", "deadline < ?", now.milliseconds)
        _ = try delete("seen", "hash", "expiry < ?", now.milliseconds)
        _ = try delete("arrival", "hash", "day < ?", Int64(day))
        for _ in 1..<max(1, steps) { try maintain { try $0.execute(sql: "PRAGMA incremental_vacuum(2000)") } }
        try maintain { database in
            try database.execute(sql: "PRAGMA incremental_vacuum(2000)")
            // Busy readers put it off; the next time it is done.
            _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        return blocks
    }

    private func delete(
        _ table: String, _ key: String, _ condition: String, _ value: Int64
    ) throws(NymStoreError) -> Int {
        var gone = 0
        while true {
            let count = try write { database in
                try database.execute(
                    sql: """
                        DELETE FROM \(table) WHERE \(key) IN
                            (SELECT \(key) FROM \(table) WHERE \(condition) LIMIT \(bounds.deletion))
                        """, arguments: [value])
                return database.changesCount
            }
            CrashPoint.reached(.nymsExpiring)
            gone += count
            if count < bounds.deletion { return gone }
        }
    }

    /// 16 random bytes that no other database has. A server whose database is new must not go on with its old request key:
    /// what was sealed to that key and recorded would count again, because the numbers of requests are gone.
    public func identity() throws(NymStoreError) -> [UInt8] {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'id'") else {
                throw NymStoreError.damaged(path: path)
            }
            return try row.bytes(0)
        }
    }

    /// Ties the database to its domain: the first that is said stays.
    /// - Returns: The domain that it belongs to.
    public func belongs(to domain: String) throws(NymStoreError) -> String {
        try write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO meta VALUES ('domain', ?)", arguments: [Blob.data(Array(domain.utf8))])
            guard let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'domain'") else {
                throw NymStoreError.damaged(path: path)
            }
            return String(decoding: try row.bytes(0), as: UTF8.self)
        }
    }

    /// How often the operator closed an account.
    public func closures() throws(NymStoreError) -> Int {
        try read { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'closures'") else {
                return 0
            }
            return Int(String(decoding: try row.bytes(0), as: UTF8.self)) ?? 0
        }
    }

    /// How much there is of everything; reads indexes, not contents.
    public func counts() throws(NymStoreError) -> NymStoreCounts {
        try read { database in
            func count(_ table: String) throws -> Int {
                try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM \(table)") ?? 0
            }
            var counts = NymStoreCounts()
            counts.accounts = try count("account")
            counts.blocks = try count("block")
            counts.items = try Int.fetchOne(database, sql: "SELECT IFNULL(SUM(items), 0) FROM account") ?? 0
            counts.packets = try count("packet")
            counts.mails = try count("mail")
            return counts
        }
    }
}
