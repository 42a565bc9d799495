// SQLite's errors in the words of a store.

internal import GRDB
private import Glibc

/// What can be wrong with the file of a store.
protocol StoreFailure: DatabaseFailure {
    static func damaged(path: String) -> Self
    static func notAStore(path: String) -> Self
    static func newer(path: String, found: Int, wanted: Int) -> Self
    static func full(path: String) -> Self
    static func busy(path: String) -> Self
    static func system(call: String, path: String, code: Int32) -> Self
}

extension StoreFailure {
    static func of(_ error: any Error, path: String) -> Self {
        switch error {
        case let error as Self: return error
        case SpoolError.system(let call, let path, let code):
            return code == ENOSPC || code == EDQUOT || code == EFBIG
                ? .full(path: path) : .system(call: call, path: path, code: code)
        case SpoolError.damaged: return .damaged(path: path)
        // A value is missing where one must be, or has another type.
        case is RowDecodingError: return .damaged(path: path)
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL: return .full(path: path)
            case .SQLITE_CORRUPT: return .damaged(path: path)
            // The file is where only ours can be: one without our header has lost it.
            case .SQLITE_NOTADB: return .damaged(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(path: path)
            case .SQLITE_MISUSE: return .closed
            case .SQLITE_READONLY, .SQLITE_PERM: return .system(call: "write to", path: path, code: EACCES)
            case .SQLITE_CANTOPEN: return .system(call: "open", path: path, code: errno == 0 ? EIO : errno)
            case .SQLITE_IOERR: return of(input: error, path)
            default: return .other(error.message ?? "error \(error.resultCode.rawValue)")
            }
        default: return .other("\(error)")
        }
    }

    /// An error of reading or writing: a file that has become shorter than it was is damaged.
    private static func of(input error: DatabaseError, _ path: String) -> Self {
        switch error.extendedResultCode {
        case .SQLITE_IOERR_SHORT_READ: .damaged(path: path)
        default: .other("\(error.message ?? "reading or writing failed") (\(error.extendedResultCode.rawValue))")
        }
    }
}
