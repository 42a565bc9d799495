// Mail for somebody's public key: HPKE (RFC 9180), base mode, with X-Wing, HKDF-SHA256 and AES-256-GCM. Whoever carries
// the mail sees neither what it says nor whose key it was sealed to.

internal import Crypto
internal import FoundationEssentials

/// Seals mail to a key and opens it.
///
///     encapsulated key 1120 | ciphertext | tag 16
public enum MailSeal {
    /// Bytes that sealing adds.
    public static let overhead = KEM.ciphertextSize + SealedBox.overhead

    /// What mail from one person to another is sealed for. Other uses have a label of their own, so that what was sealed
    /// for one is not opened for another.
    public static let label = "nightjar/1 mail"
    private static var suite: HPKE.Ciphersuite { .XWingMLKEM768X25519_SHA256_AES_GCM_256 }

    /// `mail`, sealed under a label so that the key's owner alone can read it.
    public static func seal(
        _ mail: [UInt8], to key: KEMPublicKey, label: String = label
    ) throws(CryptoError) -> [UInt8] {
        do {
            var sender = try HPKE.Sender(
                recipientKey: XWingMLKEM768X25519.PublicKey(rawRepresentation: key.bytes), ciphersuite: suite,
                info: Data(label.utf8))
            return Array(sender.encapsulatedKey) + Array(try sender.seal(mail))
        } catch {
            throw .malformed
        }
    }

    /// The mail; `notAuthentic` if it was sealed to another key, under another label, or changed, `malformed` if it is too
    /// short.
    public static func open(
        _ sealed: [UInt8], with key: KEMPrivateKey, label: String = label
    ) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= overhead else { throw .malformed }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key.key, ciphersuite: suite, info: Data(label.utf8),
                encapsulatedKey: Data(sealed[..<KEM.ciphertextSize]))
            return Array(try recipient.open(sealed[KEM.ciphertextSize...]))
        } catch {
            throw .notAuthentic
        }
    }
}
