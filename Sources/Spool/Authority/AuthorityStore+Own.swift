// What this authority did. A record is durable when `record` returns; that it is the only one for its slot is the
// database's business (`AuthoritySchema`).

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    /// Records what is about to be sent. If the same was recorded before, that record is returned, so that the bytes that
    /// are sent are always the same. Throws `alreadyActed` for something else in this slot, for a signature in a slot before
    /// one that is signed, and for anything up to the floor.
    public func record(
        _ act: OwnAct, slot: UInt64, digest: Digest, bytes: [UInt8]
    ) throws(AuthorityStoreError) -> OwnRecord {
        let number = try Self.column(slot)
        guard bytes.count <= Self.maximumDocument else { throw .malformed }
        return try write { database in
            if let found = try row(act, number, in: database) {
                guard found.digest == digest else { throw AuthorityStoreError.alreadyActed(act, slot: slot) }
                return found
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
