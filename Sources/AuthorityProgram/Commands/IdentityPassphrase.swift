// Where the passphrase of an identity key comes from: the terminal or an open descriptor. Never from arguments or the
// environment, which other processes can read.

internal import Daemon
private import Glibc
internal import MixCrypto

/// Where a passphrase comes from.
public enum IdentityPassphrase: Hashable, Sendable {
    /// The terminal, if one is needed.
    case terminal
    /// The first line of an open descriptor, if one is needed.
    case descriptor(Int32)

    /// `--passphrase-fd N` or its absence.
    public init(descriptor: Int?) throws {
        guard let descriptor else {
            self = .terminal
            return
        }
        guard let number = Int32(exactly: descriptor), number >= 0, fcntl(number, F_GETFD) >= 0 else {
            throw CommandFailure(
                "--passphrase-fd \(descriptor) is not an open descriptor; write for example: --passphrase-fd 3 3< FILE",
                code: .usage)
        }
        self = .descriptor(number)
    }

    /// A passphrase for a new key: typed twice, or read once. An empty one is refused.
    func chosen() throws -> SecretBytes {
        switch self {
        case .descriptor(let number):
            guard let passphrase = try Self.read(number) else {
                throw CommandFailure("the passphrase is empty; without --passphrase-fd the key has none", code: .usage)
            }
            return passphrase
        case .terminal:
            guard let first = try Self.typed("Passphrase for the identity key: ") else {
                throw CommandFailure("the passphrase is empty; nothing was made", code: .usage)
            }
            guard let second = try Self.typed("Once more: "), first.constantTimeEquals(second) else {
                throw CommandFailure("the two passphrases differ; nothing was made, try again", code: .usage)
            }
            return first
        }
    }

    /// The passphrase of a key that has one.
    func given(for path: String) throws -> SecretBytes {
        let passphrase: SecretBytes? =
            switch self {
            case .descriptor(let number): try Self.read(number)
            case .terminal: try Self.typed("Passphrase of \(path): ")
            }
        guard let passphrase else {
            throw CommandFailure("the identity key \(path) has a passphrase, and an empty one was given", code: .usage)
        }
        return passphrase
    }

    /// The first line of what a descriptor gives, without its end; nil if it is empty.
    private static func read(_ descriptor: Int32) throws -> SecretBytes? {
        try gather { byte in
            while true {
                let count = Glibc.read(descriptor, &byte, 1)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    throw CommandFailure("cannot read the passphrase: \(SystemError(number: errno).reason)")
                }
                return count == 0 || byte == UInt8(ascii: "\n") ? .end : .byte
            }
        }
    }

    /// What is typed after `prompt`, which is not shown; nil if it is empty.
    private static func typed(_ prompt: String) throws -> SecretBytes? {
        let tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        var before = termios()
        guard tty >= 0, tcgetattr(tty, &before) == 0 else {
            if tty >= 0 { close(tty) }
            throw CommandFailure(
                "there is no terminal to ask for the passphrase; give it with --passphrase-fd N", code: .usage)
        }
        defer { close(tty) }
        var silent = before
        // Byte by byte and without signals, so that nothing can end the program while the terminal is silent.
        silent.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG)
        guard tcsetattr(tty, TCSAFLUSH, &silent) == 0 else {
            throw CommandFailure("cannot silence the terminal: \(SystemError(number: errno).reason)")
        }
        defer {
            tcsetattr(tty, TCSAFLUSH, &before)
            say(tty, "\n")
        }
        say(tty, prompt)
        return try gather { byte in
            while true {
                let count = Glibc.read(tty, &byte, 1)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .end }
                switch byte {
                case 3: throw CommandFailure("interrupted; nothing was done")
                case 4, 10, 13: return .end
                case 8, 127: return .erase
                case 21: return .eraseAll
                case 0..<32: continue
                default: return .byte
                }
            }
        }
    }

    private static func say(_ tty: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = write(tty, bytes, bytes.count)
    }

    /// One step of typing or reading.
    private enum Step { case byte, end, erase, eraseAll }

    /// Puts a passphrase together byte by byte in locked memory; nil if nothing came.
    private static func gather(_ next: (inout UInt8) throws -> Step) throws -> SecretBytes? {
        var count = 0
        let limit = PasswordKey.longestPassphrase
        let block = try SecretBytes(count: limit + 1) { (block) throws(any Error) in
            block.initializeMemory(as: UInt8.self, repeating: 0)
            var byte: UInt8 = 0
            defer { byte = 0 }
            reading: while true {
                switch try next(&byte) {
                case .end: break reading
                case .erase:
                    // A whole character, which may be several bytes of UTF-8.
                    while count > 0 {
                        count -= 1
                        if block[count] & 0xC0 != 0x80 { break }
                    }
                case .eraseAll: count = 0
                case .byte:
                    guard count < limit else {
                        throw CommandFailure(
                            "the passphrase is longer than \(limit) bytes; use a shorter one", code: .usage)
                    }
                    block[count] = byte
                    count += 1
                }
            }
            if count > 0, block[count - 1] == UInt8(ascii: "\r") { count -= 1 }
        }
        guard count > 0 else { return nil }
        let size = count
        return try block.withBytes { bytes in
            try SecretBytes(count: size) { (copy) throws(Never) in
                copy.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<size]))
            }
        }
    }
}
