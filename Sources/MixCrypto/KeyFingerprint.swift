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
    /// RFC 4648 section 6, in lower case.
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

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
        var values: [UInt8] = []
        for letter in letters.dropFirst(Self.prefix.utf8.count) {
            let meant =
                switch letter {
                case UInt8(ascii: "0"): UInt8(ascii: "o")
                case UInt8(ascii: "1"): UInt8(ascii: "l")
                default: letter
                }
            guard let value = Self.alphabet.firstIndex(of: meant) else { throw .malformed }
            values.append(UInt8(value))
        }
        guard values.count == Self.digits + Self.checkDigits else { throw .malformed }
        bytes = Self.pack(values.prefix(Self.digits))
        guard Self.check(bytes) == Array(values.suffix(Self.checkDigits)) else { throw .malformed }
    }

    public var description: String {
        let letters = (Self.unpack(bytes) + Self.check(bytes)).map { Self.alphabet[Int($0)] }
        let groups = stride(from: 0, to: letters.count, by: 4).map {
            String(decoding: letters[$0..<min($0 + 4, letters.count)], as: UTF8.self)
        }
        return ([Self.prefix] + groups).joined(separator: "-")
    }

    private static func check(_ bytes: [UInt8]) -> [UInt8] {
        Array(unpack(Array(Digest.sha256(Array(prefix.utf8) + bytes).bytes.prefix(5))).prefix(checkDigits))
    }

    /// Five bits a value; the count of bytes is a multiple of five.
    private static func unpack(_ bytes: [UInt8]) -> [UInt8] {
        var values: [UInt8] = []
        var (buffer, bits): (UInt32, UInt32) = (0, 0)
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                values.append(UInt8(buffer >> bits & 31))
            }
            buffer &= (1 << bits) - 1
        }
        return values
    }

    private static func pack(_ values: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var (buffer, bits): (UInt32, UInt32) = (0, 0)
        for value in values {
            buffer = buffer << 5 | UInt32(value)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(buffer >> bits & 255))
                buffer &= (1 << bits) - 1
            }
        }
        return bytes
    }
}

extension KEMPublicKey {
    /// What people compare.
    public var fingerprint: KeyFingerprint { KeyFingerprint(of: bytes) }
}
