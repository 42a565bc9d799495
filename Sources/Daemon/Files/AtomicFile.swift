// Files that are whole or not there, whatever happens: written under another name, synced, renamed, and the directory
// synced.

internal import Glibc

/// Reading and replacing small files.
public enum AtomicFile {
    /// Replaces the file at `path` by one with `bytes`, mode 0600 unless said otherwise. After a crash at any point the old
    /// or the new content is there.
    public static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(CommandFailure) {
        let temporary = "\(path).tmp-\(getpid())"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode_t(mode))
        guard file >= 0 else { throw failure(path) }
        var error = fchmod(file, mode_t(mode)) == 0 ? Descriptor.writeAll(file, bytes) : .current
        if error == nil, fsync(file) != 0 { error = .current }
        if close(file) != 0, error == nil { error = .current }
        if error == nil, rename(temporary, path) != 0 { error = .current }
        if let error {
            unlink(temporary)
            throw failure(path, error)
        }
        try syncDirectory(of: path)
    }

    /// As `write(_:to:mode:)`, for text in UTF-8.
    public static func write(text: String, to path: String, mode: UInt32 = 0o600) throws(CommandFailure) {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    /// The content of the file at `path`, if it is not longer than `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CommandFailure("cannot read \(path): \(SystemError.current.reason)") }
        defer { close(file) }
        switch Descriptor.readAll(file, limit: limit) {
        case .failure(let error): throw CommandFailure("cannot read \(path): \(error.reason)")
        case .success(nil): throw CommandFailure("\(path) is longer than the \(limit) bytes that it may have")
        case .success(let bytes?): return bytes
        }
    }

    /// Removes the file at `path`, durably; it need not be there.
    public static func remove(_ path: String) throws(CommandFailure) {
        guard unlink(path) == 0 else {
            if errno == ENOENT { return }
            throw CommandFailure("cannot remove \(path): \(SystemError.current.reason)")
        }
        try syncDirectory(of: path)
    }

    private static func syncDirectory(of path: String) throws(CommandFailure) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(path) }
    }

    private static func failure(_ path: String, _ error: SystemError = .current) -> CommandFailure {
        let advice = error.number == ENOSPC || error.number == EDQUOT ? "; make room and try again" : ""
        return CommandFailure(
            "cannot write \(path): \(error.reason)\(advice)", code: advice.isEmpty ? .failed : .temporary)
    }
}
