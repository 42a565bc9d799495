// Public keys as people hand them on: armor in a mail, bytes in a file, text in a QR code.
//
//     key file = version 1 u8 | X-Wing 1 u8 | key 1216 | the fingerprint's 20 bytes

internal import Daemon
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// Writes and reads public keys.
enum PublicKeyText {
    private static let head: [UInt8] = [1, 1]
    private static let size = 2 + KEM.publicKeySize + KeyFingerprint.size
    /// Before the base32 of the key file in a QR code; without regard to case.
    private static let mark = "NIGHTJAR:KEY:"
    /// Longest file that is looked at.
    private static let sizeLimit = 1 << 20

    /// 1238 bytes.
    static func binary(_ key: KEMPublicKey) -> [UInt8] { head + key.bytes + key.fingerprint.bytes }

    static func armor(_ key: KEMPublicKey) -> String { Armor.encode(binary(key), kind: .publicKey) }

    /// For a QR code: 1994 characters that take little room there.
    static func mark(_ key: KEMPublicKey) -> String { mark + Base32.encode(binary(key)).uppercased() }

    /// The one key in armor, bytes or a QR code's text.
    /// - Throws: `PublicKeyError`.
    static func parse(_ bytes: [UInt8]) throws(PublicKeyError) -> KEMPublicKey {
        if bytes.starts(with: head) { return try decode(bytes) }
        let text = String(decoding: bytes, as: UTF8.self)
        if let start = text.range(of: mark, ignoringCase: true) {
            guard let bytes = Base32.decode(text[start.upperBound...].prefix { !$0.isWhitespace }.lowercased()) else {
                throw .damaged
            }
            return try decode(bytes)
        }
        let (blocks, damaged) = Armor.decode(text, kind: .publicKey)
        guard let block = blocks.first else { throw damaged > 0 ? .damaged : .none }
        guard blocks.count == 1 else { throw .several(blocks.count) }
        return try decode(block)
    }

    /// The key in the file of this name, or written out in `text` itself.
    /// - Throws: `PublicKeyError`, `CommandFailure`.
    static func read(_ text: String) throws -> KEMPublicKey {
        if text.contains("-----BEGIN ") || text.range(of: mark, ignoringCase: true) != nil {
            return try parse(Array(text.utf8))
        }
        return try parse(AtomicFile.read(text, limit: sizeLimit))
    }

    private static func decode(_ bytes: [UInt8]) throws(PublicKeyError) -> KEMPublicKey {
        guard bytes.starts(with: head) else { throw .version }
        guard bytes.count == size else { throw .damaged }
        let key: KEMPublicKey
        do { key = try KEMPublicKey(bytes[2..<2 + KEM.publicKeySize]) } catch { throw .damaged }
        guard key.fingerprint.bytes == Array(bytes.suffix(KeyFingerprint.size)) else { throw .damaged }
        return key
    }
}

/// Why there is no public key, in words for people.
enum PublicKeyError: Error, Equatable, CustomStringConvertible, ExitCodeProviding {
    case none
    case several(Int)
    case damaged
    case version
    case fingerprint(String)
    case mismatch(wanted: KeyFingerprint, found: KeyFingerprint)
    case otherKey(contact: String, old: KeyFingerprint, new: KeyFingerprint)

    var description: String {
        switch self {
        case .none:
            "there is no public key in it; a key is made with `nightjar key new` and handed on with `nightjar key export`"
        case .several(let count): "there are \(count) public keys in it; take one alone"
        case .damaged: "the public key is damaged; have it sent again"
        case .version: "the public key is of a kind that this version does not know; use a newer nightjar"
        case .fingerprint(let text):
            "\(Printable.text(text)) is not a fingerprint, or has a slip in it; it is njk1- and nine groups of four letters "
                + "and digits"
        case .mismatch(let wanted, let found):
            "the key's fingerprint is \(found) and not \(wanted): it is another key; do not use it, and find out where it "
                + "came from"
        case .otherKey(let contact, let old, let new):
            "the contact \(contact) has the key \(old) and this one is \(new); if it really is the new one (ask), add "
                + "--replace"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .mismatch, .otherKey: .refused
        case .fingerprint: .usage
        default: .failed
        }
    }
}

extension String {
    /// Where `text` (ASCII) stands first, capital or not.
    fileprivate func range(of text: String, ignoringCase: Bool) -> Range<Index>? {
        let wanted = Array(text.lowercased().utf8)
        let own = Array(utf8)
        guard own.count >= wanted.count else { return nil }
        for start in 0...(own.count - wanted.count)
        where zip(own[start...], wanted).allSatisfy({ ($0 | ($0 >= 65 && $0 <= 90 ? 32 : 0)) == $1 }) {
            let lower = utf8.index(startIndex, offsetBy: start)
            return lower..<utf8.index(lower, offsetBy: wanted.count)
        }
        return nil
    }
}
