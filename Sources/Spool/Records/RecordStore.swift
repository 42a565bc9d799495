// Small secrets that outlive a process and are used by several programs at once: reply tokens, receipts in the making,
// a client's log. One SQLite file; names and values are sealed, lookups go by a keyed hash of the name. What the file
// shows without the key: how many records of which kind there are, how long they are and when they expire.

internal import Foundation
internal import GRDB
public import MixCrypto
private import Synchronization
public import WireFormat

/// What a record is for; each owner declares its own constants.
public struct RecordKind: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
}

/// An open store of sealed records. All methods may be called from any thread and wait for the disk; several processes
/// may have the same file open. Nothing but a `RecordTransaction` may be used inside a transaction.
public final class RecordStore: Sendable {
    /// Bytes of a name at most.
    public static let maximumName = 1024
    /// Bytes of a value at most.
    public static let maximumValue = 1 << 20

    /// Nil when closed. GRDB closes a database with its last reference, so that one in use is never closed.
    private let open: Mutex<DatabaseQueue?>
    private let seal: RecordSeal

    /// Opens the store at `path` or makes one, in a directory that exists. `key` is the program's storage key (32
    /// bytes). Throws `wrongStorageKey` if the file belongs to another key; `setAside` if it was damaged, cut off or
    /// lost: then what is left of it has been renamed, and the next call makes a new store.
    public static func open(path: String, key: SymmetricSecret) throws(SpoolError) -> RecordStore {
        let seal = RecordSeal(key)
        return RecordStore(queue: try RecordFile.open(path: path, seal: seal), seal: seal)
    }

    private init(queue: DatabaseQueue, seal: RecordSeal) {
        open = Mutex(queue)
        self.seal = seal
    }

    /// Gives the file back, as soon as what other threads are doing is done; afterwards everything throws `closed`.
    public func close() { open.withLock { $0 = nil } }

    private func queue() throws(SpoolError) -> DatabaseQueue {
        guard let queue = open.withLock({ $0 }) else { throw .closed }
        return queue
    }

    /// The value under a name; nil if there is none. `damaged` if the record does not open.
    public func get(_ kind: RecordKind, _ name: [UInt8]) throws(SpoolError) -> [UInt8]? {
        try read { try $0.get(kind, name) }
    }

    /// All records of a kind, in the order in which their names first came.
    public func all(_ kind: RecordKind) throws(SpoolError) -> [(name: [UInt8], value: [UInt8])] {
        try read { try $0.all(kind) }
    }

    /// All records of a kind that open, in that order. Those that do not are removed, and added to `damaged`.
    public func all(
        _ kind: RecordKind, skippingDamaged damaged: inout Int
    ) throws(SpoolError) -> [(name: [UInt8], value: [UInt8])] {
        // Without damage, no other process is kept waiting.
        do throws(SpoolError) { return try all(kind) } catch .damaged {}
        do {
            var removed = 0
            let found = try transaction { try $0.all(kind, skippingDamaged: &removed) }
            damaged += removed
            return found
        } catch { throw RecordFile.error(error) }
    }

    /// Records of a kind.
    public func count(_ kind: RecordKind) throws(SpoolError) -> Int { try read { try $0.count(kind) } }

    /// Runs `body` alone among all processes; what it did is on the disk when this returns, and undone if it throws.
    public func transaction<T>(_ body: (RecordTransaction) throws -> T) throws -> T {
        do {
            return try queue().writeWithoutTransaction { database in
                var result: T?
                try database.inTransaction(.immediate) {
                    result = try body(RecordTransaction(database: database, seal: seal))
                    return .commit
                }
                guard let result else { throw SpoolError.database("a transaction without a result") }
                return result
            }
        } catch let error as DatabaseError {
            throw RecordFile.error(error)
        }
    }

    /// Forgets what has expired; how many records that were.
    @discardableResult
    public func expire(now: Timestamp) throws(SpoolError) -> Int {
        do {
            return try queue().writeWithoutTransaction { database in
                // Without rows to delete, no other process is kept waiting.
                let found = try Int.fetchOne(
                    database, sql: "SELECT COUNT(*) FROM record WHERE expires <= ?", arguments: [now.milliseconds])
                guard (found ?? 0) > 0 else { return 0 }
                try database.execute(
                    sql: "DELETE FROM record WHERE expires <= ?", arguments: [now.milliseconds])
                return database.changesCount
            }
        } catch { throw RecordFile.error(error) }
    }

    private func read<T>(_ body: (RecordTransaction) throws -> T) throws(SpoolError) -> T {
        do {
            return try queue().read { try body(RecordTransaction(database: $0, seal: seal)) }
        } catch { throw RecordFile.error(error) }
    }
}

/// Reading and writing within one transaction; not to be kept.
public struct RecordTransaction {
    let database: Database
    let seal: RecordSeal

    /// The value under a name; nil if there is none.
    public func get(_ kind: RecordKind, _ name: [UInt8]) throws(SpoolError) -> [UInt8]? {
        let hash = seal.hash(kind, name)
        let row = try attempt {
            try Row.fetchOne(
                database, sql: "SELECT sealed FROM record WHERE kind = ? AND hash = ?",
                arguments: [Int(kind.rawValue), hash.blob])
        }
        guard let row else { return nil }
        return try seal.open([UInt8](blob: row[0]), kind, hash).value
    }

    /// All records of a kind, in the order in which their names first came.
    public func all(_ kind: RecordKind) throws(SpoolError) -> [(name: [UInt8], value: [UInt8])] {
        let rows = try attempt {
            try Row.fetchAll(
                database, sql: "SELECT hash, sealed FROM record WHERE kind = ? ORDER BY id",
                arguments: [Int(kind.rawValue)])
        }
        var found: [(name: [UInt8], value: [UInt8])] = []
        found.reserveCapacity(rows.count)
        for row in rows { found.append(try seal.open([UInt8](blob: row[1]), kind, Digest(blob: row[0]))) }
        return found
    }

    /// All records of a kind that open, in that order. Those that do not are removed, and added to `damaged`.
    public func all(
        _ kind: RecordKind, skippingDamaged damaged: inout Int
    ) throws(SpoolError) -> [(name: [UInt8], value: [UInt8])] {
        let rows = try attempt {
            try Row.fetchAll(
                database, sql: "SELECT hash, sealed, id FROM record WHERE kind = ? ORDER BY id",
                arguments: [Int(kind.rawValue)])
        }
        var found: [(name: [UInt8], value: [UInt8])] = []
        found.reserveCapacity(rows.count)
        for row in rows {
            do throws(SpoolError) {
                found.append(try seal.open([UInt8](blob: row[1]), kind, Digest(blob: row[0])))
            } catch .damaged {
                let id: Int64 = row[2]
                try attempt { try database.execute(sql: "DELETE FROM record WHERE id = ?", arguments: [id]) }
                damaged += 1
            }
        }
        return found
    }

    /// Records of a kind.
    public func count(_ kind: RecordKind) throws(SpoolError) -> Int {
        try attempt {
            try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM record WHERE kind = ?", arguments: [Int(kind.rawValue)]) ?? 0
        }
    }

    /// Stores a value under a name, in place of an earlier one. `malformed` if name or value is over its limit.
    /// From `expires` on, `RecordStore.expire` forgets it.
    public func put(_ kind: RecordKind, _ name: [UInt8], _ value: [UInt8], expires: Timestamp?) throws(SpoolError) {
        guard name.count <= RecordStore.maximumName, value.count <= RecordStore.maximumValue else { throw .malformed }
        let hash = seal.hash(kind, name)
        let sealed = try seal.seal(name: name, value: value, kind, hash)
        try attempt {
            try database.execute(
                sql: """
                    INSERT INTO record (kind, hash, expires, sealed) VALUES (?, ?, ?, ?)
                    ON CONFLICT (kind, hash) DO UPDATE SET expires = excluded.expires, sealed = excluded.sealed
                    """,
                arguments: [Int(kind.rawValue), hash.blob, expires?.milliseconds, Blob.data(sealed)])
        }
    }

    /// Forgets a record; whether there was one.
    @discardableResult
    public func remove(_ kind: RecordKind, _ name: [UInt8]) throws(SpoolError) -> Bool {
        let hash = seal.hash(kind, name)
        return try attempt {
            try database.execute(
                sql: "DELETE FROM record WHERE kind = ? AND hash = ?", arguments: [Int(kind.rawValue), hash.blob])
            return database.changesCount > 0
        }
    }

    private func attempt<T>(_ body: () throws -> T) throws(SpoolError) -> T {
        do { return try body() } catch { throw RecordFile.error(error) }
    }
}
