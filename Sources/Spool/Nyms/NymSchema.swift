// The tables of a nymserver's database. Nothing that arrives is in it in the clear: items are sealed to their owners, and
// accounts, names, reply blocks and outgoing mails under the storage key. No time of an arrival is finer than a day.

internal import GRDB

enum NymSchema {
    static let version = 1
    /// "njny" in the database's header.
    static let applicationID = 0x6E6A_6E79

    static let tables = [
        "meta", "account", "content", "name", "block", "seen", "item", "chunk", "packet", "mail", "arrival",
    ]
    /// Tables that grow with mail and stock: in large files they are not read through at the start.
    static let large: Set<String> = ["block", "chunk", "seen"]

    private static let statements = """
        CREATE TABLE meta (
            -- key: a sealed text by which a wrong storage key is known. id: 16 random bytes, another in each new database.
            -- domain: whose nyms these are. closures: how often the operator closed one, in digits.
            name TEXT PRIMARY KEY NOT NULL,
            value BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE account (
            -- What changes often, apart from what is large, so that a slot writes one page.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            revision INTEGER NOT NULL,        -- grows with every change that a caller has decided
            next_slot INTEGER NOT NULL,       -- when its next packet leaves, ms since 1970
            closes_on INTEGER NOT NULL,       -- day at whose beginning it is erased
            next_item INTEGER NOT NULL,       -- the number of its next item
            items INTEGER NOT NULL,           -- items that count
            bytes INTEGER NOT NULL);          -- bytes of all its items
        CREATE INDEX account_slot ON account (next_slot);
        CREATE INDEX account_closes ON account (closes_on);
        CREATE TABLE content (
            account INTEGER PRIMARY KEY REFERENCES account (id),
            bytes BLOB NOT NULL);             -- sealed
        CREATE TABLE name (
            -- Never deleted: a name is given once.
            hash BLOB PRIMARY KEY NOT NULL,   -- of the name, under the storage key, 32 bytes
            account INTEGER) WITHOUT ROWID;   -- NULL: nobody has it any more
        CREATE INDEX name_account ON name (account) WHERE account IS NOT NULL;
        CREATE TABLE block (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account INTEGER NOT NULL REFERENCES account (id),
            generation INTEGER NOT NULL,
            expiry INTEGER NOT NULL,          -- ms since 1970
            bytes BLOB NOT NULL);             -- sealed
        CREATE INDEX block_account ON block (account, generation, expiry);
        CREATE INDEX block_expiry ON block (expiry);
        CREATE TABLE seen (
            -- Blocks that came, spent ones too: one that comes again would be a replay at its first node.
            hash BLOB PRIMARY KEY NOT NULL,   -- under the storage key, 32 bytes
            expiry INTEGER NOT NULL) WITHOUT ROWID;  -- when it is forgotten, ms since 1970
        CREATE INDEX seen_expiry ON seen (expiry);
        CREATE TABLE item (
            account INTEGER NOT NULL REFERENCES account (id),
            id INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            counts INTEGER NOT NULL,          -- 1: an item for the account's quota; 0: goes with another
            total INTEGER NOT NULL,           -- bytes
            wanted BLOB NOT NULL,             -- which of them wait; the caller's form
            waiting INTEGER NOT NULL,         -- how many these are
            held INTEGER NOT NULL,            -- 1: nothing of it is sent until somebody asks
            resent INTEGER NOT NULL,          -- 1: what waits was sent before
            sent INTEGER,                     -- when the last of it was sent, ms since 1970
            day INTEGER NOT NULL,             -- of its arrival, since 1970-01-01
            PRIMARY KEY (account, id, kind)) WITHOUT ROWID;
        CREATE INDEX item_waiting ON item (account, resent, id, kind, waiting) WHERE waiting > 0;
        CREATE INDEX item_sent ON item (account, sent) WHERE waiting = 0 AND held = 0;
        CREATE INDEX item_held ON item (account) WHERE held = 1 AND counts = 1;
        CREATE TABLE chunk (
            account INTEGER NOT NULL,
            item INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            number INTEGER NOT NULL,          -- from 0; all but the last have 16384 bytes
            bytes BLOB NOT NULL,
            UNIQUE (account, item, kind, number));
        CREATE TABLE packet (
            -- Packets that the spool does not have yet; which account they are of is not known here.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node BLOB NOT NULL,               -- the first node's id, 32 bytes
            release INTEGER NOT NULL,         -- ms since 1970
            deadline INTEGER NOT NULL,        -- ms since 1970
            bytes BLOB NOT NULL);
        CREATE TABLE mail (
            -- Mails that accounts send.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account INTEGER NOT NULL REFERENCES account (id),
            bytes BLOB NOT NULL,              -- sealed
            attempts INTEGER NOT NULL,
            next INTEGER NOT NULL,            -- when it is tried, ms since 1970; at first the hour's beginning
            deadline INTEGER NOT NULL);       -- when it is given up, the hour's end, ms since 1970
        CREATE INDEX mail_next ON mail (next);
        CREATE INDEX mail_account ON mail (account);
        CREATE TABLE arrival (
            -- Mails that came, so that one that comes again is known.
            hash BLOB PRIMARY KEY NOT NULL,   -- under the storage key, 32 bytes
            day INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX arrival_day ON arrival (day);
        """

    /// Makes the tables; within a transaction.
    static func create(in database: Database, mark: [UInt8]) throws {
        try database.execute(sql: statements)
        try database.execute(
            sql: "INSERT INTO meta VALUES ('key', ?), ('id', randomblob(16))", arguments: [Blob.data(mark)])
        try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);")
    }

    /// Brings an older format up to this one; within a transaction. A new version adds its step here:
    /// `if found < 2 { ... }`.
    static func migrate(from found: Int, in database: Database) throws {
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }
}
