// Reading the mail that a person hands over, from a file or from standard input, never more than the network takes.

internal import Daemon
private import Glibc
internal import Messages

/// Where a mail comes from.
enum MailInput {
    /// A header section may come on top of the body; it is mostly dropped.
    private static let headerAllowance = 512 << 10

    /// All bytes of `file`, or of standard input for nil and `-`.
    /// - Parameter bodyLimit: the longest body; much longer input is refused before it is read to its end.
    static func read(_ file: String?, bodyLimit: Int, terminal: Terminal) throws -> [UInt8] {
        let path = file == "-" ? nil : file
        guard let path else {
            if isatty(STDIN_FILENO) == 1 {
                terminal.message("type the mail, or a text, and end it with ctrl-d on a line of its own")
            }
            return try read(STDIN_FILENO, name: "standard input", bodyLimit: bodyLimit)
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        return try read(descriptor, name: path, bodyLimit: bodyLimit)
    }

    private static func read(_ descriptor: Int32, name: String, bodyLimit: Int) throws -> [UInt8] {
        let limit = bodyLimit + headerAllowance
        var bytes: [UInt8] = []
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            guard status.st_size <= limit else { throw MessageError.bodyTooLarge(limit: bodyLimit) }
            bytes.reserveCapacity(Int(status.st_size) + 1)
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(name)
            }
            guard bytes.count + count <= limit else { throw MessageError.bodyTooLarge(limit: bodyLimit) }
            bytes += chunk[..<count]
        }
    }

    private static func failure(_ name: String) -> CommandFailure {
        CommandFailure("cannot read \(name): \(SystemError(number: errno).reason)")
    }
}
