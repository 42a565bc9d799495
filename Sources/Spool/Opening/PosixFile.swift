// System calls on one open file, with errors that name the call and the path.

private import Glibc

/// An open file, closed when the last reference goes.
final class PosixFile: Sendable {
    private let descriptor: Int32
    let path: String

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Makes a new file of mode 0600 for reading and writing; an existing one is an error.
    static func create(_ path: String) throws(SpoolError) -> PosixFile {
        try open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
    }

    /// Opens for reading.
    static func openForReading(_ path: String) throws(SpoolError) -> PosixFile { try open(path, O_RDONLY | O_CLOEXEC) }

    /// Opens for reading and writing, made with mode 0600 if it is not there.
    static func openOrCreate(_ path: String) throws(SpoolError) -> PosixFile {
        try open(path, O_RDWR | O_CREAT | O_CLOEXEC)
    }

    private static func open(_ path: String, _ flags: Int32) throws(SpoolError) -> PosixFile {
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
        return PosixFile(descriptor: descriptor, path: path)
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SpoolError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(call: "write", path: path, code: errno)
            }
            guard count > 0 else { throw .system(call: "write", path: path, code: ENOSPC) }
            done += count
        }
    }

    /// Reads `count` bytes at `offset`; fewer if the file ends before.
    func read(_ count: Int, at offset: Int) throws(SpoolError) -> [UInt8] {
        var failure: SpoolError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset + filled))
                if got < 0 {
                    if errno == EINTR { continue }
                    failure = .system(call: "read", path: path, code: errno)
                    return
                }
                if got == 0 { return }
                filled += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Waits until the bytes are on the disk.
    func flush() throws(SpoolError) {
        guard fdatasync(descriptor) == 0 else { throw .system(call: "fdatasync", path: path, code: errno) }
    }

    /// Gives the file `count` bytes of room on the disk, whatever it holds.
    func reserve(_ count: Int) throws(SpoolError) {
        let code = posix_fallocate(descriptor, 0, off_t(count))
        guard code == 0 else { throw .system(call: "fallocate", path: path, code: code) }
    }

    /// Cuts the file.
    func truncate(to count: Int) throws(SpoolError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else {
            throw .system(call: "ftruncate", path: path, code: errno)
        }
    }

    /// Bytes of the file.
    func size() throws(SpoolError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(call: "fstat", path: path, code: errno) }
        return Int(status.st_size)
    }

    /// Takes the file for this process alone; false if another holds it. Given back when the file is closed.
    func lock() throws(SpoolError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw .system(call: "flock", path: path, code: errno) }
        return false
    }

    /// Takes the file for this process alone, after every other that holds it.
    func waitForLock() throws(SpoolError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw .system(call: "flock", path: path, code: errno) }
        }
    }

    /// Gives the file back before it is closed.
    func unlock() { flock(descriptor, LOCK_UN) }
}

/// Directories and names.
enum PosixDirectory {
    /// Makes a directory of mode 0700, with what is missing above it; or takes one of our own and closes it to others.
    static func prepare(_ path: String) throws(SpoolError) {
        if mkdir(path, 0o700) != 0 {
            if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
                try prepareParents(String(path[..<slash]))
                guard mkdir(path, 0o700) == 0 else { throw .system(call: "mkdir", path: path, code: errno) }
            } else if errno != EEXIST {
                throw .system(call: "mkdir", path: path, code: errno)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .system(call: "stat", path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .system(call: "open", path: path, code: ENOTDIR) }
        guard status.st_uid == geteuid() else { throw .notOurs(directory: path) }
        if status.st_mode & 0o077 != 0, chmod(path, 0o700) != 0 {
            throw .system(call: "chmod", path: path, code: errno)
        }
    }

    private static func prepareParents(_ path: String) throws(SpoolError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw .system(call: "mkdir", path: path, code: errno)
        }
        try prepareParents(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system(call: "mkdir", path: path, code: errno) }
    }

    /// Names in a directory, without `.` and `..`.
    static func names(in path: String) throws(SpoolError) -> [String] {
        guard let stream = opendir(path) else { throw .system(call: "opendir", path: path, code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Makes the directory's entries durable.
    static func flush(_ path: String) throws(SpoolError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
    }

    /// Bytes of a file; nil if there is none.
    static func size(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Deletes a file; one that is gone already is no error.
    static func remove(_ path: String) throws(SpoolError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .system(call: "unlink", path: path, code: errno) }
    }

    static func rename(_ path: String, to other: String) throws(SpoolError) {
        guard Glibc.rename(path, other) == 0 else { throw .system(call: "rename", path: path, code: errno) }
    }
}
