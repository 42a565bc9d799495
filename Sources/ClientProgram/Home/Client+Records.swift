// The client's sealed records: reply blocks, sent messages, contacts.

internal import MixCrypto
internal import Spool

extension Client {
    /// Opens the store of records; makes it the first time. Close it when done, or let it go.
    func records() throws -> RecordStore { try Self.records(places) }

    /// As `records()`, for parts that have only the places.
    static func records(_ places: ClientPlaces) throws -> RecordStore {
        let key = try StorageKey.load(places).derive(salt: [], info: "nightjar/1 client records", count: 32)
        return try RecordStore.open(path: places.records, key: key)
    }
}
