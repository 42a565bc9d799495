// Opening the file of a nymserver's database, setting it aside, and SQLite's errors in our words.

internal import GRDB
private import Glibc
internal import WireFormat

enum NymStoreFile {
    private static let readers = 3
    /// Pages after which SQLite carries its log over into the file.
    private static let checkpointPages = 1000
    /// Bytes that the log keeps on the disk when it is empty.
    private static let keptLog = 4 << 20
    /// Of each connection.
    private static let cacheKiB = 4096
    /// Sealed in the file, so that another key is known at once.
    private static let mark = "nyms"

    /// For the one process that writes.
    /// - Parameters:
    ///   - patience: seconds for which another process may hold the file.
    ///   - checkedBytes: up to this size everything is checked; of a larger file all tables but the large ones, whose
    ///     damage is found when they are read.
    static func open(
        _ path: String, seal: StorageSeal, patience: Double, checkedBytes: Int
    ) throws(NymStoreError) -> DatabasePool {
        do {
            // Made here so that it, and the files that SQLite puts beside it, are for the owner alone. Only if it is not
            // there: closing a descriptor of the file would take away the locks that others of this process have on it.
            if PosixDirectory.size(of: path) == nil { _ = try PosixFile.openOrCreate(path) }
            guard access(path, R_OK | W_OK) == 0, chmod(path, 0o600) == 0 else {
                throw NymStoreError.system(call: "open", path: path, code: errno)
            }
            try checkDirectory(of: path)
            try checkSize(of: path)
            var options = Configuration()
            options.label = "nyms"
            options.maximumReaderCount = readers
            options.busyMode = .timeout(patience)
            options.prepareDatabase { database in
                try database.execute(sql: "PRAGMA cache_size = \(-cacheKiB)")
                guard !database.configuration.readonly else { return }
                // Before the first table is made, and before the log is: later it would take a VACUUM.
                try database.execute(
                    sql: """
                        PRAGMA auto_vacuum = INCREMENTAL;
                        PRAGMA secure_delete = ON;
                        PRAGMA wal_autocheckpoint = \(checkpointPages);
                        PRAGMA journal_size_limit = \(keptLog);
                        """)
            }
            let pool = try DatabasePool(path: path, configuration: options)
            do {
                try pool.writeWithoutTransaction { database in
                    // Here, because the pool sets another when it is made: every commit is on the disk.
                    try database.execute(sql: "PRAGMA synchronous = FULL")
                    guard try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal" else {
                        throw NymStoreError.other("this system's SQLite has no write-ahead log")
                    }
                    try check(database, path, seal, checkedBytes)
                }
            } catch {
                // Closed here, because its files may be renamed now.
                try? pool.close()
                throw error
            }
            return pool
        } catch { throw Self.error(error, path) }
    }

    /// For looking, also while a nymserver runs.
    static func openForReading(
        _ path: String, seal: StorageSeal, patience: Double, checkedBytes: Int
    ) throws(NymStoreError) -> DatabaseQueue {
        guard PosixDirectory.size(of: path) != nil else { throw .system(call: "open", path: path, code: ENOENT) }
        do {
            try checkSize(of: path)
            var options = Configuration()
            options.label = "nyms"
            options.readonly = true
            options.busyMode = .timeout(patience)
            let queue = try DatabaseQueue(path: path, configuration: options)
            try queue.read { database in
                guard try checkFormat(database, path) == NymSchema.version else {
                    throw NymStoreError.other("it was written by an older version; start the nymserver once")
                }
                try checkContent(database, path, seal, checkedBytes)
            }
            return queue
        } catch { throw Self.error(error, path) }
    }

    /// SQLite makes its log beside the file, and complains less clearly.
    private static func checkDirectory(of path: String) throws(NymStoreError) {
        var directory = "."
        if let slash = path.lastIndex(of: "/") { directory = slash == path.startIndex ? "/" : String(path[..<slash]) }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw .system(call: "write to", path: directory, code: errno)
        }
    }

    /// SQLite takes a file with less than a header for a new one.
    private static func checkSize(of path: String) throws(NymStoreError) {
        if let size = PosixDirectory.size(of: path), (1..<100).contains(size) { throw .damaged(path: path) }
    }

    private static func check(
        _ database: Database, _ path: String, _ seal: StorageSeal, _ checkedBytes: Int
    ) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == 0, version == 0, try tables(database).isEmpty {
            try database.inTransaction(.immediate) {
                try NymSchema.create(in: database, mark: try seal.seal(text: mark, as: mark))
                return .commit
            }
        }
        if try checkFormat(database, path) < NymSchema.version {
            try database.inTransaction(.immediate) {
                try NymSchema.migrate(from: version, in: database)
                return .commit
            }
        }
        try checkContent(database, path, seal, checkedBytes)
    }

    private static func checkContent(
        _ database: Database, _ path: String, _ seal: StorageSeal, _ checkedBytes: Int
    ) throws {
        guard Set(try tables(database)).isSuperset(of: NymSchema.tables) else {
            throw NymStoreError.damaged(path: path)
        }
        let isSmall = PosixDirectory.size(of: path) ?? 0 <= checkedBytes
        for table in NymSchema.tables where isSmall || !NymSchema.large.contains(table) {
            guard try String.fetchAll(database, sql: "PRAGMA quick_check(\(table))") == ["ok"] else {
                throw NymStoreError.damaged(path: path)
            }
        }
        guard let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'key'") else {
            throw NymStoreError.damaged(path: path)
        }
        guard (try? seal.open(row.bytes(0), as: mark)) != nil else { throw NymStoreError.wrongKey(path: path) }
    }

    /// The version of the format.
    private static func checkFormat(_ database: Database, _ path: String) throws -> Int {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard application == NymSchema.applicationID, version > 0 else { throw NymStoreError.notAStore(path: path) }
        guard version <= NymSchema.version else {
            throw NymStoreError.newer(path: path, found: version, wanted: NymSchema.version)
        }
        return version
    }

    private static func tables(_ database: Database) throws -> [String] {
        try String.fetchAll(
            database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    }

    /// Renames a database with its log; the new name. The log first: one that stayed would be taken for the next database's.
    static func setAside(_ path: String, at now: Timestamp) throws(NymStoreError) -> String {
        do {
            let suffixes = ["-wal", "-shm", ""]
            var mark = ".damaged-\(now.seconds)"
            var count = 1
            while suffixes.contains(where: { PosixDirectory.size(of: path + mark + $0) != nil }) {
                count += 1
                mark = ".damaged-\(now.seconds)-\(count)"
            }
            for suffix in suffixes where PosixDirectory.size(of: path + suffix) != nil {
                try PosixDirectory.rename(path + suffix, to: path + mark + suffix)
            }
            return path + mark
        } catch { throw Self.error(error, path) }
    }

    /// An error of SQLite in our terms.
    static func error(_ error: any Error, _ path: String) -> NymStoreError {
        switch error {
        case let error as NymStoreError: return error
        case SpoolError.system(let call, let path, let code):
            return code == ENOSPC || code == EDQUOT || code == EFBIG
                ? .full(path: path) : .system(call: call, path: path, code: code)
        case SpoolError.damaged: return .damaged(path: path)
        // A value is missing where one must be, or has another type.
        case is RowDecodingError: return .damaged(path: path)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL: return .full(path: path)
            case .SQLITE_CORRUPT: return .damaged(path: path)
            // The file is where only ours can be: one without our header has lost it.
            case .SQLITE_NOTADB: return .damaged(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(path: path)
            case .SQLITE_MISUSE: return .closed
            case .SQLITE_READONLY, .SQLITE_PERM: return .system(call: "write to", path: path, code: EACCES)
            case .SQLITE_CANTOPEN: return .system(call: "open", path: path, code: errno == 0 ? EIO : errno)
            case .SQLITE_IOERR: return NymStoreError.of(input: error, path)
            default: return .other(error.message ?? "error \(error.resultCode.rawValue)")
            }
        default: return .other("\(error)")
        }
    }
}

extension NymStoreError {
    /// An error of reading or writing: a file that has become shorter than it was is damaged.
    fileprivate static func of(input error: DatabaseError, _ path: String) -> NymStoreError {
        switch error.extendedResultCode {
        case .SQLITE_IOERR_SHORT_READ: .damaged(path: path)
        default: .other("\(error.message ?? "reading or writing failed") (\(error.extendedResultCode.rawValue))")
        }
    }
}
