// The tables of a pinger's database, for strangers too: plain names, integers for times, numbers explained by tables. The
// comments within stay in the file; `sqlite3 pings.db .schema` shows them. doc/PINGER_DATABASE.md tells the rest, and
// contrib/postgres/schema.sql has the same tables for PostgreSQL.

internal import GRDB

enum PingSchema {
    static let version = 1
    /// "njpi" in the database's header.
    static let applicationID = 0x6E6A_7069

    static let tables = [
        "meta", "kind", "state", "sign", "node", "mailbox", "emptying", "ping", "evidence", "handshake", "gap", "day",
        "link_day",
    ]
    /// The number of the mailbox that is the address of test mails.
    static let mail = 0

    private static let statements = """
        CREATE TABLE meta (
            -- store: a random number, so that one database can be told from another.
            -- alive: when the pinger last said that it runs. judged, deadline: when probes were last judged, and how (ms).
            -- forgotten: emptyings before that are not kept.
            name TEXT PRIMARY KEY NOT NULL,
            value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE kind (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, meaning TEXT NOT NULL);
        INSERT INTO kind VALUES
            (1, 'loop', 'a message of one packet to a mailbox of the pinger'),
            (2, 'reply', 'an answer through a reply block of the pinger'),
            (3, 'ahead', 'a loop with the keys of the next key period'),
            (4, 'delivery', 'a mail through an exit to a test address');
        CREATE TABLE state (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, meaning TEXT NOT NULL);
        INSERT INTO state VALUES
            (0, 'planned', 'recorded, and not known to have been sent'),
            (1, 'sent', 'taken by its entry; it may arrive still'),
            (2, 'arrived', 'seen where it was to arrive, before its deadline'),
            (3, 'lost', 'not there when its mailbox was emptied after the deadline'),
            (4, 'void', 'it had not arrived when it was last watched for; nobody saw what came later');
        CREATE TABLE sign (
            -- Signs of an attack, or of a fault.
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, meaning TEXT NOT NULL);
        INSERT INTO sign VALUES
            (1, 'duplicate', 'the probe arrived more than once: somebody replays'),
            (2, 'damaged', 'the probe arrived changed: somebody tags, or a node is faulty');
        CREATE TABLE node (
            -- The other tables mean a node by its number, which is never given to another.
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,          -- 64 hexadecimal digits
            nickname TEXT);                   -- the last known; NULL: none
        CREATE TABLE mailbox (
            -- Where probes arrive. 0 is the address of test mails; any other has its node's number.
            number INTEGER PRIMARY KEY,
            node INTEGER REFERENCES node (number),
            emptied INTEGER);                 -- when it was last emptied to its end, ms since 1970
        INSERT INTO mailbox VALUES (0, NULL, NULL);
        CREATE TABLE emptying (
            -- The emptyings that may still decide a probe; older ones are forgotten.
            mailbox INTEGER NOT NULL REFERENCES mailbox (number),
            at INTEGER NOT NULL,              -- ms since 1970
            PRIMARY KEY (mailbox, at)) WITHOUT ROWID;
        CREATE TABLE ping (
            -- One probe.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind INTEGER NOT NULL REFERENCES kind (number),
            state INTEGER NOT NULL REFERENCES state (number),
            hop1 INTEGER NOT NULL REFERENCES node (number),     -- the entry
            hop2 INTEGER REFERENCES node (number),              -- NULL: the path has no such hop
            hop3 INTEGER REFERENCES node (number),
            hop4 INTEGER REFERENCES node (number),
            hop5 INTEGER REFERENCES node (number),
            mailbox INTEGER NOT NULL REFERENCES mailbox (number),
            drawn INTEGER NOT NULL,           -- sum of the delays that the hops were asked for, ms
            planned INTEGER NOT NULL,         -- ms since 1970; written before it is sent
            sent INTEGER,                     -- acknowledged by the entry, ms since 1970; NULL: not known to have been
            arrived INTEGER,                  -- seen where it was to arrive, ms since 1970; also if too late
            slack INTEGER,                    -- it may have arrived earlier by at most this, ms
            decided INTEGER,                  -- from when on its state was certain, ms since 1970; NULL: not yet
            watched INTEGER,                  -- of a void one: it had not arrived then, ms since 1970; NULL: not known
            tag BLOB NOT NULL UNIQUE,         -- 16 bytes by which it is known again
            content BLOB NOT NULL,            -- SHA-256 of what must come back, 32 bytes
            item INTEGER);                    -- the mailbox's number for the message that came
        CREATE INDEX ping_planned ON ping (planned) WHERE state = 0;
        CREATE INDEX ping_sent ON ping (sent) WHERE state = 1;
        CREATE INDEX ping_decided ON ping (decided);
        CREATE TABLE evidence (
            -- A sign, one of a kind for a probe, once for each node of its path: any of them may be to blame.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            ping INTEGER NOT NULL REFERENCES ping (id) ON DELETE CASCADE,
            node INTEGER NOT NULL REFERENCES node (number),
            sign INTEGER NOT NULL REFERENCES sign (number),
            at INTEGER NOT NULL,              -- when it was seen, ms since 1970
            item INTEGER);                    -- the mailbox's number for the message
        CREATE INDEX evidence_ping ON evidence (ping);
        CREATE TABLE handshake (
            -- A connection that the pinger tried, whether for a probe or not.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node INTEGER NOT NULL REFERENCES node (number),
            at INTEGER NOT NULL,              -- ms since 1970
            took INTEGER);                    -- ms until it stood; NULL: it failed
        CREATE INDEX handshake_at ON handshake (at);
        CREATE TABLE gap (
            -- Times in which the pinger could not see.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            began INTEGER NOT NULL,           -- ms since 1970
            ended INTEGER NOT NULL,           -- ms since 1970
            reason TEXT NOT NULL,             -- off, cutOff, clock
            voiding INTEGER NOT NULL);        -- 1: probes that were not decided before it are void
        CREATE INDEX gap_ended ON gap (ended);
        CREATE TABLE day (
            -- What was measured of a node on a day. permille: thousandths. NULL: not measured.
            day INTEGER NOT NULL,             -- days since 1970-01-01 UTC
            node INTEGER NOT NULL REFERENCES node (number),
            reliability INTEGER,              -- of packets that it cannot tell from others, permille
            low INTEGER,                      -- of its interval of 95 %, permille
            high INTEGER,
            samples INTEGER NOT NULL,         -- decided probes that these rest on
            latency INTEGER,                  -- what it adds to a journey beyond the delay asked for, ms
            ten_minutes INTEGER,              -- of the probes over it, those that arrived within this, permille
            hour INTEGER,
            six_hours INTEGER,
            whole_day INTEGER,
            handshakes INTEGER NOT NULL,      -- connections tried
            handshakes_good INTEGER NOT NULL, -- and made
            deliveries INTEGER NOT NULL,      -- test mails through it
            deliveries_good INTEGER NOT NULL, -- that came
            PRIMARY KEY (day, node)) WITHOUT ROWID;
        CREATE TABLE link_day (
            -- Probes of a day over the link from one node to another.
            day INTEGER NOT NULL,             -- days since 1970-01-01 UTC
            from_node INTEGER NOT NULL REFERENCES node (number),
            to_node INTEGER NOT NULL REFERENCES node (number),
            arrived INTEGER NOT NULL,
            lost INTEGER NOT NULL,
            PRIMARY KEY (day, from_node, to_node)) WITHOUT ROWID;
        """

    /// Makes the tables; within a transaction.
    static func create(in database: Database) throws {
        try database.execute(sql: statements)
        try database.execute(
            sql: "INSERT INTO meta VALUES ('store', ?)", arguments: [Int64.random(in: 1...(1 << 53))])
        try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version);")
    }

    /// Brings an older format up to this one; within a transaction. A new version adds its step here:
    /// `if found < 2 { ... }`.
    static func migrate(from found: Int, in database: Database) throws {
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }
}
