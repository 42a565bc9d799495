// A public key of 1216 bytes cannot be compared by people; this can, on paper and by telephone.

internal import WireFormat

/// What stands for a mail key when two people compare: `njk1-` and nine groups of four letters and digits. 160 bits of
/// the key's hash, and 20 bits by which a slip of the pen is told from another key.
public struct KeyFingerprint: Hashable, Sendable, CustomStringConvertible {
    /// 20 bytes.
    public let bytes: [UInt8]

    /// Bytes of the hash that are shown.
    public static let size = 20
    private static let prefix = "njk1"
    private static let checkDigits = 4
    private static let digits = size * 8 / 5

    init(of key: [UInt8]) {
        bytes = Array(Digest.sha256(Array("nightjar/1 mail key".utf8) + key).bytes.prefix(Self.size))
    }

    /// Reads what `description` writes. Capital letters, blanks and missing hyphens do not matter, nor does a 0 for an o or
    /// a 1 for an l.
    /// - Throws: `CryptoError.malformed` if it is no fingerprint or has a slip.
    public init(_ text: some StringProtocol) throws(CryptoError) {
        var letters: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "\t"): continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): letters.append(byte + 32)
            default: letters.append(byte)
            }
            guard letters.count <= Self.prefix.utf8.count + Self.digits + Self.checkDigits else { throw .malformed }
        }
        guard letters.starts(with: Self.prefix.utf8) else { throw .malformed }
        let meant = letters.dropFirst(Self.prefix.utf8.count).map { letter in
            switch letter {
            case UInt8(ascii: "0"): UInt8(ascii: "o")
            case UInt8(ascii: "1"): UInt8(ascii: "l")
            default: letter
            }
        }
        guard meant.count == Self.digits + Self.checkDigits,
            let bytes = Base32.decode(String(decoding: meant.prefix(Self.digits), as: UTF8.self)),
            Self.check(bytes).utf8.elementsEqual(meant.suffix(Self.checkDigits))
        else { throw .malformed }
        self.bytes = bytes
    }

    public var description: String {
        let letters = Array((Base32.encode(bytes) + Self.check(bytes)).utf8)
        let groups = stride(from: 0, to: letters.count, by: 4).map {
            String(decoding: letters[$0..<min($0 + 4, letters.count)], as: UTF8.self)
        }
        return ([Self.prefix] + groups).joined(separator: "-")
    }

    private static func check(_ bytes: [UInt8]) -> String {
        String(Base32.encode(Digest.sha256(Array(prefix.utf8) + bytes).bytes).prefix(checkDigits))
    }
}

extension KEMPublicKey {
    /// What people compare.
    public var fingerprint: KeyFingerprint { KeyFingerprint(of: bytes) }
}
