// A hash of something that can be guessed: Argon2id, whose memory makes trying many guesses expensive also for special
// hardware. For names that are public in this form only; what must stay secret is sealed instead.

internal import CSodium

/// Argon2id with a cost and a salt that everybody shares.
public struct SlowHash: Hashable, Sendable {
    /// Memory, in KiB.
    public let memory: UInt32
    /// Passes over the memory.
    public let passes: UInt32
    /// 16 bytes.
    public let salt: [UInt8]

    /// Bytes of a salt.
    public static let saltSize = 16
    /// Bytes of a hash.
    public static let size = 16
    private static let isReady = sodium_init() >= 0
    /// Longest input in bytes.
    public static let longestInput = 1024

    /// - Throws: `CryptoError.malformed` for a salt of another size than 16, or a cost outside `PasswordKey`'s ranges.
    public init(memory: UInt32, passes: UInt32, salt: [UInt8]) throws(CryptoError) {
        guard Self.isReady, salt.count == Self.saltSize, PasswordKey.memoryRange.contains(memory),
            PasswordKey.passRange.contains(passes)
        else { throw .malformed }
        self.memory = memory
        self.passes = passes
        self.salt = salt
    }

    /// The 16 bytes of `input`. Takes the memory and the time that the cost says.
    /// - Throws: `CryptoError.malformed` for an input that is too long, `noLockedMemory` if there is not memory enough.
    public func hash(_ input: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard input.count <= Self.longestInput else { throw .malformed }
        var output = [UInt8](repeating: 0, count: Self.size)
        // A zero behind it, so that also an empty input has an address; it is not counted.
        let text = input.map { CChar(bitPattern: $0) } + [0]
        let code = crypto_pwhash(
            &output, UInt64(Self.size), text, UInt64(input.count), salt, UInt64(passes), Int(memory) << 10,
            crypto_pwhash_ALG_ARGON2ID13)
        guard code == 0 else { throw .noLockedMemory }
        return output
    }
}
