private import Glibc

/// What is wrong with an authority's store; words for its operator.
public enum AuthorityStoreError: Error, Equatable, Sendable {
    /// The file is damaged: it stays where it is.
    case damaged(path: String)
    /// The file belongs to something else.
    case notAStore(path: String)
    /// The file belongs to another authority or another network.
    case otherOwner(path: String, found: String, wanted: String)
    /// Written by another version of the program.
    case otherVersion(path: String, found: Int, wanted: Int)
    /// The disk or a quota has no room left.
    case full(path: String)
    /// Another program has held the file for too long.
    case busy(path: String)
    /// A system call failed; `code` is its errno.
    case system(call: String, path: String, code: Int32)
    /// SQLite reported another error.
    case database(String)
    /// The authority has voted, proposed or signed something else in this slot, or in a later one: the database refuses.
    case alreadyActed(OwnAct, slot: UInt64)
    /// A bound of the store is reached: what it is a bound of.
    case tooMany(String)
    /// A value out of range: a caller's error.
    case malformed
    /// The store has been closed.
    case closed
}

extension AuthorityStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .damaged(let path):
            """
            the authority's database \(path) is damaged; restore it from a backup, or move it away (with its -wal and \
            -shm) and start again: the authority then forgets its votes, fetches the consensus from the others, and \
            signs nothing in the slot in which it starts
            """
        case .notAStore(let path): "\(path) is not an authority's database; name another data-directory"
        case .otherOwner(let path, let found, let wanted):
            """
            \(path) belongs to \(found), but this is \(wanted); give each authority and each network a data-directory of \
            its own
            """
        case .otherVersion(let path, let found, let wanted):
            "\(path) has format \(found), this program writes \(wanted): use the version that wrote it, or a newer one"
        case .full(let path): "the disk that holds \(path) is full; make room, the authority goes on by itself"
        case .busy(let path): "another program holds \(path); stop it and try again"
        case .system(let call, let path, let code):
            "\(call) \(path): \(String(cString: strerror(code)).lowercased())"
        case .database(let text): "the authority's database: \(text)"
        case .alreadyActed(let act, let slot):
            "this authority must not \(act.verb) in slot \(slot): it has done so in this slot or in a later one"
        case .tooMany(let what): "the authority's database takes no more \(what)"
        case .malformed: "not something that an authority's database holds"
        case .closed: "the authority's database is closed"
        }
    }
}
