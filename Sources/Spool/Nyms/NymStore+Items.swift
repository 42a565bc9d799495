// What arrives for accounts. It is sealed to its owner before it comes here.

internal import GRDB
internal import WireFormat

extension NymStore {
    /// Keeps something for an account.
    public func arrive(_ item: NewNymItem, for account: Int64) throws(NymStoreError) -> NymArrivalOutcome {
        guard !item.parts.isEmpty, item.parts.allSatisfy({ $0.isWellFormed }) else { throw .malformed }
        return try write { try keep(item, for: account, in: $0) }
    }

    /// An account's items, by number and kind; the content is not read.
    /// - Parameters:
    ///   - numbers: These alone; nil for all.
    ///   - after: Only those with higher numbers, for reading a few at a time.
    public func items(
        of account: Int64, numbers: Set<UInt64>? = nil, after: UInt64 = 0, limit: Int
    ) throws(NymStoreError) -> [StoredNymItem] {
        try read { database in
            guard let numbers else {
                return try Row.fetchAll(
                    try database.cachedStatement(
                        sql:
                            "SELECT \(Self.itemColumns) FROM item WHERE account = ? AND id > ? ORDER BY id, kind LIMIT ?"
                    ),
                    arguments: [account, Int64(clamping: after), limit]
                ).map(Self.item)
            }
            var items: [StoredNymItem] = []
            for number in numbers.sorted() where items.count < limit {
                items += try Row.fetchAll(
                    try database.cachedStatement(
                        sql: "SELECT \(Self.itemColumns) FROM item WHERE account = ? AND id = ? ORDER BY kind"),
                    arguments: [account, Int64(clamping: number)]
                ).map(Self.item)
            }
            return items
        }
    }

    /// The parts of one kind of items of which a counting part is held: the synopses of held mails.
    public func partsOfHeld(
        of account: Int64, kind: UInt8, limit: Int
    ) throws(NymStoreError) -> [StoredNymItem] {
        try read { database in
            try Row.fetchAll(
                try database.cachedStatement(
                    sql: """
                        SELECT \(Self.itemColumns) FROM item WHERE account = ? AND kind = ? AND id IN
                            (SELECT id FROM item INDEXED BY item_held WHERE account = ? AND held = 1 AND counts = 1)
                            ORDER BY id LIMIT ?
                        """), arguments: [account, Int64(kind), account, limit]
            ).map(Self.item)
        }
    }

    /// Bytes of a part of an item; `conflict` if the item is gone or has fewer. An item of which bytes are missing that it
    /// must have is damaged: it is erased, so that its account goes on, and counted in `damagedRows`.
    public func bytes(
        of item: UInt64, kind: UInt8, account: Int64, in range: Range<UInt32>
    ) throws(NymStoreError) -> [UInt8] {
        guard let first = range.first, let last = range.last else { return [] }
        let found = try read { database -> [UInt8]? in
            let rows = try Row.fetchCursor(
                try database.cachedStatement(
                    sql: """
                        SELECT bytes FROM chunk WHERE account = ? AND item = ? AND kind = ? AND number BETWEEN ? AND ?
                            ORDER BY number
                        """),
                arguments: [
                    account, Int64(clamping: item), Int64(kind), Int(first) / Self.chunkSize,
                    Int(last) / Self.chunkSize,
                ])
            var bytes: [UInt8] = []
            bytes.reserveCapacity(range.count + 2 * Self.chunkSize)
            while let row = try rows.next() { bytes += try row.bytes(0) }
            let start = Int(first) % Self.chunkSize
            guard bytes.count >= start + range.count else { return nil }
            return Array(bytes[start..<start + range.count])
        }
        if let found { return found }
        let isDamaged = try write { database in
            let total = try Row.fetchOne(
                database, sql: "SELECT total FROM item WHERE account = ? AND id = ? AND kind = ?",
                arguments: [account, Int64(clamping: item), Int64(kind)])?.integer(0)
            guard let total, total >= Int64(range.upperBound) else { return false }
            try forget(item, of: account, in: database)
            try database.execute(sql: "UPDATE account SET revision = revision + 1 WHERE id = ?", arguments: [account])
            return true
        }
        if isDamaged { noteRepair() }
        throw .conflict
    }

    static let itemColumns = "id, kind, wanted, waiting, held, resent, sent, total, day"

    static func item(_ row: Row) throws -> StoredNymItem {
        StoredNymItem(
            state: NymItemState(
                item: try row.count(0), kind: try row.small(1), wanted: try row.bytes(2), waiting: try row.small(3),
                isHeld: try row.integer(4) != 0, isResent: try row.integer(5) != 0,
                sent: try row.maybeInteger(6).map(Timestamp.init(milliseconds:))), total: try row.small(7),
            day: try row.small(8))
    }

    func keep(_ item: NewNymItem, for account: Int64, in database: Database) throws -> NymArrivalOutcome {
        guard
            let row = try Row.fetchOne(
                try database.cachedStatement(sql: "SELECT next_item, items, bytes FROM account WHERE id = ?"),
                arguments: [account])
        else { return .noAccount }
        let hash = item.digest.map { seal.hash(Array("arrival \(account) ".utf8) + $0.bytes).blob }
        if let hash {
            let known = try Row.fetchOne(
                try database.cachedStatement(sql: "SELECT 1 FROM arrival WHERE hash = ?"), arguments: [hash])
            guard known == nil else { return .duplicate }
        }
        let number = try row.count(0)
        let items = item.parts.count { $0.counts }
        let bytes = item.parts.reduce(0) { $0 + $1.content.count }
        guard try row.int(1) + items <= item.mostItems, try row.count(2) + UInt64(bytes) <= item.mostBytes else {
            return .full
        }
        if let hash {
            try database.cachedStatement(sql: "INSERT INTO arrival VALUES (?, ?)")
                .execute(arguments: [hash, Int64(item.day)])
        }
        for part in item.parts { try keep(part, number, day: item.day, for: account, in: database) }
        try database.cachedStatement(
            sql: """
                UPDATE account SET next_item = next_item + 1, items = items + ?, bytes = bytes + ? WHERE id = ?
                """
        ).execute(arguments: [items, bytes, account])
        return .stored(number)
    }

    private func keep(
        _ part: NewNymPart, _ number: UInt64, day: UInt32, for account: Int64, in database: Database
    ) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO item (account, id, kind, counts, total, wanted, waiting, held, resent, sent, day)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, ?)
                """
        ).execute(arguments: [
            account, Int64(number), Int64(part.kind), part.counts ? 1 : 0, part.content.count, Blob.data(part.wanted),
            Int64(part.waiting), part.isHeld ? 1 : 0, Int64(day),
        ])
        for (index, start) in stride(from: 0, to: part.content.count, by: Self.chunkSize).enumerated() {
            let chunk = part.content[start..<min(start + Self.chunkSize, part.content.count)]
            try database.cachedStatement(sql: "INSERT INTO chunk VALUES (?, ?, ?, ?, ?)")
                .execute(arguments: [account, Int64(number), Int64(part.kind), index, Blob.data(Array(chunk))])
        }
    }
}

extension NewNymPart {
    fileprivate var isWellFormed: Bool {
        !content.isEmpty && content.count <= NymStore.largestPart && Int(waiting) <= content.count
            && wanted.isEmpty == (waiting == 0) && !(isHeld && waiting > 0)
    }
}
