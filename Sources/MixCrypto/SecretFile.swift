// Secrets on disk: raw bytes in files of mode 0600, read straight into locked memory, never by way of an ordinary array.

private import Glibc

/// Why a secret's file cannot be used; words for the operator.
public enum SecretFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(path: String)
    case exists(path: String)
    case readableByOthers(path: String)
    case wrongSize(path: String, expected: Int)
    case failed(path: String, errno: Int32)

    public var description: String {
        switch self {
        case .missing(let path): "\(path) is not there"
        case .exists(let path): "\(path) exists already; move it away if you really want a new key"
        case .readableByOthers(let path): "\(path) can be read by others; run: chmod 600 \(path)"
        case .wrongSize(let path, let expected): "\(path) is damaged: it must have \(expected) bytes; restore it from a backup"
        case .failed(let path, let code): "\(path): \(String(cString: strerror(code)).lowercased())"
        }
    }
}

/// Reads, writes and destroys secret files.
public enum SecretFile {
    /// Reads exactly `count` bytes from a regular file that only its owner can read.
    public static func read(_ path: String, count: Int) throws -> SecretBytes {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? SecretFileError.missing(path: path) : .failed(path: path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SecretFileError.failed(path: path, errno: errno) }
        guard status.st_mode & 0o077 == 0 else { throw SecretFileError.readableByOthers(path: path) }
        guard status.st_size == count else { throw SecretFileError.wrongSize(path: path, expected: count) }
        return try SecretBytes(count: count) { (buffer) throws(SecretFileError) in
            var done = 0
            while done < count {
                let got = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: done), count - done)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { throw SecretFileError.wrongSize(path: path, expected: count) }
                done += got
            }
        }
    }

    /// Writes a new file of mode 0600, durable before it returns; an existing file is never replaced.
    public static func create(_ path: String, _ secret: borrowing SecretBytes) throws(SecretFileError) {
        // A name of its own: of two programs that begin at the same time neither may link the other's half.
        let temporary = "\(path).new-\(getpid())-\(UInt32.random(in: .min ... .max))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .failed(path: path, errno: errno) }
        let failure: Int32? = secret.withBytes { bytes in
            var done = 0
            while done < bytes.count {
                let put = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
                if put < 0, errno == EINTR { continue }
                guard put > 0 else { return errno }
                done += put
            }
            return fsync(descriptor) == 0 ? nil : errno
        }
        close(descriptor)
        if let failure {
            unlink(temporary)
            throw .failed(path: path, errno: failure)
        }
        // link fails if the name is taken, where rename would replace.
        guard link(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw code == EEXIST ? .exists(path: path) : .failed(path: path, errno: code)
        }
        unlink(temporary)
        synchronizeDirectory(of: path)
    }

    /// Overwrites the file with zeros, makes that durable, then removes it. On flash and on file systems that copy on write
    /// old blocks may survive: `doc/OPERATING.md` says to keep the data directory on an encrypted disk.
    public static func destroy(_ path: String) throws(SecretFileError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw .failed(path: path, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .failed(path: path, errno: errno) }
        let zeros = [UInt8](repeating: 0, count: Int(status.st_size))
        guard pwrite(descriptor, zeros, zeros.count, 0) == zeros.count, fsync(descriptor) == 0, unlink(path) == 0 else {
            throw .failed(path: path, errno: errno)
        }
        synchronizeDirectory(of: path)
    }

    private static func synchronizeDirectory(of path: String) {
        let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let descriptor = open(directory.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
