// A key from a passphrase: Argon2id, whose memory makes guessing expensive also for special hardware. How much it costs
// stands beside what the key seals, so that it can grow with the years; what stands there is bounded before it is used.

internal import CSodium
internal import WireFormat

/// What deriving a key from a passphrase costs, and the salt.
///
///     memory in KiB u32 | passes u32 | salt 16
public struct PasswordKey: Hashable, Sendable {
    /// Memory, in KiB.
    public let memory: UInt32
    /// Passes over the memory.
    public let passes: UInt32
    /// 16 random bytes.
    public let salt: [UInt8]

    /// Bytes of the encoding.
    public static let size = 8 + saltSize
    private static let saltSize = 16
    /// Bytes of the derived key.
    private static let keySize = 32
    /// 1 GiB at most: a file that asks for more is not ours.
    public static let memoryRange: ClosedRange<UInt32> = 8...(1 << 20)
    public static let passRange: ClosedRange<UInt32> = 1...64
    /// Memory times passes at most, in KiB: about half a minute of work.
    static let largestWork = 16 << 20
    /// Longest passphrase in bytes.
    public static let longestPassphrase = 1024

    /// The work for a new passphrase: 64 MiB, some tenths of a second.
    /// - Parameter protects: false for the empty passphrase, which protects nothing: then the least work that there is.
    public static func new(protects: Bool, using generator: inout some RandomNumberGenerator) -> PasswordKey {
        PasswordKey(
            memory: protects ? 64 << 10 : memoryRange.lowerBound, passes: protects ? 12 : passRange.lowerBound,
            salt: generator.bytes(saltSize))
    }

    /// Whether this is the work for the empty passphrase.
    public var isMinimal: Bool { memory == Self.memoryRange.lowerBound && passes == Self.passRange.lowerBound }

    private init(memory: UInt32, passes: UInt32, salt: [UInt8]) {
        self.memory = memory
        self.passes = passes
        self.salt = salt
    }

    /// The 24 bytes.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: Self.size)
        writer.integer(memory)
        writer.integer(passes)
        writer.append(salt)
        return writer.bytes
    }

    /// Reads 24 bytes; `malformed` for work outside the bounds.
    public init(decoding bytes: some Collection<UInt8>) throws(CryptoError) {
        do {
            var reader = WireReader(Array(bytes))
            memory = try reader.integer()
            passes = try reader.integer()
            salt = Array(try reader.slice(Self.saltSize))
            try reader.end()
        } catch {
            throw .malformed
        }
        guard Self.memoryRange.contains(memory), Self.passRange.contains(passes),
            Int(memory) * Int(passes) <= Self.largestWork
        else { throw .malformed }
    }

    /// The 32-byte key of `passphrase`, which may be empty (nil).
    /// - Throws: `CryptoError.noLockedMemory` if there is not memory enough, `malformed` for one that is too long.
    public func derive(_ passphrase: borrowing SecretBytes) throws -> SymmetricSecret {
        guard passphrase.count <= Self.longestPassphrase else { throw CryptoError.malformed }
        return try passphrase.withBytes { try derive(bytes: $0) }
    }

    /// The key of the empty passphrase.
    public func deriveFromNothing() throws -> SymmetricSecret {
        try derive(bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private func derive(bytes: UnsafeRawBufferPointer) throws -> SymmetricSecret {
        let (memory, passes, salt) = (Int(memory) << 10, UInt64(passes), salt)
        let key = try SecretBytes(count: Self.keySize) { (output) throws(CryptoError) in
            let output = output.bindMemory(to: UInt8.self)
            let passphrase = bytes.bindMemory(to: CChar.self)
            let nothing: [CChar] = [0]
            let code = nothing.withUnsafeBufferPointer { nothing -> Int32 in
                guard let start = output.baseAddress, let text = passphrase.baseAddress ?? nothing.baseAddress else {
                    return -1
                }
                return crypto_pwhash(
                    start, UInt64(output.count), text, UInt64(passphrase.count), salt, passes, memory,
                    crypto_pwhash_ALG_ARGON2ID13)
            }
            guard code == 0 else { throw .noLockedMemory }
        }
        return SymmetricSecret(key)
    }
}
