private import Glibc

/// What is wrong with a pinger's database; words for its operator.
public enum PingStoreError: Error, Equatable, Sendable {
    /// The file is damaged or cut off: it stays where it is until `PingStore.setAside`.
    case damaged(path: String)
    /// The file belongs to another program.
    case notAStore(path: String)
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
    /// A value out of range: a caller's error.
    case malformed
    /// The store has been closed.
    case closed

    /// Whether trying later may help without anybody doing anything.
    public var isTemporary: Bool {
        switch self {
        case .full, .busy: true
        default: false
        }
    }
}

extension PingStoreError: StoreFailure {}

extension PingStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .damaged(let path):
            """
            the pinger's database \(path) is damaged; nothing is measured with it. Restore it from a backup, or move it \
            away with its -wal and -shm and start again: the pinger then begins anew
            """
        case .notAStore(let path):
            "\(path) is not a pinger's database, and is left as it is; name another data-directory"
        case .newer(let path, let found, let wanted):
            """
            \(path) has format \(found), this program knows formats up to \(wanted): use the version that wrote it, or a \
            newer one
            """
        case .full(let path): "the disk that holds \(path) is full; make room, the pinger goes on by itself"
        case .busy(let path): "another program holds \(path); stop it, or wait, and try again"
        case .system(let call, let path, let code):
            "cannot \(call) \(path): \(String(cString: strerror(code)).lowercased()); see to its owner and its rights"
        case .other(let text): "the pinger's database: \(text)"
        case .malformed: "not something that a pinger's database holds"
        case .closed: "the pinger's database is closed"
        }
    }
}
