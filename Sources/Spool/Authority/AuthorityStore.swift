// What an authority knows and what it has done: one SQLite file. Everything in it is public sooner or later, so nothing is
// sealed; but what the authority has voted, proposed and signed is what keeps it from saying two things in one slot, and is
// on the disk before anything is sent.

internal import Foundation
internal import GRDB
internal import WireFormat

/// An authority's database. All methods wait for the disk; they may be called from any thread, but not from an event loop.
public final class AuthorityStore: Sendable {
    /// Bytes of a document at most.
    public static let maximumDocument = 16 << 20
    /// Different consensuses of one slot whose signatures by one authority are kept: two are a proof, more prove nothing.
    public static let signaturesPerAuthority = 2
    /// Different votes or proposals of one authority for one slot that are kept: the two that prove that it lies, and one
    /// that a proposal may name.
    public static let documentsPerSlot = 3
    /// Pieces of evidence against one authority that are kept; of more the first and the last ones.
    public static let evidencePerAuthority = 64
    /// Consensuses that are always kept, with all their votes, however few slots the configuration wants kept.
    public static let fewestConsensuses = 100

    /// Where it is.
    public let path: String
    /// Whether nothing was recorded in it yet and no floor set: then nobody knows what the authority did before.
    public let isNew: Bool
    private let open: OpenDatabase<AuthorityStoreError>

    /// Opens the store or makes one, in a directory that exists, and checks it. One process at a time may do so.
    public static func open(path: String) throws(AuthorityStoreError) -> AuthorityStore {
        let (pool, isNew) = try AuthorityStoreFile.open(path)
        return AuthorityStore(path: path, isNew: isNew, pool)
    }

    /// Opens the store for reading alone, also while an authority runs on it.
    public static func openForReading(path: String) throws(AuthorityStoreError) -> AuthorityStore {
        AuthorityStore(path: path, isNew: false, try AuthorityStoreFile.openForReading(path))
    }

    private init(path: String, isNew: Bool, _ database: any DatabaseWriter) {
        self.path = path
        self.isNew = isNew
        open = OpenDatabase(database, path: path)
    }

    /// Gives the file back; afterwards everything throws `closed`.
    public func close() { open.close() }

    func read<T>(_ body: (Database) throws -> T) throws(AuthorityStoreError) -> T { try open.read(body) }

    /// What `body` did is on the disk when this returns, and undone if it throws.
    func write<T>(_ body: (Database) throws -> T) throws(AuthorityStoreError) -> T { try open.write(body) }

    /// A slot as the database has it.
    static func column(_ slot: UInt64) throws(AuthorityStoreError) -> Int64 {
        guard let number = Int64(exactly: slot) else { throw .malformed }
        return number
    }

    static func slot(_ column: Int64) -> UInt64 { UInt64(max(0, column)) }

    /// Reads a digest or an id; `damaged` if it has another size.
    func fixed<Value: FixedBytes>(_ blob: Data) throws(AuthorityStoreError) -> Value {
        guard let value = Value(blob) else { throw .damaged(path: path) }
        return value
    }
}
