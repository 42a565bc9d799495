internal import GRDB

/// The file of a nymserver's database.
enum NymStoreFile {
    /// Sealed in the file, so that another key is known at once.
    private static let mark = "nyms"

    /// The file under a storage key: every commit is on the disk, and what is deleted is overwritten.
    static func under(_ seal: StorageSeal) -> StoreFile<NymStoreError> {
        StoreFile(
            label: "nyms", program: "nymserver", applicationID: NymSchema.applicationID, version: NymSchema.version,
            tables: NymSchema.tables, large: NymSchema.large, isFlushed: true,
            cacheKiB: 4096, overwrites: true,
            create: { try NymSchema.create(in: $0, mark: try seal.seal(text: mark, as: mark)) },
            migrate: { try NymSchema.migrate(from: $0, in: $1) },
            check: { database, path in
                guard let row = try Row.fetchOne(database, sql: "SELECT value FROM meta WHERE name = 'key'") else {
                    throw NymStoreError.damaged(path: path)
                }
                guard (try? seal.open(row.bytes(0), as: mark)) != nil else { throw NymStoreError.wrongKey(path: path) }
            })
    }
}
