private import Glibc

/// What is wrong with a nymserver's database; words for its operator.
public enum NymStoreError: Error, Equatable, Sendable {
    /// The file is damaged or cut off: it stays where it is until `NymStore.setAside`.
    case damaged(path: String)
    /// The file belongs to another program.
    case notAStore(path: String)
    /// The file was made with another storage key.
    case wrongKey(path: String)
    /// Written by a newer version of the program.
    case newer(path: String, found: Int, wanted: Int)
    /// The disk, a quota or a limit on the size of files has no room left.
    case full(path: String)
    /// Another program has held the file for too long.
    case busy(path: String)
    /// A system call failed; `code` is its errno.
    case system(call: String, path: String, code: Int32)
    /// SQLite reported another error.
    case other(String)
    /// A reply block's row is damaged; `material` erases it.
    case damagedBlock(Int64)
    /// The account has changed since it was read, or is gone: read it again.
    case conflict
    /// A value out of range: a caller's error.
    case malformed
    /// The store has been closed.
    case closed

    /// Whether trying later may help without anybody doing anything.
    public var isTemporary: Bool {
        switch self {
        case .full, .busy, .conflict: true
        default: false
        }
    }
}

extension NymStoreError: StoreFailure {}

extension NymStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .damaged(let path):
            """
            the nymserver's database \(path) is damaged, and is left as it is; restore it from a backup, or move it away with \
            its -wal and -shm and begin anew with a new key: all nyms are then gone
            """
        case .notAStore(let path):
            "\(path) is not a nymserver's database, and is left as it is; name another data-directory"
        case .wrongKey(let path):
            "\(path) was made with another key; put back the key file that belongs to it"
        case .newer(let path, let found, let wanted):
            """
            \(path) has format \(found), this program knows formats up to \(wanted): use the version that wrote it, or a \
            newer one
            """
        case .full(let path): "the disk that holds \(path) is full; make room, the nymserver goes on by itself"
        case .busy(let path): "another program holds \(path); stop it, or wait, and try again"
        case .system(let call, let path, let code):
            "cannot \(call) \(path): \(String(cString: strerror(code)).lowercased()); see to its owner and its rights"
        case .other(let text): "the nymserver's database: \(text)"
        case .damagedBlock: "the nymserver's database: a reply block is damaged"
        case .conflict: "the account was changed meanwhile; try again"
        case .malformed: "not something that a nymserver's database holds"
        case .closed: "the nymserver's database is closed"
        }
    }
}
