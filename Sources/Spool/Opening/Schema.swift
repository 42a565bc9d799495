// The tables. Bodies are in segments; here is where they stand and what they are for. Nothing here is ever read by
// another program, so the layout follows cost alone: rows of waiting packets are appended and deleted by number, and
// nothing is indexed that is kept in memory.

internal import GRDB
internal import WireFormat

enum Schema {
    /// The format of the whole directory.
    static let version = 2
    /// The oldest format that is brought up to it. 1 had no mailboxes.
    static let oldestVersion = 1
    /// "njsp" in the database's header.
    static let applicationID = 0x6E6A_7370

    /// Makes the tables; within a transaction.
    static func create(in database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE property (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
                CREATE TABLE segment (id INTEGER PRIMARY KEY, key BLOB NOT NULL, created INTEGER NOT NULL);
                CREATE TABLE packet (
                    id INTEGER PRIMARY KEY, destination BLOB NOT NULL, release INTEGER NOT NULL,
                    deadline INTEGER NOT NULL,
                    segment INTEGER NOT NULL, slot INTEGER NOT NULL, length INTEGER NOT NULL);
                CREATE TABLE item (
                    id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, deadline INTEGER NOT NULL,
                    segment INTEGER NOT NULL, slot INTEGER NOT NULL, length INTEGER NOT NULL);
                -- state: 0 collecting, 1 completed, 2 dropped; until: deadline, or when the name is forgotten.
                CREATE TABLE message (
                    id BLOB PRIMARY KEY, state INTEGER NOT NULL, until INTEGER NOT NULL, groups INTEGER NOT NULL,
                    length INTEGER NOT NULL, whole INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE sharegroup (
                    message BLOB NOT NULL, number INTEGER NOT NULL, k INTEGER NOT NULL, n INTEGER NOT NULL,
                    held INTEGER NOT NULL, sharelength INTEGER NOT NULL, PRIMARY KEY (message, number)) WITHOUT ROWID;
                CREATE TABLE share (
                    message BLOB NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
                    segment INTEGER NOT NULL, slot INTEGER NOT NULL, length INTEGER NOT NULL,
                    PRIMARY KEY (message, number, position)) WITHOUT ROWID;
                CREATE TABLE file (
                    name BLOB PRIMARY KEY, key BLOB NOT NULL, length INTEGER NOT NULL, deliveries INTEGER NOT NULL)
                    WITHOUT ROWID;
                CREATE TABLE delivery (
                    id INTEGER PRIMARY KEY, message BLOB NOT NULL, recipient BLOB NOT NULL, file BLOB NOT NULL,
                    deadline INTEGER NOT NULL, nextattempt INTEGER NOT NULL, attempts INTEGER NOT NULL,
                    state INTEGER NOT NULL);
                PRAGMA application_id = \(applicationID);
                """)
        try addMailboxes(in: database)
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// Brings the tables of an older format up to this one; within a transaction.
    static func migrate(from found: Int, in database: Database) throws {
        if found < 2 { try addMailboxes(in: database) }
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// Names of mailboxes are keyed hashes, policies are sealed. A block's number counts within its mailbox, so that its
    /// owner learns nothing of others.
    private static func addMailboxes(in database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE mailbox (
                    id BLOB PRIMARY KEY, policy BLOB NOT NULL, created INTEGER NOT NULL, polled INTEGER NOT NULL,
                    quota INTEGER NOT NULL, next INTEGER NOT NULL) WITHOUT ROWID;
                CREATE TABLE mailblock (
                    mailbox BLOB NOT NULL, number INTEGER NOT NULL, kind INTEGER NOT NULL, release INTEGER NOT NULL,
                    expires INTEGER NOT NULL, segment INTEGER NOT NULL, slot INTEGER NOT NULL, length INTEGER NOT NULL,
                    PRIMARY KEY (mailbox, number)) WITHOUT ROWID;
                """)
    }

    /// Tables that are checked at every start; those of replay tags are checked as far as they are read.
    static let checkedTables = [
        "property", "segment", "packet", "item", "message", "sharegroup", "share", "file", "delivery",
        "mailbox", "mailblock",
    ]
    /// Tables whose rows point at records.
    static let recordTables = ["packet", "item", "share", "mailblock"]

    static func replayTable(_ period: KeyPeriod) -> String { "replay_\(period.number)" }
    /// A replay table whose rows are being erased.
    static func forgottenTable(_ period: KeyPeriod) -> String { "forgotten_\(period.number)" }
    static let replayColumns = "(tag BLOB PRIMARY KEY) WITHOUT ROWID"

    /// Periods that have a table with this prefix.
    static func periods(_ prefix: String, in database: Database) throws -> [KeyPeriod] {
        try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'").compactMap { name in
            guard name.hasPrefix(prefix), let number = UInt16(name.dropFirst(prefix.count)) else { return nil }
            return KeyPeriod(number)
        }.sorted()
    }

    /// The write-ahead log is flushed by every commit (`synchronous`), and what is deleted is overwritten. Moving the
    /// log into the file is the writer's business. Runs on the writer's connection, after the pool has set its own.
    static func prepareWriter(_ database: Database, configuration: SpoolConfiguration) throws {
        try database.execute(
            sql: """
                PRAGMA synchronous = FULL;
                PRAGMA secure_delete = ON;
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA cache_size = \(-max(64, configuration.databaseCacheBytes / 1024));
                PRAGMA temp_store = MEMORY;
                """)
        let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode")
        let erasing = try Int.fetchOne(database, sql: "PRAGMA secure_delete")
        guard synchronous == 2, journal == "wal", erasing == 1 else {
            throw SpoolError.database("the system's SQLite refuses full flushes, a write-ahead log or secure deletion")
        }
    }
}
