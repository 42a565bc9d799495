internal import Daemon
private import Glibc
internal import Messages

/// A file, standard input or a mail of a Maildir that holds received things.
struct MessageSource: Hashable {
    /// Nil for standard input.
    let path: String?

    /// What messages call it.
    var name: String { path ?? "standard input" }

    private static let chunk = 65_536
    /// The largest binary file: a sealed mail of the longest message.
    private static let binaryLimit = MessageLimits.encoded + (1 << 20)

    /// `-` is standard input.
    init(_ argument: String) { path = argument == "-" ? nil : argument }

    /// The mails in `new` and `cur` of a Maildir, in the order of their names, which begin with the time.
    static func mails(inMaildir path: String) throws(CommandFailure) -> [MessageSource] {
        var mails: [MessageSource] = []
        for directory in ["\(path)/new", "\(path)/cur"] {
            guard ClientPlaces.isThere(directory) else {
                throw CommandFailure("\(path) is not a Maildir: it has no directories new and cur", code: .usage)
            }
            for name in try DirectoryListing.names(in: directory).sorted() where !name.hasPrefix(".") {
                mails.append(MessageSource("\(directory)/\(name)"))
            }
        }
        return mails
    }

    /// Gives everything found to `found`, one after the other.
    func scan(_ found: (FoundMessage) throws -> Void) throws {
        var descriptor = STDIN_FILENO
        if let path {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure() }
        }
        defer { if path != nil { close(descriptor) } }
        var scanner = ArmorScanner()
        var binary: [UInt8]?
        var isFirst = true
        while let piece = try read(descriptor) {
            // No text begins with the byte that is the binary form's version.
            if isFirst, piece.first == 1 { binary = [] }
            isFirst = false
            if binary != nil {
                binary?.append(contentsOf: piece)
                guard let count = binary?.count, count <= Self.binaryLimit else { return try found(.damaged) }
            } else {
                try scanner.consume(piece) { try found(FoundMessage($0)) }
            }
        }
        if let binary { return try found(FoundMessage(binary)) }
        try scanner.finish { try found(FoundMessage($0)) }
    }

    private func read(_ descriptor: Int32) throws(CommandFailure) -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            return count == 0 ? nil : Array(piece[..<count])
        }
    }

    private func failure() -> CommandFailure {
        CommandFailure("cannot read \(name): \(SystemError(number: errno).reason)")
    }
}
