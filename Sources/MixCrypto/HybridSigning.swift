// Signatures of authorities: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204) over the same message, and both must be good. So a
// forger must break the old scheme, which is well understood, and the new one, which withstands quantum computers.

internal import Crypto
internal import FoundationEssentials
public import WireFormat

/// A pair of verification keys, 1984 bytes: Ed25519 (32), then ML-DSA-65 (1952).
public struct HybridVerificationKey: Hashable, Sendable {
    /// Bytes of an encoded key.
    public static let size = classicalSize + 1952
    /// Bytes of a signature: Ed25519 (64), then ML-DSA-65 (3309).
    public static let signatureSize = classicalSignatureSize + 3309
    fileprivate static let classicalSize = 32
    fileprivate static let classicalSignatureSize = 64

    /// The encoded key.
    public let bytes: [UInt8]

    /// Checks size and form of an encoded key.
    public init(_ bytes: some Collection<UInt8>) throws(CryptoError) {
        let bytes = Array(bytes)
        guard bytes.count == Self.size,
            (try? MLDSA65.PublicKey(rawRepresentation: bytes[Self.classicalSize...])) != nil
        else { throw .malformed }
        self.bytes = bytes
    }

    /// SHA-256 of the key: the name by which documents refer to it.
    public var digest: WireFormat.Digest { .sha256(bytes) }

    /// Whether `signature` (3373 bytes) is this key's over `message`: both halves of it.
    public func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        guard signature.count == Self.signatureSize,
            let classical = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes[..<Self.classicalSize]),
            let lattice = try? MLDSA65.PublicKey(rawRepresentation: bytes[Self.classicalSize...])
        else { return false }
        return classical.isValidSignature(signature[..<Self.classicalSignatureSize], for: message)
            && lattice.isValidSignature(signature[Self.classicalSignatureSize...], for: message)
    }
}

/// A pair of signing keys. Its 64-byte seed (Ed25519 32, ML-DSA-65 32) stays in locked memory; the expanded keys exist
/// only while they sign.
public final class HybridSigningKey: Sendable {
    /// Bytes of the seed.
    public static let seedSize = 64

    private let seed: SecretBytes
    /// The keys that verify.
    public let verificationKey: HybridVerificationKey

    /// Takes over a 64-byte seed.
    public init(seed: consuming SecretBytes) throws(CryptoError) {
        guard seed.count == Self.seedSize else { throw .malformed }
        do {
            verificationKey = try seed.withBytes { seed in
                let (classical, lattice) = try Self.expand(seed)
                return try HybridVerificationKey(
                    Array(classical.publicKey.rawRepresentation) + Array(lattice.publicKey.rawRepresentation))
            }
        } catch {
            throw .malformed
        }
        self.seed = seed
    }

    /// New keys from the system's randomness.
    public static func generate() throws -> HybridSigningKey {
        try HybridSigningKey(seed: .random(count: seedSize))
    }

    /// The 3373-byte signature over `message`. The lattice half is randomised: signing twice gives two signatures.
    public func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        do {
            return try seed.withBytes { seed in
                let (classical, lattice) = try Self.expand(seed)
                return try Array(classical.signature(for: message)) + Array(lattice.signature(for: message))
            }
        } catch {
            throw .malformed
        }
    }

    /// Lends the seed, for writing it to a key file.
    public func withSeed<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try seed.withBytes(body) }

    private static func expand(
        _ seed: UnsafeRawBufferPointer
    ) throws -> (Curve25519.Signing.PrivateKey, MLDSA65.PrivateKey) {
        (
            try Curve25519.Signing.PrivateKey(rawRepresentation: UnsafeRawBufferPointer(rebasing: seed[..<32])),
            try MLDSA65.PrivateKey(seedRepresentation: UnsafeRawBufferPointer(rebasing: seed[32...]), publicKey: nil)
        )
    }
}
