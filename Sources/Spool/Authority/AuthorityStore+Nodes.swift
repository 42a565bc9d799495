// The register of nodes.

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    private static let columns = """
        id, nickname, firstseen, descriptor, published, validuntil, leaving, lasttry, lastreachable, reached,
        reachedbefore, failure, listedsince
        """

    /// Puts a node in, or in place of what was known of it, with its newest descriptor.
    /// Throws `tooMany` if its nickname is another's.
    public func keep(_ node: RegisteredNode, descriptor: StoredDocument) throws(AuthorityStoreError) {
        let slot = try descriptor.slot.map { slot throws(AuthorityStoreError) in try Self.column(slot) }
        try write { database in
            _ = try keep(descriptor, slot: slot, in: database)
            try put(node, in: database)
        }
    }

    /// Puts back nodes that have changed; all or none.
    public func update(_ nodes: [RegisteredNode]) throws(AuthorityStoreError) {
        guard !nodes.isEmpty else { return }
        try write { database in for node in nodes { try put(node, in: database) } }
    }

    /// All nodes, by id.
    public func nodes() throws(AuthorityStoreError) -> [RegisteredNode] {
        try read { database in
            try Row.fetchAll(database, sql: "SELECT \(Self.columns) FROM node ORDER BY id").map(registered)
        }
    }

    /// Forgets nodes, so that their nicknames are free again.
    public func forget(_ ids: [NodeID]) throws(AuthorityStoreError) {
        guard !ids.isEmpty else { return }
        try write { database in
            for id in ids { try database.execute(sql: "DELETE FROM node WHERE id = ?", arguments: [id.blob]) }
        }
    }

    /// Forgets descriptors that nodes have replaced and that no vote and no consensus named.
    /// - Returns: how many.
    @discardableResult
    public func forgetDescriptors(receivedBefore time: Timestamp) throws(AuthorityStoreError) -> Int {
        try write { database in
            try database.execute(
                sql: """
                    DELETE FROM document WHERE kind = ? AND slot IS NULL AND received < ?
                        AND digest NOT IN (SELECT descriptor FROM node)
                    """, arguments: [StoredDocumentKind.descriptor.rawValue, time.milliseconds])
            return database.changesCount
        }
    }

    private func put(_ node: RegisteredNode, in database: Database) throws {
        do {
            try database.execute(
                sql: """
                    INSERT INTO node (\(Self.columns), folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET
                        nickname = excluded.nickname, folded = excluded.folded, descriptor = excluded.descriptor,
                        published = excluded.published, validuntil = excluded.validuntil, leaving = excluded.leaving,
                        lasttry = excluded.lasttry, lastreachable = excluded.lastreachable,
                        reached = excluded.reached, reachedbefore = excluded.reachedbefore,
                        failure = excluded.failure, listedsince = excluded.listedsince
                    """,
                arguments: [
                    node.id.blob, node.nickname, node.firstSeen.milliseconds, node.descriptor.blob,
                    node.published.milliseconds, node.validUntil.milliseconds, node.isLeaving ? 1 : 0,
                    node.lastTry?.milliseconds, node.lastReachable?.milliseconds, node.reached ? 1 : 0,
                    node.reachedBefore ? 1 : 0, node.failure, node.listedSince?.milliseconds,
                    node.nickname.lowercased(),
                ])
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw AuthorityStoreError.tooMany("nodes of one name")
        }
    }

    private func registered(_ row: Row) throws(AuthorityStoreError) -> RegisteredNode {
        func time(_ column: Int) -> Timestamp? {
            let value: Int64? = row[column]
            return value.map(Timestamp.init(milliseconds:))
        }
        func flag(_ column: Int) -> Bool { (row[column] as Int64) != 0 }
        return RegisteredNode(
            id: try fixed(row[0]), nickname: row[1], firstSeen: Timestamp(milliseconds: row[2]),
            descriptor: try fixed(row[3]), published: Timestamp(milliseconds: row[4]),
            validUntil: Timestamp(milliseconds: row[5]), isLeaving: flag(6), lastTry: time(7), lastReachable: time(8),
            reached: flag(9), reachedBefore: flag(10), failure: row[11], listedSince: time(12))
    }
}
