// What stands for an address in a list that everybody can read (doc/OPTOUT.md, what the hash hides).

public import MixCrypto
public import WireFormat

/// Argon2id of a canonical address under a salt of the network, 16 bytes.
public struct OptOutHash: FixedBytes {
    public static let byteCount = 16
    public var storage = Words16()
    public init() {}
}

/// Makes the hashes of one network.
public struct OptOutHashing: Sendable {
    /// Memory of a hash in KiB: 16 MiB.
    public static let memory: UInt32 = 16 << 10
    /// Passes of a hash; with this memory some 20 ms on a core of today.
    public static let passes: UInt32 = 4

    private let salt: [UInt8]

    /// - Parameter network: the network's name, which makes the salt: lists of different networks cannot be compared.
    public init(network: String) {
        salt = Array(Digest.sha256("nightjar/1 opt-out \(network)").bytes.prefix(SlowHash.saltSize))
    }

    /// The hash of an address or a domain. Takes some 20 ms and 16 MiB: not for an event loop.
    /// - Throws: `CryptoError.noLockedMemory` if the memory is not to be had.
    public func callAsFunction(_ address: OptOutAddress) throws(CryptoError) -> OptOutHash {
        let hash = try SlowHash(memory: Self.memory, passes: Self.passes, salt: salt)
        let bytes = try hash.hash(Array(address.text.utf8))
        guard let made = OptOutHash(bytes) else { throw .malformed }
        return made
    }
}
