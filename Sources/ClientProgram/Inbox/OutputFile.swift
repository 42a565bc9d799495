internal import Daemon
private import Glibc

/// A file that is written piece by piece and takes its name only when it is whole.
final class OutputFile {
    private let path, temporary: String
    private let descriptor: Int32
    private var isFinished = false

    init(_ path: String) throws {
        self.path = path
        temporary = "\(path).tmp-\(getpid())"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(temporary) }
    }

    func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Self.failure(path, count < 0 ? errno : ENOSPC) }
                offset += count
            }
        }
    }

    /// Makes it durable and gives it its name.
    func finish() throws {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw Self.failure(path) }
        isFinished = true
    }

    private static func failure(_ path: String, _ code: Int32 = errno) -> CommandFailure {
        let isFull = code == ENOSPC || code == EDQUOT || code == EFBIG
        return CommandFailure(
            "cannot write \(path): \(SystemError(number: code).reason)\(isFull ? "; make room and try again" : "")",
            code: isFull ? .temporary : .failed)
    }
}
