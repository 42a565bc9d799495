// Ed25519 (RFC 8032) signatures of nodes and of the network file.

internal import Crypto
public import WireFormat

/// An Ed25519 verification key, 32 bytes.
public struct VerificationKey: Hashable, Sendable {
    /// The encoded key.
    public let bytes: [UInt8]

    /// Checks the size of an encoded key.
    public init(_ bytes: some Collection<UInt8>) throws(CryptoError) {
        let bytes = Array(bytes)
        guard bytes.count == 32 else { throw .malformed }
        self.bytes = bytes
    }

    /// SHA-256 of the key: the node id of the node whose identity key this is.
    public var nodeID: NodeID {
        WireFormat.Digest.sha256(bytes).withBytes { NodeID(copying: $0) }
    }

    /// SHA-256 of the key: the name of the mailbox whose key this is.
    public var mailboxID: MailboxID {
        WireFormat.Digest.sha256(bytes).withBytes { MailboxID(copying: $0) }
    }

    /// Whether `signature` (64 bytes) is this key's over `message`.
    public func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

/// An Ed25519 signing key. Its 32-byte seed stays in locked memory; the expanded key exists only while it signs.
public final class SigningKey: Sendable {
    private let seed: SecretBytes
    /// The key that verifies.
    public let verificationKey: VerificationKey

    /// Takes over a 32-byte seed.
    public init(seed: consuming SecretBytes) throws(CryptoError) {
        guard seed.count == 32 else { throw .malformed }
        let key: Curve25519.Signing.PrivateKey
        do { key = try seed.withBytes { try Curve25519.Signing.PrivateKey(rawRepresentation: $0) } } catch { throw .malformed }
        verificationKey = try VerificationKey(Array(key.publicKey.rawRepresentation))
        self.seed = seed
    }

    /// A new key from the system's randomness.
    public static func generate() throws -> SigningKey { try SigningKey(seed: .random(count: 32)) }

    /// The 64-byte signature over `message`.
    public func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        do {
            return try seed.withBytes {
                Array(try Curve25519.Signing.PrivateKey(rawRepresentation: $0).signature(for: message))
            }
        } catch {
            throw .malformed
        }
    }

    /// Lends the seed, for writing it to a key file or building a certificate.
    public func withSeed<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try seed.withBytes(body) }
}
