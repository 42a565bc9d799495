// The prepared statements of the writer's connection: those that run for every packet are kept, others are looked up
// by their text in the connection's cache.

internal import GRDB
internal import WireFormat

/// Statements of the writer.
final class SpoolStatements {
    private let database: Database
    private let insertPacket: Statement
    private let deletePacket: Statement
    private var insertTag: [KeyPeriod: Statement] = [:]

    init(_ database: Database) throws {
        self.database = database
        insertPacket = try database.makeStatement(sql: "INSERT INTO packet VALUES (?, ?, ?, ?, ?, ?, ?)")
        deletePacket = try database.makeStatement(sql: "DELETE FROM packet WHERE id = ?")
    }

    func insertPacket(id: Int64, destination: NodeID, release: Timestamp, deadline: Timestamp, record: Record) throws {
        try insertPacket.execute(arguments: [
            id, destination.blob, release.milliseconds, deadline.milliseconds, record.segment, record.slot,
            record.length,
        ])
    }

    /// Whether it was there.
    func deletePacket(_ id: Int64) throws -> Bool {
        try deletePacket.execute(arguments: [id])
        return database.changesCount == 1
    }

    /// Whether the tag was not there.
    func insertTag(_ key: ReplayKey, period: KeyPeriod) throws -> Bool {
        let statement: Statement
        if let known = insertTag[period] {
            statement = known
        } else {
            statement = try database.makeStatement(
                sql: "INSERT OR IGNORE INTO \(Schema.replayTable(period)) VALUES (?)")
            insertTag[period] = statement
        }
        try statement.execute(arguments: [key.blob])
        return database.changesCount == 1
    }

    /// Lets go of a period's statement, because its table is gone.
    func forget(_ period: KeyPeriod) { insertTag[period] = nil }
    func knows(_ period: KeyPeriod) -> Bool { insertTag[period] != nil }

    /// Runs a statement of the connection's cache; the number of rows changed.
    @discardableResult
    func run(_ sql: String, _ arguments: StatementArguments) throws -> Int {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
        return database.changesCount
    }

    /// The first row of a cached query.
    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    /// All rows of a cached query.
    func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
        try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }
}
