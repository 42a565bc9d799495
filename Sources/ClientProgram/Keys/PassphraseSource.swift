// Where the keyring's passphrase comes from. Never from arguments or the environment, which other processes can read.

internal import Daemon
private import Glibc
internal import MixCrypto

/// Where a passphrase comes from.
public enum PassphraseSource: Hashable, Sendable {
    /// From nowhere: only a keyring without passphrase can be opened.
    case none
    /// The terminal, if the keyring has a passphrase.
    case terminal
    /// The first line of an open descriptor, if the keyring has a passphrase.
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
}

/// A passphrase in locked memory; nil is the empty one.
struct Passphrase: Sendable {
    let secret: LockedSecret?

    static let empty = Passphrase(secret: nil)
    var isEmpty: Bool { secret == nil }

    /// The key that it opens a keyring with.
    func key(_ work: PasswordKey) throws -> SymmetricSecret {
        guard let secret else { return try work.deriveFromNothing() }
        return try work.derive(secret.bytes)
    }

    func equals(_ other: Passphrase) -> Bool {
        switch (secret, other.secret) {
        case (nil, nil): true
        case (let one?, let two?): one.bytes.constantTimeEquals(two.bytes)
        default: false
        }
    }

    /// The first line of what `descriptor` gives, without its end.
    static func read(_ descriptor: Int32) throws -> Passphrase {
        try gather { byte in
            while true {
                let count = Glibc.read(descriptor, &byte, 1)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    throw KeyringError.passphraseUnreadable(SystemError(number: errno).reason)
                }
                return count == 0 || byte == UInt8(ascii: "\n") ? .end : .byte
            }
        }
    }

    /// One step of typing or reading.
    enum Step { case byte, end, erase, eraseAll }

    /// Puts a passphrase together byte by byte in locked memory.
    static func gather(_ next: (inout UInt8) throws -> Step) throws -> Passphrase {
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
                    guard count < limit else { throw KeyringError.passphraseTooLong(limit) }
                    block[count] = byte
                    count += 1
                }
            }
            if count > 0, block[count - 1] == UInt8(ascii: "\r") { count -= 1 }
        }
        guard count > 0 else { return .empty }
        return try block.withBytes {
            Passphrase(secret: try LockedSecret(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])))
        }
    }
}
