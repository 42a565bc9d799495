// The tables of an authority's store. What must never happen twice is refused here, by constraints and triggers, so that
// no mistake in a program above can bring it about.

internal import GRDB

enum AuthoritySchema {
    static let version = 1
    static let oldestVersion = 1
    /// "njau" in the database's header.
    static let applicationID = 0x6E6A_6175

    /// Tables without which an authority must not run; checked at every start.
    static let checkedTables = ["property", "own", "consensus", "signature", "evidence", "node", "document"]

    /// Makes the tables; within a transaction.
    static func create(in database: Database) throws {
        try database.execute(
            sql: """
                -- floor: the authority does nothing in slots up to this one.
                CREATE TABLE property (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
                INSERT INTO property VALUES ('floor', -1);
                CREATE TABLE document (
                    digest BLOB PRIMARY KEY, kind INTEGER NOT NULL, slot INTEGER, authority TEXT,
                    received INTEGER NOT NULL, bytes BLOB NOT NULL);
                CREATE INDEX documentslot ON document (kind, slot);
                -- One row for a slot and an act: the second, different one is refused.
                CREATE TABLE own (
                    act INTEGER NOT NULL, slot INTEGER NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL,
                    PRIMARY KEY (act, slot));
                -- Signatures besides only go forward. Votes and proposals may not: a clock that was far ahead for a moment
                -- must not end all voting.
                CREATE TRIGGER ownorder BEFORE INSERT ON own
                WHEN NEW.slot <= (SELECT value FROM property WHERE name = 'floor')
                    OR NEW.act = 3 AND NEW.slot <= (SELECT IFNULL(MAX(slot), -1) FROM own WHERE act = 3)
                BEGIN SELECT RAISE(ABORT, 'own act out of order'); END;
                CREATE TRIGGER ownfixed BEFORE UPDATE ON own
                BEGIN SELECT RAISE(ABORT, 'own acts do not change'); END;
                CREATE TRIGGER ownlast BEFORE DELETE ON own
                WHEN OLD.slot > (SELECT value FROM property WHERE name = 'floor')
                BEGIN SELECT RAISE(ABORT, 'own acts above the floor are not forgotten'); END;
                CREATE TRIGGER floorrises BEFORE UPDATE ON property
                WHEN NEW.name = 'floor' AND NEW.value < OLD.value
                BEGIN SELECT RAISE(ABORT, 'the floor only rises'); END;
                CREATE TABLE consensus (
                    slot INTEGER PRIMARY KEY, digest BLOB NOT NULL, certified INTEGER NOT NULL, bytes BLOB NOT NULL);
                CREATE TABLE signature (
                    slot INTEGER NOT NULL, authority TEXT NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL,
                    PRIMARY KEY (slot, authority, digest)) WITHOUT ROWID;
                CREATE TABLE evidence (
                    authority TEXT NOT NULL, slot INTEGER NOT NULL, kind TEXT NOT NULL, digest BLOB NOT NULL,
                    seen INTEGER NOT NULL, PRIMARY KEY (authority, slot, kind)) WITHOUT ROWID;
                CREATE TABLE node (
                    id BLOB PRIMARY KEY, nickname TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,
                    firstseen INTEGER NOT NULL, descriptor BLOB NOT NULL, published INTEGER NOT NULL,
                    validuntil INTEGER NOT NULL, leaving INTEGER NOT NULL, lasttry INTEGER, lastreachable INTEGER,
                    reached INTEGER NOT NULL, reachedbefore INTEGER NOT NULL, failure TEXT, listedsince INTEGER)
                    WITHOUT ROWID;
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(version);
                """)
    }

    /// Brings an older format up to this one; within a transaction. A new version adds its step here:
    /// `if found < 2 { ... }`.
    static func migrate(from found: Int, in database: Database) throws {
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }
}
