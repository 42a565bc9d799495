// X-Wing: ML-KEM-768 and X25519 in one key encapsulation mechanism (draft-connolly-cfrg-xwing-kem).

internal import Crypto
internal import FoundationEssentials

/// Sizes of the KEM, in bytes.
public enum KEM {
    public static let publicKeySize = 1216
    public static let ciphertextSize = 1120
    public static let sharedSecretSize = 32
    public static let seedSize = 32
    /// The ML-KEM-768 key that a public key starts with; the X25519 key follows.
    static let latticeKeySize = 1184
}

/// A key that others encapsulate to, 1216 bytes.
public struct KEMPublicKey: Hashable, Sendable {
    /// The encoded key.
    public let bytes: [UInt8]

    /// Checks the size and form of an encoded key.
    public init(_ bytes: some Collection<UInt8>) throws(CryptoError) {
        let bytes = Array(bytes)
        guard bytes.count == KEM.publicKeySize else { throw .malformed }
        do {
            _ = try XWingMLKEM768X25519.PublicKey(rawRepresentation: bytes)
            // X-Wing's own check is of the size alone and comes to light at encapsulation; ML-KEM's is that of FIPS 203, 7.2.
            _ = try MLKEM768.PublicKey(rawRepresentation: bytes[..<KEM.latticeKeySize])
        } catch {
            throw .malformed
        }
        self.bytes = bytes
    }

    init(trusted bytes: [UInt8]) { self.bytes = bytes }

    /// A fresh shared secret (32 bytes) and the ciphertext (1120 bytes) that tells it to the key's owner.
    public func encapsulate() throws(CryptoError) -> (ciphertext: [UInt8], secret: SymmetricSecret) {
        do {
            let result = try XWingMLKEM768X25519.PublicKey(rawRepresentation: bytes).encapsulate()
            return (Array(result.encapsulated), SymmetricSecret(result.sharedSecret))
        } catch {
            throw .malformed
        }
    }
}

/// A KEM private key, expanded from its seed once and used for many packets.
public final class KEMPrivateKey: Sendable {
    let key: XWingMLKEM768X25519.PrivateKey
    /// The key that others encapsulate to.
    public let publicKey: KEMPublicKey

    /// Expands a 32-byte seed.
    public init(seed: borrowing SecretBytes) throws(CryptoError) {
        guard seed.count == KEM.seedSize else { throw .malformed }
        do {
            key = try seed.withBytes { try XWingMLKEM768X25519.PrivateKey(seedRepresentation: $0, publicKey: nil) }
        } catch {
            throw .malformed
        }
        publicKey = KEMPublicKey(trusted: Array(key.publicKey.rawRepresentation))
    }

    /// The shared secret of a 1120-byte ciphertext. X-Wing rejects implicitly: a wrong ciphertext gives a secret that
    /// nobody knows. Only an X25519 point of small order, which anybody can recognise, is refused as `malformed`.
    public func decapsulate(_ ciphertext: UnsafeRawBufferPointer) throws(CryptoError) -> SymmetricSecret {
        guard ciphertext.count == KEM.ciphertextSize, let base = ciphertext.baseAddress else { throw .malformed }
        do {
            // No copy: the bytes outlive the call. swift-crypto takes Data only.
            let data = Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: ciphertext.count, deallocator: .none)
            return SymmetricSecret(try key.decapsulate(data))
        } catch {
            throw .malformed
        }
    }
}
