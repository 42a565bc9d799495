// Opening the one SQLite file of a program, checking it, and setting it aside.

internal import GRDB
private import Glibc
internal import WireFormat

/// How the database of one program is laid out.
struct StoreFile<Failure: StoreFailure>: Sendable {
    /// What SQLite calls the connections.
    let label: String
    /// The program, in words for its operator.
    let program: String
    /// Four letters in the database's header.
    let applicationID: Int
    /// The version that is written.
    let version: Int
    /// All that must be there.
    let tables: [String]
    /// Tables that are not read through at the start of a large file; their damage is found when they are read.
    let large: Set<String>
    /// Whether every commit is on the disk, and not only in the file.
    let isFlushed: Bool
    /// KiB of pages that each connection holds; nil for SQLite's own choice.
    var cacheKiB: Int?
    /// Whether what is deleted is overwritten.
    var overwrites = false
    /// Makes the tables, within a transaction.
    let create: @Sendable (Database) throws -> Void
    /// Brings an older version up to this one, within a transaction.
    let migrate: @Sendable (_ from: Int, Database) throws -> Void
    /// Checks more of a file whose tables are all there.
    var check: @Sendable (Database, _ path: String) throws -> Void = { _, _ in }
}

private let readers = 3
/// Pages after which SQLite carries its log over into the file.
private let checkpointPages = 1000
/// Bytes that the log keeps on the disk when it is empty.
private let keptLog = 4 << 20

extension StoreFile {
    private var synchronous: String { "PRAGMA synchronous = \(isFlushed ? "FULL" : "NORMAL")" }

    /// For the one process that writes.
    /// - Parameters:
    ///   - patience: seconds for which another process may hold the file.
    ///   - checkedBytes: up to this size everything is checked; of a larger file all tables but the large ones.
    func open(_ path: String, patience: Double, checkedBytes: Int) throws(Failure) -> DatabasePool {
        do {
            // Made here so that it, and the files that SQLite puts beside it, are for the owner alone. Only if it is not
            // there: closing a descriptor of the file would take away the locks that others of this process have on it.
            if PosixDirectory.size(of: path) == nil { _ = try PosixFile.openOrCreate(path) }
            guard access(path, R_OK | W_OK) == 0, chmod(path, 0o600) == 0 else {
                throw Failure.system(call: "open", path: path, code: errno)
            }
            try Self.checkDirectory(of: path)
            try Self.checkSize(of: path)
            var options = Configuration()
            options.label = label
            options.maximumReaderCount = readers
            options.busyMode = .timeout(patience)
            options.prepareDatabase { [cacheKiB, overwrites] database in
                if let cacheKiB { try database.execute(sql: "PRAGMA cache_size = \(-cacheKiB)") }
                guard !database.configuration.readonly else { return }
                // Before the first table is made, and before the log is: later it would take a VACUUM.
                try database.execute(
                    sql: """
                        PRAGMA auto_vacuum = INCREMENTAL;
                        PRAGMA wal_autocheckpoint = \(checkpointPages);
                        PRAGMA journal_size_limit = \(keptLog);
                        """)
                if overwrites { try database.execute(sql: "PRAGMA secure_delete = ON") }
            }
            let pool = try DatabasePool(path: path, configuration: options)
            do {
                try pool.writeWithoutTransaction { database in
                    // Here, because the pool sets another when it is made.
                    try database.execute(sql: synchronous)
                    guard try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal" else {
                        throw Failure.other("this system's SQLite has no write-ahead log")
                    }
                    try prepare(database, path, checkedBytes)
                }
            } catch {
                // Closed here, because its files may be renamed now.
                try? pool.close()
                throw error
            }
            return pool
        } catch { throw .of(error, path: path) }
    }

    /// For looking, also while the program runs.
    func openForReading(_ path: String, patience: Double, checkedBytes: Int) throws(Failure) -> DatabaseQueue {
        guard PosixDirectory.size(of: path) != nil else { throw .system(call: "open", path: path, code: ENOENT) }
        do {
            try Self.checkSize(of: path)
            var options = Configuration()
            options.label = label
            options.readonly = true
            options.busyMode = .timeout(patience)
            let queue = try DatabaseQueue(path: path, configuration: options)
            try queue.read { database in
                guard try format(of: database, path) == version else {
                    throw Failure.other("it was written by an older version; start the \(program) once")
                }
                try checkContent(database, path, checkedBytes)
            }
            return queue
        } catch { throw .of(error, path: path) }
    }

    /// SQLite makes its log beside the file, and complains less clearly.
    private static func checkDirectory(of path: String) throws(Failure) {
        var directory = "."
        if let slash = path.lastIndex(of: "/") { directory = slash == path.startIndex ? "/" : String(path[..<slash]) }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw .system(call: "write to", path: directory, code: errno)
        }
    }

    /// SQLite takes a file with less than a header for a new one.
    private static func checkSize(of path: String) throws(Failure) {
        if let size = PosixDirectory.size(of: path), (1..<100).contains(size) { throw .damaged(path: path) }
    }

    private func prepare(_ database: Database, _ path: String, _ checkedBytes: Int) throws {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == 0, found == 0, try names(in: database).isEmpty {
            try database.execute(sql: "PRAGMA synchronous = FULL")
            defer { try? database.execute(sql: synchronous) }
            try database.inTransaction(.immediate) {
                try create(database)
                return .commit
            }
        }
        if try format(of: database, path) < version {
            try database.inTransaction(.immediate) {
                try migrate(found, database)
                return .commit
            }
        }
        try checkContent(database, path, checkedBytes)
    }

    private func checkContent(_ database: Database, _ path: String, _ checkedBytes: Int) throws {
        guard Set(try names(in: database)).isSuperset(of: tables) else { throw Failure.damaged(path: path) }
        let isSmall = PosixDirectory.size(of: path) ?? 0 <= checkedBytes
        for table in tables where isSmall || !large.contains(table) {
            guard try String.fetchAll(database, sql: "PRAGMA quick_check(\(table))") == ["ok"] else {
                throw Failure.damaged(path: path)
            }
        }
        try check(database, path)
    }

    /// The version of the format.
    private func format(of database: Database, _ path: String) throws -> Int {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard application == applicationID, found > 0 else { throw Failure.notAStore(path: path) }
        guard found <= version else { throw Failure.newer(path: path, found: found, wanted: version) }
        return found
    }

    private func names(in database: Database) throws -> [String] {
        try String.fetchAll(
            database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    }

    /// Renames a database with its log; the new name. The log first: one that stayed would be taken for the next database's.
    static func setAside(_ path: String, at now: Timestamp) throws(Failure) -> String {
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
        } catch { throw .of(error, path: path) }
    }
}
