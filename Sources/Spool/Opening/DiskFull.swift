private import Glibc

/// The error code of a full disk, for errors that SQLite reports in its own terms.
enum DiskFull {
    static let code = ENOSPC
}
