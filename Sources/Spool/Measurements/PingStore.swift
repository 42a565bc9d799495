// What a pinger has sent and seen: one SQLite file with a documented schema (doc/PINGER_DATABASE.md). Nothing in it is
// secret once it is old, and nothing is sealed; but it is for its owner alone, because tags of probes that are under way
// would let a node's operator know them.
//
// How durable it is. The log (WAL) is flushed where its loss could make something false: when a return is noted, because
// its message is then deleted from the mailbox and the probe would be judged lost, and when a gap is, because losses within
// it would count. Everything else may lose its last moments with the power: a probe whose sending is not recorded is void,
// its return unknown, an emptying or a judgement is made again, and a pinger that was alive longer than recorded takes the
// difference for a gap. A flush takes all that was written before with it. No crash of the process loses anything.

internal import GRDB
public import WireFormat

/// A pinger's database. All methods wait for the disk; they may be called from any thread, but not from an event loop.
public final class PingStore: Sendable {
    /// How much is kept at most, whatever `expire` is told; of more, the oldest goes.
    struct Bounds: Sendable {
        /// Probes: eleven times the default rate for 30 days, some 300 MB.
        var pings = 2_000_000
        var handshakes = 2_000_000
        var gaps = 100_000
        var evidence = 1_000_000
        var linkDays = 4_000_000
        /// Nodes beyond which `expire` forgets those that nothing refers to.
        var nodes = 20_000
        /// Bytes of a file that is checked wholly when it is opened.
        var checkedBytes = 256 << 20
        /// Rows that one transaction deletes.
        var deletion = 1000
        /// Pages of 4 KiB that one transaction gives back to the disk.
        var vacuum = 500
        /// Unused pages that are left for what comes next.
        var spare = 64
    }

    /// Probes that are kept at most.
    public static let maximumPings = Bounds().pings
    /// Bytes of a probe's tag.
    public static let tagBytes = 16
    /// Hops of a probe at most.
    public static let maximumHops = 5
    /// Seconds for which another process may hold the file.
    static let patience = 10.0

    /// Where it is.
    public let path: String
    let bounds: Bounds
    private let open: OpenDatabase<PingStoreError>

    /// Opens the database or makes one, in a directory that exists, and checks it. One process at a time may do so.
    /// `damaged` and `newer` are what an operator must see to; `setAside` makes room for a new one.
    public static func open(path: String) throws(PingStoreError) -> PingStore {
        try open(path: path, bounds: Bounds())
    }

    static func open(
        path: String, bounds: Bounds, patience: Double = PingStore.patience
    ) throws(PingStoreError) -> PingStore {
        PingStore(
            path: path, bounds, try PingStoreFile.file.open(path, patience: patience, checkedBytes: bounds.checkedBytes)
        )
    }

    /// Opens the database for reading alone, also while a pinger writes to it. What writes then throws.
    public static func openForReading(path: String) throws(PingStoreError) -> PingStore {
        let bounds = Bounds()
        return PingStore(
            path: path, bounds,
            try PingStoreFile.file.openForReading(path, patience: patience, checkedBytes: bounds.checkedBytes))
    }

    /// Renames a database that nobody has open, with the files that belong to it; the new name.
    public static func setAside(path: String, at now: Timestamp) throws(PingStoreError) -> String {
        try StoreFile<PingStoreError>.setAside(path, at: now)
    }

    private init(path: String, _ bounds: Bounds, _ database: any DatabaseWriter) {
        self.path = path
        self.bounds = bounds
        open = OpenDatabase(database, path: path)
    }

    /// Gives the file back; afterwards everything throws `closed`.
    public func close() { open.close() }

    func read<T>(_ body: (Database) throws -> T) throws(PingStoreError) -> T { try open.read(body) }

    /// What `body` did is in the file when this returns, and undone if it throws.
    /// - Parameter isFlushed: whether it must outlast a power failure.
    func write<T>(isFlushed: Bool = false, _ body: (Database) throws -> T) throws(PingStoreError) -> T {
        try open.write(isFlushed: isFlushed, crashing: (.pingsBeforeCommit, .pingsAfterCommit), body)
    }

    /// Does something outside of any transaction.
    func maintain<T>(_ body: (Database) throws -> T) throws(PingStoreError) -> T { try open.maintain(body) }

    /// The number of a node, which gets one if it has none.
    func number(of node: NodeID, in database: Database) throws -> Int64 {
        if let number = try known(node, in: database) { return number }
        try database.cachedStatement(sql: "INSERT INTO node (id) VALUES (?)").execute(arguments: [node.hex])
        return database.lastInsertedRowID
    }

    /// The number of a node; nil if it has none.
    func known(_ node: NodeID, in database: Database) throws -> Int64? {
        try Int64.fetchOne(
            try database.cachedStatement(sql: "SELECT number FROM node WHERE id = ?"), arguments: [node.hex])
    }

    /// Keeps the newest rows of a table only: a few at a time, so that it takes no time to speak of.
    func bound(_ table: StaticString, to maximum: Int, in database: Database) throws {
        let oldest = database.lastInsertedRowID - Int64(maximum)
        guard oldest > 0 else { return }
        try database.cachedStatement(
            sql: "DELETE FROM \(table) WHERE id IN (SELECT id FROM \(table) WHERE id <= ? ORDER BY id LIMIT 64)"
        ).execute(arguments: [oldest])
    }
}
