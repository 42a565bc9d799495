// What was measured, for those who make something of it. Each method sees the database as it is at one moment, and keeps
// nobody from writing meanwhile.

internal import GRDB
public import WireFormat

extension PingStore {
    /// All nodes that the database knows, by number.
    public func nodes() throws(PingStoreError) -> [PingNode] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT number, id, nickname FROM node ORDER BY number").map { row in
                PingNode(number: try row.int(0), id: try node(row.text(1)), nickname: try row.maybeText(2))
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
            for row in mailboxes { emptied[try row.int(0)] = Timestamp(milliseconds: try row.integer(1)) }
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, kind, state, sent, drawn, mailbox, hop1, IFNULL(hop2, 0), IFNULL(hop3, 0),
                        IFNULL(hop4, 0), IFNULL(hop5, 0), arrived, IFNULL(slack, 0), watched
                    FROM ping WHERE id >= ? AND sent >= ? AND +state > 0 ORDER BY id
                    """, arguments: [first, since])
            while let row = try rows.next() {
                guard let ping = try Self.ping(row, emptied) else { throw PingStoreError.damaged(path: path) }
                body(ping)
            }
        }
    }

    /// Nil if a number is out of range.
    private static func ping(_ row: Row, _ emptied: [Int: Timestamp]) throws -> PingRow? {
        func hop(_ column: Int) throws -> Int32? { Int32(exactly: try row.integer(column)) }
        guard let one = try hop(6), let two = try hop(7), let three = try hop(8), let four = try hop(9),
            let five = try hop(10), one > 0, let kind = PingKind(rawValue: try row.int(1)),
            let state = PingState(rawValue: try row.int(2))
        else { return nil }
        let sent = Timestamp(milliseconds: try row.integer(3))
        let last = emptied[try row.int(5)]
        return PingRow(
            id: try row.integer(0), kind: kind.rawValue, hops: PingHops((one, two, three, four, five)), sent: sent,
            drawn: Interval(milliseconds: try row.integer(4)), state: state.rawValue,
            arrived: try row.maybeInteger(11).map(Timestamp.init(milliseconds:)),
            slack: Interval(milliseconds: try row.integer(12)), emptied: last.flatMap { $0 >= sent ? $0 : nil },
            watched: try row.maybeInteger(13).map(Timestamp.init(milliseconds:)))
    }

    /// Probes that came twice, and that came changed, counted for all nodes of their paths. The node that keeps a mailbox
    /// makes copies for nothing, and nobody can tell: of the mailbox that shows most for a node no more counts than of
    /// the next, so that what only one shows counts against nobody.
    public func evidence(
        since: Timestamp
    ) throws(PingStoreError) -> [NodeID: (duplicates: Int, damaged: Int)] {
        try read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT node.id, sign, COUNT(*) FROM evidence JOIN ping ON ping.id = ping
                    JOIN node ON node.number = node WHERE at >= ? GROUP BY node, sign, mailbox
                    """, arguments: [since.milliseconds])
            var shown: [NodeID: [Int64: [Int]]] = [:]
            while let row = try rows.next() {
                shown[try node(row.text(0)), default: [:]][try row.integer(1), default: []].append(try row.int(2))
            }
            return shown.mapValues { signs in
                func count(_ sign: Int64) -> Int {
                    let counts = (signs[sign] ?? []).sorted(by: >)
                    return counts.count > 1 ? counts.dropFirst().reduce(counts[1], +) : 0
                }
                return (duplicates: count(1), damaged: count(2))
            }
            .filter { $0.value != (0, 0) }
        }
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
                counts[try node(row.text(0))] = (try row.int(1), try row.int(2))
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
                    from: Timestamp(milliseconds: try $0.integer(0)), to: Timestamp(milliseconds: try $0.integer(1)),
                    reason: try $0.text(2), isVoiding: try $0.integer(3) != 0)
            }
        }
    }

    /// Reads an id; `damaged` if it is none.
    func node(_ hex: String) throws(PingStoreError) -> NodeID {
        guard let id = NodeID(hex: hex) else { throw .damaged(path: path) }
        return id
    }
}
