// Directories and files that only we may read. Checked at start, because a wrong mode is found by nobody else.

internal import Glibc

/// A directory of mode 0700 that belongs to this user.
public struct PrivateDirectory: Hashable, Sendable {
    /// As given, without a slash at the end.
    public let path: String

    /// Checks the directory at `path`; makes it, and its parents with mode 0755, if it is not there and `creating`.
    public init(_ path: String, creating: Bool = true) throws(CommandFailure) {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        self.path = trimmed
        guard !trimmed.isEmpty else { throw CommandFailure("the name of a directory is empty", code: .usage) }
        if creating { try Self.make(trimmed, mode: 0o700) }
        try Self.check(trimmed, isDirectory: true)
    }

    /// The path of `name` inside.
    public func file(_ name: String) -> String { path == "/" ? "/\(name)" : "\(path)/\(name)" }

    /// A private directory inside this one.
    public func directory(_ name: String, creating: Bool = true) throws(CommandFailure) -> PrivateDirectory {
        try PrivateDirectory(file(name), creating: creating)
    }

    /// Checks that the file `name` inside, if there is one, is ours and has no rights for others.
    /// - Returns: whether it is there.
    @discardableResult
    public func checkFile(_ name: String) throws(CommandFailure) -> Bool { try Self.checkFile(at: file(name)) }

    /// As `checkFile(_:)`, for any path.
    @discardableResult
    public static func checkFile(at path: String) throws(CommandFailure) -> Bool {
        var status = stat()
        if lstat(path, &status) != 0, errno == ENOENT { return false }
        try check(path, isDirectory: false)
        return true
    }

    private static func make(_ path: String, mode: mode_t) throws(CommandFailure) {
        if mkdir(path, mode) == 0 {
            // The process's mask may have taken rights away that we need.
            if mode == 0o700, chmod(path, mode) != 0 {
                throw CommandFailure("cannot set the mode of \(path): \(SystemError.current.reason)")
            }
            return
        }
        switch errno {
        case EEXIST: return
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { break }
            try make(String(path[..<slash]), mode: 0o755)
            guard mkdir(path, mode) == 0 || errno == EEXIST else { break }
            return
        default: break
        }
        throw CommandFailure("cannot make the directory \(path): \(SystemError.current.reason)")
    }

    private static func check(_ path: String, isDirectory: Bool) throws(CommandFailure) {
        var status = stat()
        let what = isDirectory ? "directory" : "file"
        guard lstat(path, &status) == 0 else {
            let error = SystemError.current
            guard error.number == ENOENT else { throw CommandFailure("cannot look at \(path): \(error.reason)") }
            throw CommandFailure(
                "there is no \(what) \(path); make it with: \(isDirectory ? "mkdir -m 700" : "touch") \(path)")
        }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFLNK {
            throw CommandFailure("\(path) is a symbolic link; name the \(what) that it leads to instead")
        }
        guard kind == (isDirectory ? S_IFDIR : S_IFREG) else {
            throw CommandFailure("\(path) is not a \(what); move it away or name another \(what)")
        }
        guard status.st_uid == geteuid() else {
            throw CommandFailure(
                """
                the \(what) \(path) belongs to user \(status.st_uid) and not to user \(geteuid()), who runs this \
                program; run it as its owner, or: chown \(geteuid()) \(path)
                """)
        }
        guard status.st_mode & 0o077 == 0 else {
            let wanted = isDirectory ? "700" : "600"
            throw CommandFailure("others may use the \(what) \(path); take that away with: chmod \(wanted) \(path)")
        }
    }
}
