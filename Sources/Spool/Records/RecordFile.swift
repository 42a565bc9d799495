// Opening the file of a record store. A lock beside it makes openings take turns, so that two programs cannot set a file
// aside at once, and says whether there ever was a store: one that is empty or gone later has been lost.

internal import GRDB
private import Glibc
internal import MixCrypto
internal import WireFormat

enum RecordFile {
    /// "njrc" in the database's header.
    private static let applicationID = 0x6E6A_7263
    private static let version = 1
    private static let proof = RecordKind(rawValue: 0)
    private static let mark = "nightjar records 1\n"
    /// Up to this size every record is opened once when the store is; a larger one is checked as it is read.
    private static let checkedBytes = 16 << 20
    /// How long another process may hold the file.
    private static let patience = 10.0

    static func open(path: String, seal: RecordSeal) throws(SpoolError) -> DatabaseQueue {
        let lock = try PosixFile.openOrCreate(path + ".lock")
        try lock.waitForLock()
        defer { lock.unlock() }
        let wasMade = try !lock.read(1, at: 0).isEmpty
        do throws(SpoolError) {
            if wasMade, (PosixDirectory.size(of: path) ?? 0) == 0 { throw .damaged }
            let queue = try connect(path, seal)
            if !wasMade { try write(mark, to: lock) }
            return queue
        } catch .damaged {
            let name = try setAside(path)
            try lock.truncate(to: 0)
            throw .setAside(path: path, as: name)
        }
    }

    private static func write(_ text: String, to file: PosixFile) throws(SpoolError) {
        let bytes = Array(text.utf8)
        let result: Result<Void, SpoolError> = bytes.withUnsafeBytes { bytes in
            Result { () throws(SpoolError) in try file.write(bytes, at: 0) }
        }
        try result.get()
        try file.flush()
    }

    private static func connect(_ path: String, _ seal: RecordSeal) throws(SpoolError) -> DatabaseQueue {
        // Made here so that it, and the files that SQLite puts beside it, are for the owner alone. Only if it is not there:
        // closing any descriptor of the file takes away the locks that other stores of this process have on it, and
        // the next program to close it would then delete the log that they go on writing to.
        if PosixDirectory.size(of: path) == nil { _ = try PosixFile.openOrCreate(path) }
        guard chmod(path, 0o600) == 0 else { throw .system(call: "chmod", path: path, code: errno) }
        do {
            var options = Configuration()
            options.label = "records"
            options.busyMode = .timeout(patience)
            options.journalMode = .wal
            options.prepareDatabase { database in
                try database.execute(
                    sql: """
                        PRAGMA synchronous = FULL;
                        PRAGMA secure_delete = ON;
                        PRAGMA wal_autocheckpoint = 100;
                        PRAGMA journal_size_limit = 0;
                        PRAGMA temp_store = MEMORY;
                        """)
            }
            let queue = try DatabaseQueue(path: path, configuration: options)
            do {
                try queue.writeWithoutTransaction { try check($0, path, seal) }
            } catch {
                // Closed here, because its files may be renamed now.
                try? queue.close()
                throw error
            }
            return queue
        } catch { throw Self.error(error) }
    }

    private static func check(_ database: Database, _ path: String, _ seal: RecordSeal) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        let records = RecordTransaction(database: database, seal: seal)
        if application == 0, found == 0, tables.isEmpty {
            return try database.inTransaction(.immediate) {
                try database.execute(
                    sql: """
                        CREATE TABLE record (
                            id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, hash BLOB NOT NULL,
                            expires INTEGER, sealed BLOB NOT NULL, UNIQUE (kind, hash));
                        CREATE INDEX expiry ON record (expires) WHERE expires IS NOT NULL;
                        CREATE TABLE proof (sealed BLOB NOT NULL);
                        PRAGMA application_id = \(applicationID);
                        PRAGMA user_version = \(version);
                        """)
                let sealed = try seal.seal(name: [], value: [], proof, seal.hash(proof, []))
                try database.execute(sql: "INSERT INTO proof VALUES (?)", arguments: [Blob.data(sealed)])
                return .commit
            }
        }
        guard application == applicationID else { throw SpoolError.notASpool(directory: path) }
        guard found == version else { throw SpoolError.otherVersion(directory: path, found: found, wanted: version) }
        guard tables.contains("record"), tables.contains("proof"),
            let sealed = try Row.fetchOne(database, sql: "SELECT sealed FROM proof")
        else { throw SpoolError.damaged }
        // The whole file first: what does not open in a sound file belongs to another key.
        let size = PosixDirectory.size(of: path) ?? 0
        if size <= checkedBytes {
            guard try String.fetchAll(database, sql: "PRAGMA quick_check") == ["ok"] else { throw SpoolError.damaged }
        }
        let hash = seal.hash(proof, [])
        guard (try? seal.open(try [UInt8](blob: sealed[0]), proof, hash)) != nil else {
            throw SpoolError.wrongStorageKey(directory: path)
        }
        guard size <= checkedBytes else { return }
        for kind in try Int.fetchAll(database, sql: "SELECT DISTINCT kind FROM record") {
            guard let kind = UInt8(exactly: kind) else { throw SpoolError.damaged }
            _ = try records.all(RecordKind(rawValue: kind))
        }
    }

    /// Renames what is left of a damaged store; the new name of its database.
    private static func setAside(_ path: String) throws(SpoolError) -> String {
        var number = 1
        func name(_ suffix: String) -> String { "\(path).damaged-\(number)\(suffix)" }
        let suffixes = ["", "-wal", "-shm"]
        while suffixes.contains(where: { PosixDirectory.size(of: name($0)) != nil }) { number += 1 }
        for suffix in suffixes where PosixDirectory.size(of: path + suffix) != nil {
            try PosixDirectory.rename(path + suffix, to: name(suffix))
        }
        return name("")
    }

    /// An error of SQLite in our terms.
    static func error(_ error: any Error) -> SpoolError {
        guard let found = error as? DatabaseError else { return SpoolError(wrapping: error) }
        switch found.resultCode {
        case .SQLITE_FULL: return .system(call: "write", path: "the file of records", code: DiskFull.code)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return .database("another program has held the file of records for \(Int(patience)) seconds; try again")
        case .SQLITE_MISUSE: return .closed
        default: return SpoolError(wrapping: error)
        }
    }
}
