// A pinger's data directory: which file is where.

internal import MixCrypto

/// The files of a pinger. Everything in the directory is its owner's alone.
struct PingerFiles: Sendable {
    let directory: String

    init(directory: String) { self.directory = directory }

    /// Every probe and what became of it.
    var database: String { "\(directory)/pings.db" }
    /// Seed of the key that signs reports, 64 bytes.
    var key: String { "\(directory)/key" }
    /// What mailboxes and reply blocks are made from (`PingerIdentity`), 64 bytes.
    var identity: String { "\(directory)/identity" }
    /// The network file as trusted, the consensus and the descriptors (`DirectoryCache`).
    var directoryCache: String { "\(directory)/directory" }
    /// Held while the pinger runs.
    var lock: String { "\(directory)/lock" }
    /// Process id while the pinger runs.
    var running: String { "\(directory)/running" }
    /// The last report that was made.
    var report: String { "\(directory)/report" }

    /// The key that signs reports, in a file of mode 0600.
    func loadKey() throws -> HybridSigningKey {
        try HybridSigningKey(seed: SecretFile.read(key, count: HybridSigningKey.seedSize))
    }

    /// The identity, in a file of mode 0600.
    func loadIdentity() throws -> PingerIdentity { PingerIdentity(try SecretFile.read(identity, count: 64)) }
}
