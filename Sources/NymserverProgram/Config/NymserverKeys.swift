// All secrets of a nymserver. What needs a key of its own has one derived, so that there is one file to keep.

internal import MixCrypto

/// The keys of a nymserver.
///
///     X-Wing seed 32 | storage secret 32
struct NymserverKeys: Sendable {
    /// Opens requests.
    let request: KEMPrivateKey
    /// Seals what the database holds besides mail that is sealed to nyms.
    let database: SymmetricSecret
    /// Seals packets that wait.
    let spool: SymmetricSecret
    /// From which the moments of all packets follow: nobody else can tell one nym's from another's.
    let cycle: SymmetricSecret
    /// Names mails that came, so that one is taken once.
    let arrivals: SymmetricSecret
    /// Makes Message-IDs.
    let messages: SymmetricSecret

    /// Bytes of the file.
    static let size = 64

    /// - Parameter secret: 64 bytes.
    init(_ secret: borrowing SecretBytes) throws {
        let (seed, storage) = secret.withBytes { bytes in
            (
                Array(bytes.prefix(KEM.seedSize)),
                SymmetricSecret(UnsafeRawBufferPointer(rebasing: bytes.suffix(32)))
            )
        }
        var copy = seed
        request = try KEMPrivateKey(seed: SecretBytes(moving: &copy))
        func derived(_ what: String) -> SymmetricSecret {
            storage.derive(salt: [], info: "nightjar-nymserver \(what)", count: 32)
        }
        database = derived("database")
        spool = derived("spool")
        cycle = derived("cycle")
        arrivals = derived("arrivals")
        messages = derived("messages")
    }
}
