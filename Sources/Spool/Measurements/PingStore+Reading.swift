// What was measured, for those who make something of it. Each method sees the database as it is at one moment, and keeps
// nobody from writing meanwhile.

internal import GRDB
public import WireFormat

extension PingStore {
    /// All nodes that the database knows, by number.
    public func nodes() throws(PingStoreError) -> [PingNode] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT number, id, nickname FROM node ORDER BY number").map { row in
                PingNode(number: row[0], id: try node(row[1]), nickname: row[2])
            }
        }
    }

    /// The name that a node has now.
    public func noteNickname(_ node: NodeID, _ nickname: String) throws(PingStoreError) {
        try write { database in
            let number = try number(of: node, in: database)
            try database.cachedStatement(sql: "UPDATE node SET nickname = ? WHERE number = ?")
                .execute(arguments: [nickname, number])
        }
    }

    /// Hands over all probes that were sent at `since` or later, about in the order in which they were. The database must
    /// not be used within `body`. Nothing is allocated for a row.
    public func forEachPing(since: Timestamp, _ body: (PingRow) -> Void) throws(PingStoreError) {
        try read { database in
            let since = since.milliseconds
            // By number, which is the order of the file, from the first that can be among them on.
            let first = try Int64.fetchOne(
                database,
                sql: """
                    SELECT MIN(id) FROM (
                        SELECT MIN(id) AS id FROM ping WHERE decided >= :since
                        UNION ALL SELECT MIN(id) FROM ping WHERE state = 1 AND sent >= :since)
                    """, arguments: ["since": since])
            guard let first else { return }
            var emptied: [Int: Timestamp] = [:]
            let mailboxes = try Row.fetchAll(
                database, sql: "SELECT number, emptied FROM mailbox WHERE emptied IS NOT NULL")
            for row in mailboxes { emptied[row[0]] = Timestamp(milliseconds: row[1]) }
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, kind, state, sent, drawn, mailbox, hop1, IFNULL(hop2, 0), IFNULL(hop3, 0),
                        IFNULL(hop4, 0), IFNULL(hop5, 0), arrived, IFNULL(slack, 0)
                    FROM ping WHERE id >= ? AND sent >= ? AND +state > 0 ORDER BY id
                    """, arguments: [first, since])
            while let row = try rows.next() {
                guard let ping = Self.ping(row, emptied) else { throw PingStoreError.damaged(path: path) }
                body(ping)
            }
        }
    }

    /// Nil if a number is out of range.
    private static func ping(_ row: Row, _ emptied: [Int: Timestamp]) -> PingRow? {
        func hop(_ column: Int) -> Int32? { Int32(exactly: row[column] as Int64) }
        guard let one = hop(6), let two = hop(7), let three = hop(8), let four = hop(9), let five = hop(10), one > 0,
            let kind = PingKind(rawValue: row[1]), let state = PingState(rawValue: row[2])
        else { return nil }
        let sent = Timestamp(milliseconds: row[3])
        let last = emptied[row[5]]
        return PingRow(
            id: row[0], kind: kind.rawValue, hops: PingHops((one, two, three, four, five)), sent: sent,
            drawn: Interval(milliseconds: row[4]), state: state.rawValue,
            arrived: (row[11] as Int64?).map(Timestamp.init(milliseconds:)),
            slack: Interval(milliseconds: row[12]), emptied: last.flatMap { $0 >= sent ? $0 : nil })
    }

    /// Probes that came twice, and that came changed, counted for all nodes of their paths.
    public func evidence(
        since: Timestamp
    ) throws(PingStoreError) -> [NodeID: (duplicates: Int, damaged: Int)] {
        try counts(
            """
            SELECT id, SUM(sign = 1), SUM(sign = 2) FROM (SELECT node, sign FROM evidence WHERE at >= ?)
            JOIN node ON number = node GROUP BY number
            """, since
        ).mapValues { (duplicates: $0.0, damaged: $0.1) }
    }

    /// Connections that were tried, and made.
    public func handshakes(since: Timestamp) throws(PingStoreError) -> [NodeID: (good: Int, total: Int)] {
        try counts(
            """
            SELECT id, good, total FROM (
                SELECT node, COUNT(took) AS good, COUNT(*) AS total FROM handshake WHERE at >= ? GROUP BY node)
            JOIN node ON number = node
            """, since
        ).mapValues { (good: $0.0, total: $0.1) }
    }

    private func counts(_ sql: String, _ since: Timestamp) throws(PingStoreError) -> [NodeID: (Int, Int)] {
        try read { database in
            var counts: [NodeID: (Int, Int)] = [:]
            for row in try Row.fetchAll(database, sql: sql, arguments: [since.milliseconds]) {
                counts[try node(row[0])] = (row[1], row[2])
            }
            return counts
        }
    }

    /// Times in which the pinger could not see that ended after `since`, in order.
    public func gaps(since: Timestamp) throws(PingStoreError) -> [GapRow] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT began, ended, reason, voiding FROM gap WHERE ended > ? ORDER BY began, ended",
                arguments: [since.milliseconds]
            ).map {
                GapRow(
                    from: Timestamp(milliseconds: $0[0]), to: Timestamp(milliseconds: $0[1]), reason: $0[2],
                    isVoiding: $0[3])
            }
        }
    }

    /// Reads an id; `damaged` if it is none.
    func node(_ hex: String) throws(PingStoreError) -> NodeID {
        guard let id = NodeID(hex: hex) else { throw .damaged(path: path) }
        return id
    }
}
