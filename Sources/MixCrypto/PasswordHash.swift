// A password that is checked and never read: its Argon2id hash in the text form that other programs know too
// (`$argon2id$v=19$...`; Dovecot's {ARGON2ID}).

internal import CSodium
internal import WireFormat

/// The hash of a password.
public struct PasswordHash: Hashable, Sendable {
    /// ASCII, at most 127 characters.
    public let text: String

    /// The work for passwords that a program made, whose length alone makes guessing hopeless: 16 MiB, some hundredths of a
    /// second. Small, because every mail program's connection costs it.
    private static let passes: UInt64 = 3
    private static let memory = 16 << 20
    private static let longestText = 127

    /// Reads the text form; nil if it is none, or asks for other work: what stands in a file must not take all memory.
    public init?(_ text: String) {
        guard text.hasPrefix("$argon2id$v=19$m=16384,t=3,p=1$"), text.utf8.count <= Self.longestText,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") })
        else { return nil }
        self.text = text
    }

    /// Hashes a password of 1 to 1024 bytes.
    /// - Throws: `CryptoError.malformed` for another length, `noLockedMemory` if there is not memory enough.
    public init(of password: [UInt8]) throws(CryptoError) {
        guard (1...PasswordKey.longestPassphrase).contains(password.count) else { throw .malformed }
        var output = [CChar](repeating: 0, count: crypto_pwhash_strbytes())
        let code = password.withUnsafeBytes { bytes in
            guard let start = bytes.bindMemory(to: CChar.self).baseAddress else { return Int32(-1) }
            return crypto_pwhash_str_alg(
                &output, start, UInt64(bytes.count), Self.passes, Self.memory, crypto_pwhash_ALG_ARGON2ID13)
        }
        guard code == 0 else { throw .noLockedMemory }
        text = String(decoding: output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether `password` is the one. Takes as long for a wrong one.
    public func matches(_ password: [UInt8]) -> Bool {
        guard (1...PasswordKey.longestPassphrase).contains(password.count) else { return false }
        return password.withUnsafeBytes { bytes in
            guard let start = bytes.bindMemory(to: CChar.self).baseAddress else { return false }
            return crypto_pwhash_str_verify(text, start, UInt64(bytes.count)) == 0
        }
    }
}
