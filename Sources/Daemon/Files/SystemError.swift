// Failed system calls, in words.

internal import Glibc

/// The error number of a system call.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// As in errno(3).
    public let number: Int32

    public init(number: Int32) { self.number = number }
    /// The last failed call of this thread.
    static var current: SystemError { SystemError(number: errno) }

    /// The system's words, in lower case: `no such file or directory`.
    public var reason: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(number, &buffer, buffer.count) == 0 else { return "system error \(number)" }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.prefix(1).lowercased() + text.dropFirst()
    }
    public var description: String { reason }
}

/// Plain descriptors.
enum Descriptor {
    /// Writes everything; the error if that fails.
    static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> SystemError? {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
                if count > 0 {
                    offset += count
                } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                    return count == 0 ? SystemError(number: EIO) : .current
                } else if errno == EAGAIN {
                    // A terminal or pipe that somebody else made non-blocking.
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Glibc.poll(&poll, 1, 1000)
                }
            }
            return nil
        }
    }

    /// Reads to the end, at most `limit` bytes; nil in place of bytes if there are more.
    static func readAll(_ descriptor: Int32, limit: Int) -> Result<[UInt8]?, SystemError> {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return .success(bytes) }
            if count < 0 {
                if errno == EINTR { continue }
                return .failure(.current)
            }
            bytes.append(contentsOf: chunk[0..<count])
            if bytes.count > limit { return .success(nil) }
        }
    }
}
