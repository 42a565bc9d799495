internal import GRDB

/// The file of a pinger's database.
enum PingStoreFile {
    /// Of large files the probes are not read through.
    static let file = StoreFile<PingStoreError>(
        label: "pings", program: "pinger", applicationID: PingSchema.applicationID, version: PingSchema.version,
        tables: PingSchema.tables, large: ["ping"], isFlushed: false, create: { try PingSchema.create(in: $0) },
        migrate: { try PingSchema.migrate(from: $0, in: $1) })
}
