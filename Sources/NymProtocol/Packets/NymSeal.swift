public import MixCrypto

/// Seals what a server keeps for a nym, so that it can read nothing of it any more: HPKE under a label of its own.
public enum NymSeal {
    /// Bytes that sealing adds.
    public static let overhead = MailSeal.overhead
    /// Bytes of every sealed synopsis.
    public static let synopsisSize = NymSynopsis.size + overhead
    private static let label = "nightjar/1 nym"

    /// A sealed item.
    public static func seal(_ mail: [UInt8], to key: KEMPublicKey) throws(CryptoError) -> [UInt8] {
        try MailSeal.seal(mail, to: key, label: label)
    }

    /// The item; `notAuthentic` if it was sealed to another key or changed, `malformed` if it is too short.
    public static func open(_ sealed: [UInt8], with key: KEMPrivateKey) throws(CryptoError) -> [UInt8] {
        try MailSeal.open(sealed, with: key, label: label)
    }
}
