// What two devices share, and all that follows from it: first the secret of a code that was copied from one to the
// other, and from the hand-over of the keys on one that only came with them.

internal import Daemon
internal import Messages
internal import MixCrypto
internal import WireFormat

/// 128 secret bits.
struct LinkSecret: Sendable {
    static let size = 16

    let bytes: LockedSecret

    init(_ bytes: LockedSecret) { self.bytes = bytes }

    static func random() throws -> LinkSecret { LinkSecret(LockedSecret(try SecretBytes.random(count: size))) }

    /// The seed of the key of the mailbox in which the other device leaves what it passes on.
    func mailboxSeed() throws -> LockedSecret {
        try derive("nightjar/1 nym link mailbox").withBytes { try LockedSecret(copying: $0) }
    }

    /// The id of that mailbox.
    func mailbox() throws -> MailboxID {
        try SigningKey(seed: mailboxSeed().bytes.copy()).verificationKey.mailboxID
    }

    /// The number under which the new device asks the server. A result of its request `firstNumber` tells the first
    /// device that the mailbox above is there.
    var device: UInt64 {
        derive("nightjar/1 nym link device").withBytes { bytes in bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
    }

    static let firstNumber: UInt64 = 1

    /// Seals the one message with the nym's keys.
    var grantKey: SymmetricSecret { derive("nightjar/1 nym link keys") }

    /// Seals everything that follows.
    var mirrorKey: SymmetricSecret { derive("nightjar/1 nym link mirror") }

    private func derive(_ info: String) -> SymmetricSecret {
        SymmetricSecret(bytes.bytes).derive(salt: [], info: info, count: 32)
    }
}

/// What a person copies from the new device to the first one: the node of the new device's mailbox and the secret.
///
///     NODE-xxxxx-xxxxx-xxxxx-xxxxx-xxxxx-xxxxx
///
/// Thirty characters of base32 behind the node's nickname: 26 are the secret, 4 tell a slip in copying, in the node's
/// name too.
struct LinkCode: Sendable {
    /// The nickname, in lower case.
    let node: String
    let secret: LinkSecret

    private static let secretDigits = 26
    private static let checkDigits = 4
    private static let groupSize = 5

    init(node: String, secret: LinkSecret) {
        self.node = node.lowercased()
        self.secret = secret
    }

    /// For people. It is as secret as the nym until it was used; then it opens only the message with the keys.
    var text: String {
        let digits = secret.bytes.bytes.withBytes { Base32.encode($0) } + check
        var groups: [String] = []
        var rest = digits[...]
        while !rest.isEmpty {
            groups.append(String(rest.prefix(Self.groupSize)))
            rest = rest.dropFirst(Self.groupSize)
        }
        return ([node] + groups).joined(separator: "-")
    }

    private var check: String {
        let sum = secret.bytes.bytes.withBytes { bytes in
            Digest.sha256(Array("nightjar/1 nym link code\n\(node)\n".utf8) + Array(bytes))
        }
        return String(Base32.encode(sum.bytes).prefix(Self.checkDigits))
    }

    /// Reads a code; capital letters, blanks, and `0`, `1`, `8` for `o`, `l`, `b` are put right.
    /// - Throws: `LinkCodeError`.
    init(_ text: String) throws {
        let plain = text.lowercased().filter { !$0.isWhitespace }
        let wanted = Self.secretDigits + Self.checkDigits
        // Nicknames may have hyphens of their own, so digits are counted from the end.
        var digits: [Character] = []
        var rest = Array(plain)
        while let last = rest.last, digits.count < wanted {
            rest.removeLast()
            if last != "-" { digits.append(Self.mended(last)) }
        }
        while rest.last == "-" { rest.removeLast() }
        guard digits.count == wanted, !rest.isEmpty else { throw LinkCodeError.length }
        let all = String(digits.reversed())
        guard var bytes = Base32.decode(all.prefix(Self.secretDigits)), bytes.count == LinkSecret.size else {
            throw LinkCodeError.typo
        }
        let secret = LinkSecret(LockedSecret(try SecretBytes(moving: &bytes)))
        self.init(node: String(rest), secret: secret)
        guard check == String(all.suffix(Self.checkDigits)) else { throw LinkCodeError.typo }
    }

    private static func mended(_ character: Character) -> Character {
        switch character {
        case "0": "o"
        case "1": "l"
        case "8": "b"
        default: character
        }
    }
}

/// What is wrong with a code.
enum LinkCodeError: Error, Equatable, CustomStringConvertible, ExitCodeProviding {
    case length
    case typo

    var description: String {
        switch self {
        case .length:
            "this is no link code: it is a node's name and six groups of five letters and digits; copy all of what "
                + "`nightjar nym link` shows on the new device"
        case .typo: "there is a slip in the code; compare it with what `nightjar nym link` shows, letter by letter"
        }
    }

    var exitCode: ExitCode { .usage }
}
