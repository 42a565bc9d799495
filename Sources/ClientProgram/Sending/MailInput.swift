// Reading the mail that a person hands over, from a file or from standard input, never more than the network takes.

internal import Daemon
private import Glibc
internal import Messages

/// Where a mail comes from.
enum MailInput {
    /// A header section may come on top of the body; it is mostly dropped.
    private static let headerAllowance = 512 << 10

    /// What a reply block takes up in armor, with some text around it.
    private static let blockAllowance = 11 << 10

    /// All bytes of what is to be sent: those that the request has, or those of its file or standard input.
    static func read(
        _ message: ComposeRequest, bodyLimit: Int, blocks: Int = 0, terminal: Terminal
    ) throws -> [UInt8] {
        guard let content = message.content else {
            return try read(message.file, bodyLimit: bodyLimit, blocks: blocks, terminal: terminal)
        }
        guard content.count <= bodyLimit + headerAllowance + blocks * blockAllowance else {
            throw MessageError.bodyTooLarge(limit: bodyLimit)
        }
        return content
    }

    /// All bytes of `file`, or of standard input for nil and `-`.
    /// - Parameters:
    ///   - bodyLimit: the longest body; much longer input is refused before it is read to its end.
    ///   - blocks: reply blocks that may stand in the text.
    static func read(_ file: String?, bodyLimit: Int, blocks: Int = 0, terminal: Terminal) throws -> [UInt8] {
        let tooLong = MessageError.bodyTooLarge(limit: bodyLimit)
        let limit = bodyLimit + headerAllowance + blocks * blockAllowance
        let path = file == "-" ? nil : file
        guard let path else {
            if isatty(STDIN_FILENO) == 1 {
                terminal.message("type the mail, or a text, and end it with ctrl-d on a line of its own")
            }
            return try read(STDIN_FILENO, name: "standard input", limit: limit, tooLong: tooLong)
        }
        return try readFile(path, limit: limit, tooLong: tooLong)
    }

    /// A file of reply blocks, or standard input for `-`.
    static func readBlocks(_ file: String) throws -> [UInt8] {
        let limit = ReplyRequest.maximumBlocks * blockAllowance
        let tooLong = CommandFailure("\(file) has more than \(ReplyRequest.maximumBlocks) reply blocks; give fewer")
        guard file != "-" else {
            return try read(STDIN_FILENO, name: "standard input", limit: limit, tooLong: tooLong)
        }
        return try readFile(file, limit: limit, tooLong: tooLong)
    }

    /// Reply blocks from a descriptor that somebody else opened.
    static func readBlocks(descriptor: Int32) throws -> [UInt8] {
        let name = "descriptor \(descriptor)"
        return try read(
            descriptor, name: name, limit: ReplyRequest.maximumBlocks * blockAllowance,
            tooLong: CommandFailure("\(name) gives more than \(ReplyRequest.maximumBlocks) reply blocks; give fewer"))
    }

    private static func readFile(_ path: String, limit: Int, tooLong: some Error) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        return try read(descriptor, name: path, limit: limit, tooLong: tooLong)
    }

    private static func read(_ descriptor: Int32, name: String, limit: Int, tooLong: some Error) throws -> [UInt8] {
        var bytes: [UInt8] = []
        if let size = size(descriptor) {
            guard size <= limit else { throw tooLong }
            bytes.reserveCapacity(size + 1)
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(name)
            }
            guard bytes.count + count <= limit else { throw tooLong }
            bytes += chunk[..<count]
        }
    }

    /// How many bytes a file still has; nil for a pipe, a terminal or what cannot be read at all, such as a directory.
    private static func size(_ descriptor: Int32) -> Int? {
        let start = lseek(descriptor, 0, SEEK_CUR)
        guard start >= 0 else { return nil }
        let end = lseek(descriptor, 0, SEEK_END)
        guard lseek(descriptor, start, SEEK_SET) == start, end > start else { return nil }
        var first: UInt8 = 0
        return pread(descriptor, &first, 1, start) == 1 ? Int(end - start) : nil
    }

    private static func failure(_ name: String) -> CommandFailure {
        CommandFailure("cannot read \(name): \(SystemError(number: errno).reason)")
    }
}
