// What a nymserver holds: one SQLite file. Each step is one transaction that is on the disk before anybody is told, so that
// a kill at any moment loses nothing that was acknowledged and sends nothing twice that must go once. Nothing is read whole:
// what is due is found by an index, and a mail by its pieces, whatever the number of accounts.

internal import GRDB
public import MixCrypto
internal import Synchronization
public import WireFormat

/// A nymserver's database. All methods wait for the disk; they may be called from any thread, but not from an event loop.
public final class NymStore: Sendable {
    struct Bounds: Sendable {
        /// Bytes of a file that is checked wholly when it is opened.
        var checkedBytes = 256 << 20
        /// Rows that one transaction of `expire` deletes.
        var deletion = 500
    }

    /// Bytes of a row of an item's content.
    public static let chunkSize = 16 << 10
    /// Bytes of a part of an item at most.
    public static let largestPart = 64 << 20
    /// Bytes of an outgoing mail at most.
    public static let largestMail = 2 << 20
    /// Seconds for which another process may hold the file.
    static let patience = 10.0

    /// Where it is.
    public let path: String
    let bounds: Bounds
    let seal: StorageSeal
    private let open: OpenDatabase<NymStoreError>
    private let repairs = Mutex(0)

    /// Items and reply blocks that were found damaged since the start, and were erased so that their account goes on.
    public var damagedRows: Int { repairs.withLock { $0 } }

    func noteRepair() { repairs.withLock { $0 += 1 } }

    /// Opens the database or makes one, in a directory that exists, and checks it. One process at a time may do so.
    /// `damaged`, `wrongKey` and `newer` are what an operator must see to; `setAside` makes room for a new one.
    /// - Parameter key: The storage secret, 32 bytes. Without it the file is of no use.
    public static func open(path: String, key: SymmetricSecret) throws(NymStoreError) -> NymStore {
        try open(path: path, key: key, bounds: Bounds())
    }

    static func open(
        path: String, key: SymmetricSecret, bounds: Bounds, patience: Double = NymStore.patience
    ) throws(NymStoreError) -> NymStore {
        let seal = StorageSeal(key.derive(salt: [], info: "nightjar/1 nyms", count: 32))
        let pool = try NymStoreFile.under(seal).open(path, patience: patience, checkedBytes: bounds.checkedBytes)
        return NymStore(path: path, bounds, seal, pool)
    }

    /// Opens the database for reading alone, also while a nymserver writes to it. What writes then throws.
    public static func openForReading(path: String, key: SymmetricSecret) throws(NymStoreError) -> NymStore {
        let bounds = Bounds()
        let seal = StorageSeal(key.derive(salt: [], info: "nightjar/1 nyms", count: 32))
        let queue = try NymStoreFile.under(seal).openForReading(
            path, patience: patience, checkedBytes: bounds.checkedBytes)
        return NymStore(path: path, bounds, seal, queue)
    }

    /// Renames a database that nobody has open, with the files that belong to it; the new name.
    public static func setAside(path: String, at now: Timestamp) throws(NymStoreError) -> String {
        try StoreFile<NymStoreError>.setAside(path, at: now)
    }

    private init(path: String, _ bounds: Bounds, _ seal: StorageSeal, _ database: any DatabaseWriter) {
        self.path = path
        self.bounds = bounds
        self.seal = seal
        open = OpenDatabase(database, path: path)
    }

    /// Gives the file back; afterwards everything throws `closed`.
    public func close() { open.close() }

    func read<T>(_ body: (Database) throws -> T) throws(NymStoreError) -> T { try open.read(body) }

    /// What `body` did is on the disk when this returns, and undone if it throws.
    func write<T>(_ body: (Database) throws -> T) throws(NymStoreError) -> T {
        try open.write(crashing: (.nymsBeforeCommit, .nymsAfterCommit), body)
    }

    /// Does something outside of any transaction.
    func maintain<T>(_ body: (Database) throws -> T) throws(NymStoreError) -> T { try open.maintain(body) }

    /// What is sealed under the storage key and does not open was changed.
    func opened(_ bytes: [UInt8], as place: String) throws -> [UInt8] {
        do { return try seal.open(bytes, as: place) } catch { throw NymStoreError.damaged(path: path) }
    }
}
