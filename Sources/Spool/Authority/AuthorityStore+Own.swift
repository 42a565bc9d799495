// What this authority did. A record is durable when `record` returns; that it is the only one for its slot is the
// database's business (`AuthoritySchema`).

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    /// Records what is about to be sent. If the same was recorded before, that record is returned, so that the bytes that
    /// are sent are always the same. Throws `alreadyActed` for something else in this slot, for a signature in a slot before
    /// one that is signed, and for anything up to the floor; and also if what was made is known only from others, who sent it
    /// back: then the records are from before it.
    /// - Parameter author: this authority's name, under which documents of others' sending are kept.
    public func record(
        _ act: OwnAct, slot: UInt64, digest: Digest, bytes: [UInt8], by author: String
    ) throws(AuthorityStoreError) -> OwnRecord {
        let number = try Self.column(slot)
        guard bytes.count <= Self.maximumDocument else { throw .malformed }
        return try write { database in
            if let found = try row(act, number, in: database) {
                guard found.digest == digest else { throw AuthorityStoreError.alreadyActed(act, slot: slot) }
                return found
            }
            guard try !contradicts(act, number, digest, author, in: database) else {
                throw AuthorityStoreError.alreadyActed(act, slot: slot)
            }
            do {
                try database.execute(
                    sql: "INSERT INTO own (act, slot, digest, bytes) VALUES (?, ?, ?, ?)",
                    arguments: [act.rawValue, number, digest.blob, Blob.data(bytes)])
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                throw AuthorityStoreError.alreadyActed(act, slot: slot)
            }
            return OwnRecord(act: act, slot: slot, digest: digest, bytes: bytes)
        }
    }

    /// Whether a document of this authority that came from others says something else.
    private func contradicts(
        _ act: OwnAct, _ slot: Int64, _ digest: Digest, _ author: String, in database: Database
    ) throws -> Bool {
        let sql: String
        var arguments: StatementArguments = [author, slot, digest.blob]
        switch act {
        case .vote, .proposal:
            sql = "SELECT 1 FROM document WHERE authority = ? AND slot = ? AND digest <> ? AND kind = ?"
            arguments += [(act == .vote ? StoredDocumentKind.vote : .proposal).rawValue]
        case .signature:
            // Signatures only go forward.
            sql = "SELECT 1 FROM signature WHERE authority = ? AND (slot = ? AND digest <> ? OR slot > ?)"
            arguments += [slot]
        }
        return try Int.fetchOne(database, sql: sql + " LIMIT 1", arguments: arguments) != nil
    }

    /// What was recorded for a slot.
    public func own(_ act: OwnAct, slot: UInt64) throws(AuthorityStoreError) -> OwnRecord? {
        let number = try Self.column(slot)
        return try read { try row(act, number, in: $0) }
    }

    /// Everything recorded for slots from `slot` on, lowest first.
    public func ownRecords(from slot: UInt64) throws(AuthorityStoreError) -> [OwnRecord] {
        let number = try Self.column(slot)
        return try read { database in
            try Row.fetchAll(
                database, sql: "SELECT act, slot, digest, bytes FROM own WHERE slot >= ? ORDER BY slot, act",
                arguments: [number]
            ).map(ownRecord)
        }
    }

    /// The highest slot in which the authority did this; nil if it never did.
    public func highest(_ act: OwnAct) throws(AuthorityStoreError) -> UInt64? {
        try read { database in
            try Int64.fetchOne(database, sql: "SELECT MAX(slot) FROM own WHERE act = ?", arguments: [act.rawValue])
                .map(Self.slot)
        }
    }

    /// The slot up to which the authority must not act at all.
    public func floor() throws(AuthorityStoreError) -> UInt64? {
        try read { database in
            let found = try Int64.fetchOne(database, sql: "SELECT value FROM property WHERE name = 'floor'")
            return found.flatMap { $0 < 0 ? nil : Self.slot($0) }
        }
    }

    /// From now on the authority does nothing in slots up to `slot`. It only rises.
    public func raiseFloor(to slot: UInt64) throws(AuthorityStoreError) {
        let number = try Self.column(slot)
        try write { try raise(to: number, in: $0) }
    }

    func raise(to number: Int64, in database: Database) throws {
        try database.execute(
            sql: "UPDATE property SET value = ? WHERE name = 'floor' AND value < ?", arguments: [number, number])
    }

    private func row(_ act: OwnAct, _ slot: Int64, in database: Database) throws -> OwnRecord? {
        try Row.fetchOne(
            database, sql: "SELECT act, slot, digest, bytes FROM own WHERE act = ? AND slot = ?",
            arguments: [act.rawValue, slot]
        ).map(ownRecord)
    }

    private func ownRecord(_ row: Row) throws(AuthorityStoreError) -> OwnRecord {
        guard let act = OwnAct(rawValue: row[0]) else { throw .damaged(path: path) }
        let bytes: Data = row[3]
        return OwnRecord(act: act, slot: Self.slot(row[1]), digest: try fixed(row[2]), bytes: Array(bytes))
    }
}
