// Accounts and their names, and what a request changes.

internal import Foundation
internal import GRDB
public import WireFormat

extension NymStore {
    /// The account that has a name; nil if nobody has it.
    public func account(named name: String) throws(NymStoreError) -> Int64? {
        try read { database in
            try Row.fetchOne(
                try database.cachedStatement(sql: "SELECT account FROM name WHERE hash = ?"), arguments: [hash(name)])?
                .maybeInteger(0)
        }
    }

    /// Of these names those that somebody has or had: they are given to nobody.
    public func taken(of names: [String]) throws(NymStoreError) -> Set<String> {
        try read { database in
            var taken: Set<String> = []
            for name in names where try isTaken(name, in: database) { taken.insert(name) }
            return taken
        }
    }

    /// An account with what it holds; nil if there is none.
    public func account(_ id: Int64) throws(NymStoreError) -> StoredNym? {
        try read { try account(id, in: $0) }
    }

    /// How many accounts there are.
    public func accounts() throws(NymStoreError) -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM account") ?? 0 }
    }

    /// Makes an account with its first names and blocks; the others of `changes` are of no use here but `mails`.
    /// - Parameter nextSlot: When its first packet leaves, by the account's number, which is new.
    /// - Returns: The account's number; nil if somebody has or had one of the names.
    public func create(
        _ changes: NymChanges, nextSlot: (Int64) -> Timestamp
    ) throws(NymStoreError) -> Int64? {
        try write { database -> Int64?? in
            for name in changes.addNames where try isTaken(name, in: database) { return .some(nil) }
            try database.cachedStatement(
                sql: """
                    INSERT INTO account (revision, next_slot, closes_on, next_item, items, bytes)
                        VALUES (0, 0, ?, 1, 0, 0)
                    """
            ).execute(arguments: [Int64(changes.closesOn)])
            let id = database.lastInsertedRowID
            var changes = changes
            changes.nextSlot = nextSlot(id)
            try apply(changes, to: id, in: database)
            return id
        } ?? nil
    }

    /// Does what a request has decided; `conflict` if the account was changed since `revision`, or is gone.
    public func apply(_ changes: NymChanges, to account: Int64, revision: Int64) throws(NymStoreError) {
        try write { database in
            try expect(revision, of: account, in: database)
            try apply(changes, to: account, in: database)
        }
    }

    /// Erases everything that an account has. Its names are given to nobody again.
    public func erase(_ account: Int64) throws(NymStoreError) {
        try write { database in
            try wipeItems(of: account, in: database)
            for sql in [
                "DELETE FROM block WHERE account = ?", "DELETE FROM content WHERE account = ?",
                "UPDATE name SET account = NULL WHERE account = ?", "DELETE FROM account WHERE id = ?",
            ] {
                try database.cachedStatement(sql: sql).execute(arguments: [account])
            }
        }
    }

    /// Accounts that end on this day or before it, at most `limit`.
    public func ending(by day: UInt32, limit: Int) throws(NymStoreError) -> [Int64] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT id FROM account WHERE closes_on <= ? ORDER BY closes_on LIMIT ?",
                arguments: [Int64(day), limit]
            ).map { try $0.integer(0) }
        }
    }

    private func apply(_ changes: NymChanges, to account: Int64, in database: Database) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO content VALUES (?, ?)")
            .execute(arguments: [
                account, Blob.data(try seal.seal(changes.content, as: Self.place("account", account))),
            ])
        try database.cachedStatement(
            sql: """
                UPDATE account SET revision = revision + 1, closes_on = ?, next_slot = IFNULL(?, next_slot) WHERE id = ?
                """
        ).execute(arguments: [Int64(changes.closesOn), changes.nextSlot?.milliseconds, account])
        for name in changes.removeNames {
            try database.cachedStatement(sql: "UPDATE name SET account = NULL WHERE hash = ? AND account = ?")
                .execute(arguments: [hash(name), account])
        }
        for name in changes.addNames {
            guard !(try isTaken(name, in: database)) else { throw NymStoreError.conflict }
            // One that was given back in the same step is nobody's.
            let owner = changes.removeNames.contains(name) ? nil : account
            try database.cachedStatement(sql: "INSERT INTO name VALUES (?, ?)").execute(arguments: [hash(name), owner])
        }
        if changes.isClosure {
            try database.execute(
                sql: """
                    INSERT INTO meta VALUES ('closures', CAST('1' AS BLOB)) ON CONFLICT (name)
                        DO UPDATE SET value = CAST(CAST(CAST(value AS TEXT) AS INTEGER) + 1 AS BLOB)
                    """)
        }
        if changes.wipesItems { try wipeItems(of: account, in: database) }
        if let generation = changes.wipeBlocksBefore {
            try database.cachedStatement(
                sql: """
                    DELETE FROM block WHERE account = ?1 AND generation < ?2 AND id NOT IN
                        (SELECT id FROM
                            (SELECT id, generation,
                                ROW_NUMBER() OVER (PARTITION BY generation ORDER BY expiry, id) AS place
                                FROM block WHERE account = ?1 AND generation < ?2 AND expiry >= ?3)
                            WHERE place = 1 ORDER BY generation DESC LIMIT ?4)
                    """
            ).execute(arguments: [
                account, Int64(generation), changes.keepsBlockUntil?.milliseconds ?? Int64.max, NymChanges.farewells,
            ])
        }
        for block in changes.addBlocks where try isNew(block, in: database) {
            try database.cachedStatement(
                sql: "INSERT INTO block (account, generation, expiry, bytes) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [
                account, Int64(block.generation), block.expiry.milliseconds,
                Blob.data(try seal.seal(block.content, as: Self.place("block", account))),
            ])
        }
        for item in changes.forget { try forget(item, of: account, in: database) }
        for state in changes.states { try put(state, of: account, in: database) }
        for mail in changes.mails {
            guard mail.content.count <= Self.largestMail else { throw NymStoreError.malformed }
            try database.cachedStatement(
                sql: "INSERT INTO mail (account, bytes, attempts, next, deadline) VALUES (?, ?, 0, ?, ?)"
            ).execute(arguments: [
                account, Blob.data(try seal.seal(mail.content, as: Self.place("mail", account))),
                Self.hour(mail.next, isEnd: false), Self.hour(mail.deadline, isEnd: true),
            ])
        }
    }

    /// The beginning or the end of an hour: when a request came is nobody's business.
    private static func hour(_ time: Timestamp, isEnd: Bool) -> Int64 {
        let hour: Int64 = 3_600_000
        let start = max(0, time.milliseconds) / hour * hour
        return isEnd && start < time.milliseconds ? start + hour : start
    }

    /// Notes a block; false if it came before, whoever gave it, and whatever keys stand beside its header. It is known
    /// long beyond its expiry in the stock, which may be earlier than that of its header.
    func isNew(_ block: NewNymBlock, in database: Database) throws -> Bool {
        let content = block.content
        let header = content.count > Self.blockFrame ? Array(content.dropFirst(44).dropLast(64)) : content
        try database.cachedStatement(sql: "INSERT OR IGNORE INTO seen VALUES (?, ?)")
            .execute(arguments: [
                seal.hash(Array("block ".utf8) + header).blob, (block.expiry + .days(60)).milliseconds,
            ])
        return database.changesCount == 1
    }

    /// Around a block's header: version 1, zero 3, expiry 8, first node 32 before it, two keys of 32 behind.
    private static let blockFrame = 44 + 64

    private func wipeItems(of account: Int64, in database: Database) throws {
        for table in ["chunk", "item", "mail"] {
            try database.execute(sql: "DELETE FROM \(table) WHERE account = ?", arguments: [account])
        }
        try database.cachedStatement(sql: "UPDATE account SET items = 0, bytes = 0 WHERE id = ?")
            .execute(arguments: [account])
    }

    func forget(_ item: UInt64, of account: Int64, in database: Database) throws {
        guard let item = Int64(exactly: item) else { return }
        guard
            let row = try Row.fetchOne(
                try database.cachedStatement(
                    sql: "SELECT IFNULL(SUM(counts), 0), IFNULL(SUM(total), 0) FROM item WHERE account = ? AND id = ?"),
                arguments: [account, item])
        else { return }
        let (items, bytes) = (try row.integer(0), try row.integer(1))
        for sql in [
            "DELETE FROM item WHERE account = ? AND id = ?", "DELETE FROM chunk WHERE account = ? AND item = ?",
        ] {
            try database.cachedStatement(sql: sql).execute(arguments: [account, item])
        }
        try database.cachedStatement(sql: "UPDATE account SET items = items - ?, bytes = bytes - ? WHERE id = ?")
            .execute(arguments: [items, bytes, account])
    }

    func put(_ state: NymItemState, of account: Int64, in database: Database) throws {
        guard let item = Int64(exactly: state.item), state.wanted.isEmpty == (state.waiting == 0) else {
            throw NymStoreError.malformed
        }
        try database.cachedStatement(
            sql: """
                UPDATE item SET wanted = ?, waiting = ?, held = ?, resent = ?, sent = ?
                    WHERE account = ? AND id = ? AND kind = ?
                """
        ).execute(arguments: [
            Blob.data(state.wanted), Int64(state.waiting), state.isHeld ? 1 : 0, state.isResent ? 1 : 0,
            state.sent?.milliseconds, account, item, Int64(state.kind),
        ])
    }

    /// `conflict` if the account has another revision, or is gone.
    func expect(_ revision: Int64, of account: Int64, in database: Database) throws {
        let row = try Row.fetchOne(
            try database.cachedStatement(sql: "SELECT revision FROM account WHERE id = ?"), arguments: [account])
        guard try row?.integer(0) == revision else { throw NymStoreError.conflict }
    }

    func account(_ id: Int64, in database: Database) throws -> StoredNym? {
        guard
            let row = try Row.fetchOne(
                try database.cachedStatement(
                    sql: """
                        SELECT revision, next_slot, closes_on, items, account.bytes, content.bytes
                            FROM account LEFT JOIN content ON content.account = account.id WHERE id = ?
                        """), arguments: [id])
        else { return nil }
        var load = try load(of: id, in: database)
        load.items = try row.int(3)
        load.bytes = try row.count(4)
        return StoredNym(
            id: id, revision: try row.integer(0), content: try opened(row.bytes(5), as: Self.place("account", id)),
            nextSlot: Timestamp(milliseconds: try row.integer(1)), closesOn: try row.small(2), load: load)
    }

    /// Without items and bytes, which the account's row has.
    private func load(of account: Int64, in database: Database) throws -> StoredNymLoad {
        func row(_ sql: String) throws -> Row? {
            try Row.fetchOne(try database.cachedStatement(sql: sql), arguments: [account])
        }
        var load = StoredNymLoad()
        let waiting = try row(
            """
            SELECT COUNT(*), IFNULL(SUM(waiting), 0) FROM item INDEXED BY item_waiting
                WHERE account = ? AND resent = 0 AND waiting > 0
            """)
        load.waitingItems = try waiting?.int(0) ?? 0
        load.waitingBytes = try waiting?.count(1) ?? 0
        load.heldItems = try row("SELECT COUNT(*) FROM item WHERE account = ? AND held = 1 AND counts = 1")?.int(0) ?? 0
        load.outgoingBytes = try row("SELECT IFNULL(SUM(LENGTH(bytes)), 0) FROM mail WHERE account = ?")?.count(0) ?? 0
        let blocks = try row("SELECT COUNT(*), MAX(expiry) FROM block WHERE account = ?")
        load.blocks = try blocks?.int(0) ?? 0
        load.blocksUntil = try blocks?.maybeInteger(1).map(Timestamp.init(milliseconds:))
        return load
    }

    private func isTaken(_ name: String, in database: Database) throws -> Bool {
        try Row.fetchOne(
            try database.cachedStatement(sql: "SELECT 1 FROM name WHERE hash = ?"), arguments: [hash(name)]) != nil
    }

    private func hash(_ name: String) -> Data { seal.hash(Array("nym \(name)".utf8)).blob }

    /// Where a sealed value stands, so that those of two accounts cannot be exchanged.
    static func place(_ table: String, _ account: Int64) -> String { "nym \(table) \(account)" }
}
