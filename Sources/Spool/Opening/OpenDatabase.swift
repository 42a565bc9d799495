// A database that a store holds open, and what every store does with it.

internal import GRDB
internal import Synchronization

/// What can be wrong with any store's database, in the store's own words.
protocol DatabaseFailure: Error {
    static var closed: Self { get }
    static func other(_ text: String) -> Self
    /// An error of SQLite, or one of the store's own that passed through it.
    static func of(_ error: any Error, path: String) -> Self
}

/// Gives a store its database until it is closed. All methods wait for the disk.
final class OpenDatabase<Failure: DatabaseFailure>: Sendable {
    private let path: String
    private let open: Mutex<(any DatabaseWriter)?>

    init(_ database: any DatabaseWriter, path: String) {
        self.path = path
        open = Mutex(database)
    }

    /// Gives the file back; afterwards everything throws `closed`.
    func close() {
        let database = open.withLock { open -> (any DatabaseWriter)? in
            defer { open = nil }
            return open
        }
        // Fails while a reader is at work; the connection then closes with the last reference.
        try? database?.close()
    }

    func read<T>(_ body: (Database) throws -> T) throws(Failure) -> T {
        guard let database = open.withLock({ $0 }) else { throw .closed }
        do { return try database.read(body) } catch { throw .of(error, path: path) }
    }

    /// What `body` did is in the file when this returns, and undone if it throws.
    /// - Parameters:
    ///   - isFlushed: for a database whose commits are not flushed else: this one must outlast a power failure.
    ///   - crashing: places before and after the end of the transaction.
    func write<T>(
        isFlushed: Bool = false, crashing: (before: CrashPoint, after: CrashPoint)? = nil,
        _ body: (Database) throws -> T
    ) throws(Failure) -> T {
        guard let database = open.withLock({ $0 }) else { throw .closed }
        do {
            return try database.writeWithoutTransaction { database in
                if isFlushed { try database.execute(sql: "PRAGMA synchronous = FULL") }
                defer { if isFlushed { try? database.execute(sql: "PRAGMA synchronous = NORMAL") } }
                var result: T?
                try database.inTransaction(.immediate) {
                    result = try body(database)
                    if let crashing { CrashPoint.reached(crashing.before) }
                    return .commit
                }
                if let crashing { CrashPoint.reached(crashing.after) }
                guard let result else { throw Failure.other("a transaction without a result") }
                return result
            }
        } catch { throw .of(error, path: path) }
    }

    /// Does something outside of any transaction.
    func maintain<T>(_ body: (Database) throws -> T) throws(Failure) -> T {
        guard let database = open.withLock({ $0 }) else { throw .closed }
        do { return try database.writeWithoutTransaction(body) } catch { throw .of(error, path: path) }
    }
}
