// Statements of opt-outs: the last few of each node. A consensus of some slots ago may name an older one than the newest.

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    /// Statements of a node that are kept: who has a consensus that is some slots old still finds what it names.
    public static let statementsPerNode = 3

    /// A statement without its bytes.
    public struct StatementEntry: Hashable, Sendable {
        public let digest: Digest
        public let node: NodeID
        /// In bytes.
        public let size: Int
    }

    /// All statements, oldest first.
    public func optOuts() throws(AuthorityStoreError) -> [StatementEntry] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT digest, authority, LENGTH(bytes) FROM document WHERE kind = ? ORDER BY rowid",
                arguments: [StoredDocumentKind.optOuts.rawValue]
            ).map { row in
                guard let node = NodeID(hex: row[1] as String) else {
                    throw AuthorityStoreError.damaged(path: path)
                }
                return StatementEntry(digest: try fixed(row[0]), node: node, size: row[2])
            }
        }
    }

    /// Keeps a statement of `node`; the oldest beyond `statementsPerNode` goes.
    public func keep(optOuts bytes: [UInt8], digest: Digest, of node: NodeID, at now: Timestamp)
        throws(AuthorityStoreError)
    {
        let document = StoredDocument(digest: digest, kind: .optOuts, authority: node.hex, received: now, bytes: bytes)
        try write { database in
            _ = try keep(document, slot: nil, in: database)
            try database.execute(
                sql: """
                    DELETE FROM document WHERE kind = ? AND authority = ? AND rowid NOT IN (
                        SELECT rowid FROM document WHERE kind = ? AND authority = ? ORDER BY rowid DESC LIMIT ?)
                    """,
                arguments: [
                    document.kind.rawValue, node.hex, document.kind.rawValue, node.hex, Self.statementsPerNode,
                ])
        }
    }

    /// Forgets all statements of these nodes.
    public func forgetOptOuts(of nodes: [NodeID]) throws(AuthorityStoreError) {
        guard !nodes.isEmpty else { return }
        try write { database in
            for node in nodes {
                try database.execute(
                    sql: "DELETE FROM document WHERE kind = ? AND authority = ?",
                    arguments: [StoredDocumentKind.optOuts.rawValue, node.hex])
            }
        }
    }
}
