// Opening the file of an authority's store, and SQLite's errors in our words.

internal import GRDB
private import Glibc

enum AuthorityStoreFile {
    /// Up to this size all documents are checked at the start; of a larger file all tables but those.
    private static let checkedBytes = 256 << 20
    /// How long another process may hold the file, in seconds.
    private static let patience = 10.0
    private static let readers = 4

    /// For the one process that changes it. New is a file in which nothing was recorded yet and no floor was set: that it was
    /// made by an earlier start, which died at once, makes no difference.
    static func open(_ path: String) throws(AuthorityStoreError) -> (DatabasePool, isNew: Bool) {
        do {
            // Made here so that it, and the files that SQLite puts beside it, are for the owner alone. Only if it is not
            // there: closing a descriptor of the file would take away the locks that others of this process have on it.
            if PosixDirectory.size(of: path) == nil { _ = try PosixFile.openOrCreate(path) }
            guard chmod(path, 0o600) == 0 else {
                throw AuthorityStoreError.system(call: "chmod", path: path, code: errno)
            }
            var options = Configuration()
            options.label = "authority"
            options.maximumReaderCount = readers
            options.busyMode = .timeout(patience)
            options.prepareDatabase { database in
                guard !database.configuration.readonly else { return }
                try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000;")
            }
            let pool = try DatabasePool(path: path, configuration: options)
            let isNew = try pool.writeWithoutTransaction { database in
                // The pool has set its own after `prepareDatabase`.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2,
                    try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal"
                else { throw AuthorityStoreError.database("this system's SQLite refuses full flushes or its log") }
                return try check(database, path)
            }
            return (pool, isNew)
        } catch { throw .of(error, path: path) }
    }

    /// For looking, also while an authority runs.
    static func openForReading(_ path: String) throws(AuthorityStoreError) -> DatabaseQueue {
        guard PosixDirectory.size(of: path) != nil else {
            throw .system(call: "open", path: path, code: ENOENT)
        }
        do {
            var options = Configuration()
            options.label = "authority"
            options.readonly = true
            options.busyMode = .timeout(patience)
            let queue = try DatabaseQueue(path: path, configuration: options)
            try queue.read { database in
                try checkFormat(database, path, oldest: AuthoritySchema.version)
            }
            return queue
        } catch { throw .of(error, path: path) }
    }

    private static func check(_ database: Database, _ path: String) throws -> Bool {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let isEmpty = try application == 0 && version == 0 && tables(database).isEmpty
        if isEmpty {
            try database.inTransaction(.immediate) {
                try AuthoritySchema.create(in: database)
                return .commit
            }
        }
        try checkFormat(database, path, oldest: AuthoritySchema.oldestVersion)
        if !isEmpty, version < AuthoritySchema.version {
            try database.inTransaction(.immediate) {
                try AuthoritySchema.migrate(from: version, in: database)
                return .commit
            }
        }
        guard Set(try tables(database)).isSuperset(of: AuthoritySchema.checkedTables) else {
            throw AuthorityStoreError.damaged(path: path)
        }
        let isSmall = PosixDirectory.size(of: path) ?? 0 <= checkedBytes
        for table in AuthoritySchema.checkedTables where isSmall || table != "document" {
            guard try String.fetchAll(database, sql: "PRAGMA quick_check(\(table))") == ["ok"] else {
                throw AuthorityStoreError.damaged(path: path)
            }
        }
        let floor = try Int64.fetchOne(database, sql: "SELECT value FROM property WHERE name = 'floor'")
        let first = try Int.fetchOne(database, sql: "SELECT 1 FROM own LIMIT 1")
        return floor ?? -1 < 0 && first == nil
    }

    private static func checkFormat(_ database: Database, _ path: String, oldest: Int) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard application == AuthoritySchema.applicationID else { throw AuthorityStoreError.notAStore(path: path) }
        guard (oldest...AuthoritySchema.version).contains(version) else {
            throw AuthorityStoreError.otherVersion(path: path, found: version, wanted: AuthoritySchema.version)
        }
    }

    private static func tables(_ database: Database) throws -> [String] {
        try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
    }
}

extension AuthorityStoreError: DatabaseFailure {
    static func other(_ text: String) -> Self { .database(text) }

    /// An error of SQLite in our terms.
    static func of(_ error: any Error, path: String) -> Self {
        switch error {
        case let error as AuthorityStoreError: return error
        case SpoolError.system(let call, let path, let code):
            return code == ENOSPC || code == EDQUOT ? .full(path: path) : .system(call: call, path: path, code: code)
        case SpoolError.damaged: return .damaged(path: path)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL: return .full(path: path)
            // The file is where only ours can be: one without our header has lost it.
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: return .damaged(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(path: path)
            case .SQLITE_MISUSE: return .closed
            case .SQLITE_CANTOPEN: return .system(call: "open", path: path, code: errno == 0 ? EIO : errno)
            default: return .database(error.message ?? "error \(error.resultCode.rawValue)")
            }
        default: return .database("\(error)")
        }
    }
}
