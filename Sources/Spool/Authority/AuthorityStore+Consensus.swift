// Certified consensuses, signatures under them, and how long things are kept.

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    /// Keeps a certified consensus. For a slot that has one, more signatures replace it; another document does not.
    /// - Returns: whether it is the slot's consensus now.
    @discardableResult
    public func keep(_ consensus: StoredConsensus) throws(AuthorityStoreError) -> Bool {
        guard consensus.bytes.count <= Self.maximumDocument else { throw .malformed }
        let number = try Self.column(consensus.slot)
        return try write { database in
            try database.execute(
                sql: """
                    INSERT INTO consensus (slot, digest, certified, bytes) VALUES (?, ?, ?, ?)
                    ON CONFLICT (slot) DO UPDATE SET bytes = excluded.bytes WHERE digest = excluded.digest
                    """,
                arguments: [
                    number, consensus.digest.blob, consensus.certified.milliseconds, Blob.data(consensus.bytes),
                ])
            return database.changesCount > 0
        }
    }

    /// The consensus of a slot.
    public func consensus(slot: UInt64) throws(AuthorityStoreError) -> StoredConsensus? {
        let number = try Self.column(slot)
        return try read { database in
            try Row.fetchOne(
                database, sql: "SELECT slot, digest, certified, bytes FROM consensus WHERE slot = ?",
                arguments: [number]
            ).map(storedConsensus)
        }
    }

    /// The newest consensus.
    public func latestConsensus() throws(AuthorityStoreError) -> StoredConsensus? {
        try read { database in
            try Row.fetchOne(
                database, sql: "SELECT slot, digest, certified, bytes FROM consensus ORDER BY slot DESC LIMIT 1"
            ).map(storedConsensus)
        }
    }

    /// Slots with a consensus, newest first.
    public func consensusSlots(limit: Int) throws(AuthorityStoreError) -> [(slot: UInt64, digest: Digest)] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT slot, digest FROM consensus ORDER BY slot DESC LIMIT ?",
                arguments: [max(0, limit)]
            ).map { (Self.slot($0[0]), try fixed($0[1])) }
        }
    }

    /// Keeps a signature; false if it is there already. Throws `tooMany` for a third consensus of one slot that an
    /// authority signed.
    @discardableResult
    public func keep(_ signature: StoredSignature) throws(AuthorityStoreError) -> Bool {
        guard signature.bytes.count <= Self.maximumDocument else { throw .malformed }
        let number = try Self.column(signature.slot)
        return try write { database in
            let others = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM signature WHERE slot = ? AND authority = ? AND digest <> ?",
                arguments: [number, signature.authority, signature.digest.blob])
            guard others ?? 0 < Self.signaturesPerAuthority else {
                throw AuthorityStoreError.tooMany("signatures of one authority in one slot")
            }
            try database.execute(
                sql: """
                    INSERT INTO signature (slot, authority, digest, bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                arguments: [number, signature.authority, signature.digest.blob, Blob.data(signature.bytes)])
            return database.changesCount > 0
        }
    }

    /// All signatures of a slot, by authority.
    public func signatures(slot: UInt64) throws(AuthorityStoreError) -> [StoredSignature] {
        let number = try Self.column(slot)
        return try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT slot, authority, digest, bytes FROM signature WHERE slot = ? ORDER BY authority, digest",
                arguments: [number]
            ).map { row in
                let bytes: Data = row[3]
                return StoredSignature(
                    slot: Self.slot(row[0]), authority: row[1], digest: try fixed(row[2]), bytes: Array(bytes))
            }
        }
    }

    /// Forgets what is old. Kept are the newest `keepSlots` consensuses (`fewestConsensuses` at least) with all votes of
    /// their slots and the descriptors that they name, whatever belongs to the newest `keepSlots` slots that were voted in,
    /// evidence, and nodes' newest descriptors. It is counted, not dated: a clock that was wrong must cost nothing.
    /// - Returns: documents and consensuses that are gone.
    @discardableResult
    public func expire(keepSlots: Int) throws(AuthorityStoreError) -> Int {
        let count = max(1, keepSlots)
        return try write { database in
            var gone = 0
            func run(_ sql: String, _ arguments: StatementArguments) throws {
                try database.execute(sql: sql, arguments: arguments)
                gone += database.changesCount
            }
            try run(
                "DELETE FROM consensus WHERE slot NOT IN (SELECT slot FROM consensus ORDER BY slot DESC LIMIT ?)",
                [max(count, Self.fewestConsensuses)])
            let votes = StoredDocumentKind.vote.rawValue
            // Small tables of their own, so that they are not made again for every row.
            let kept = Set(try Int64.fetchAll(database, sql: "SELECT slot FROM consensus")).union(
                try Int64.fetchAll(
                    database,
                    sql: "SELECT DISTINCT slot FROM document WHERE kind = ? ORDER BY slot DESC LIMIT ?",
                    arguments: [votes, count]))
            for table in ["document WHERE kind IN (2, 3)", "signature WHERE 1"] {
                let slots = try Int64.fetchAll(
                    database, sql: "SELECT DISTINCT slot FROM \(table) AND slot IS NOT NULL")
                for slot in slots where !kept.contains(slot) { try run("DELETE FROM \(table) AND slot = ?", [slot]) }
            }
            gone += try expireReports(kept, in: database)
            // A descriptor that no vote or consensus has named and that its node has replaced is of no use, also while there
            // are no votes at all.
            try run(
                """
                DELETE FROM document WHERE kind = ? AND IFNULL(slot, -1) < ?
                    AND digest NOT IN (SELECT descriptor FROM node)
                """, [StoredDocumentKind.descriptor.rawValue, kept.min() ?? 0])
            let forgotten = try Int64.fetchOne(
                database, sql: "SELECT DISTINCT slot FROM own ORDER BY slot DESC LIMIT 1 OFFSET ?", arguments: [count])
            if let forgotten {
                try raise(to: forgotten, in: database)
                try database.execute(sql: "DELETE FROM own WHERE slot <= ?", arguments: [forgotten])
            }
            return gone
        }
    }

    private func storedConsensus(_ row: Row) throws(AuthorityStoreError) -> StoredConsensus {
        let bytes: Data = row[3]
        return StoredConsensus(
            slot: Self.slot(row[0]), digest: try fixed(row[1]), certified: Timestamp(milliseconds: row[2]),
            bytes: Array(bytes))
    }
}
