private import Glibc

/// What is wrong with a spool, its directory or a request.
public enum SpoolError: Error, Equatable, Sendable {
    /// Another process holds the directory.
    case inUse(directory: String)
    /// The directory holds files that no spool wrote.
    case notASpool(directory: String)
    /// The directory belongs to another user.
    case notOurs(directory: String)
    /// Written by another version of the program.
    case otherVersion(directory: String, found: Int, wanted: Int)
    /// The storage key does not open this spool.
    case wrongStorageKey(directory: String)
    /// A store of records was damaged, cut off or lost; what is left of it has been renamed, and the next opening
    /// makes a new one.
    case setAside(path: String, as: String)
    /// A system call failed; `code` is its errno.
    case system(call: String, path: String, code: Int32)
    /// SQLite reported an error that is not damage.
    case database(String)
    /// The spool has been closed.
    case closed
    /// Too many bodies wait for the writer; try again later.
    case busy
    /// No such packet, item, message or file: removed, expired or never stored.
    case unknown
    /// Bytes on disk are not what was written.
    case damaged
    /// A body longer than a record holds (32,768 bytes), or a step or number out of range: a caller's error.
    case malformed

    /// Whether the disk or a quota of the system has no room left.
    public var isDiskFull: Bool {
        if case .system(_, _, let code) = self { return code == ENOSPC || code == EDQUOT || code == EFBIG }
        return false
    }
}

extension SpoolError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inUse(let directory):
            "another process is using the spool in \(directory): stop it first, or give this one a directory of its own"
        case .notASpool(let directory):
            "\(directory) holds files that are not a spool: name an empty or new directory"
        case .notOurs(let directory):
            "\(directory) belongs to another user: run as its owner, or name another directory"
        case .otherVersion(let directory, let found, let wanted):
            "the spool in \(directory) has format \(found), this program writes \(wanted): use the one that wrote it "
                + "until it is empty, or name a new directory"
        case .wrongStorageKey(let directory):
            "the storage key does not open the spool in \(directory): put back the key it was made with, "
                + "or name a new directory"
        case .setAside(let path, let name):
            "\(path) is damaged or cut off: it is kept as \(name); restore a backup, or start again to go on with a "
                + "new, empty one"
        case .system(let call, let path, let code):
            "\(call) \(path): \(String(cString: strerror(code)))"
        case .database(let text): "the spool's database: \(text)"
        case .closed: "the spool is closed"
        case .busy: "too many packets wait to be written: try again later"
        case .unknown: "not in the spool"
        case .damaged: "damaged on disk"
        case .malformed: "not something the spool can hold"
        }
    }
}
