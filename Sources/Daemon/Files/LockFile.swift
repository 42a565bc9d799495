// One program for one data directory. The kernel drops the lock when the process ends, however it ends.

internal import Glibc

/// A lock on a file, held until the value goes. The file holds the process number of the holder and stays.
public final class LockFile: Sendable {
    public let path: String
    private let descriptor: Int32

    /// Takes the lock, or says who holds it.
    public init(_ path: String) throws(CommandFailure) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw CommandFailure("cannot open the lock \(path): \(SystemError.current.reason)") }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.current
            var holder: Int?
            if case .success(let bytes?) = Descriptor.readAll(file, limit: 32) {
                holder = Int(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
            }
            close(file)
            guard error.number == EWOULDBLOCK else {
                throw CommandFailure("cannot lock \(path): \(error.reason)")
            }
            let who = holder.map { "process \($0)" } ?? "another process"
            throw CommandFailure(
                "\(who) is using this directory (lock \(path)); stop it first, or wait until it is done",
                code: .temporary)
        }
        if ftruncate(file, 0) != 0 || Descriptor.writeAll(file, Array("\(getpid())\n".utf8)) != nil {
            let error = SystemError.current
            close(file)
            throw CommandFailure("cannot write the lock \(path): \(error.reason)")
        }
        self.path = path
        descriptor = file
    }

    deinit { close(descriptor) }
}
