// An authority's data directory: which file is where.

internal import MixCrypto

/// The files of an authority. Everything in the directory is its owner's alone. The identity key is not among them: it stays
/// offline.
struct AuthorityFiles: Sendable {
    let directory: String

    init(directory: String) { self.directory = directory }

    /// Seed of the key that signs votes, proposals and consensuses, 64 bytes.
    var signingKey: String { "\(directory)/signing.key" }
    /// The identity's certificate for that key.
    var certificate: String { "\(directory)/certificate" }
    /// Everything that it knows and has done.
    var database: String { "\(directory)/authority.sqlite" }
    /// Held while the authority runs.
    var lock: String { "\(directory)/lock" }
    /// Process id and addresses while the authority runs.
    var running: String { "\(directory)/running" }

    /// The signing key in a file of mode 0600.
    static func loadSigningKey(_ path: String) throws -> HybridSigningKey {
        try HybridSigningKey(seed: SecretFile.read(path, count: HybridSigningKey.seedSize))
    }
}
