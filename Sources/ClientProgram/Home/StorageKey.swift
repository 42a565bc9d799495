internal import Daemon
internal import MixCrypto

/// The key that seals the client's stores: 32 random bytes beside them. It keeps what was deleted, and copies of single
/// files, unreadable; it protects nothing from whoever has the whole directory.
enum StorageKey {
    /// Reads the key; makes it the first time.
    static func load(_ places: ClientPlaces) throws -> SymmetricSecret {
        if !ClientPlaces.isThere(places.storageKey) {
            _ = try PrivateDirectory(places.data)
            do {
                try SecretFile.create(places.storageKey, .random(count: 32))
            } catch SecretFileError.exists {
                // Another process was first; its key is as good.
            }
        }
        return SymmetricSecret(try SecretFile.read(places.storageKey, count: 32))
    }
}
