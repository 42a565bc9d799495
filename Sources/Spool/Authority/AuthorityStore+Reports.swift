// Measurement reports. Each has the slot in which it came, then the last one whose votes named it, and goes with that.

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    /// The reports of a pinger that came last, newest first.
    /// - Parameter pinger: as the documents have it in place of an authority's name.
    public func reports(of pinger: String, limit: Int) throws(AuthorityStoreError) -> [StoredDocument] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT digest, slot, received, bytes FROM document WHERE kind = ? AND authority = ?
                    ORDER BY rowid DESC LIMIT ?
                    """, arguments: [StoredDocumentKind.report.rawValue, pinger, limit]
            ).map { row in
                let slot: Int64? = row[1]
                let bytes: Data = row[3]
                return StoredDocument(
                    digest: try fixed(row[0]), kind: .report, slot: slot.map(Self.slot), authority: pinger,
                    received: Timestamp(milliseconds: row[2]), bytes: Array(bytes))
            }
        }
    }

    /// Notes that votes of `slot` name these reports, so that they are kept as long as it.
    /// - Returns: those that are not here.
    @discardableResult
    public func noteNamed(reports: [Digest], in slot: UInt64) throws(AuthorityStoreError) -> [Digest] {
        let number = try Self.column(slot)
        return try write { database in
            let statement = try database.makeStatement(
                sql: "UPDATE document SET slot = MAX(IFNULL(slot, 0), ?) WHERE digest = ? AND kind = ?")
            return try reports.filter { digest in
                try statement.execute(arguments: [number, digest.blob, StoredDocumentKind.report.rawValue])
                return database.changesCount == 0
            }
        }
    }

    /// Forgets the reports of slots before the newest that is kept, of which nothing else is kept either.
    /// - Returns: how many.
    func expireReports(_ kept: Set<Int64>, in database: Database) throws -> Int {
        guard let newest = kept.max() else { return 0 }
        var gone = 0
        let slots = try Int64.fetchAll(
            database, sql: "SELECT DISTINCT slot FROM document WHERE kind = ? AND slot < ?",
            arguments: [StoredDocumentKind.report.rawValue, newest])
        for slot in slots where !kept.contains(slot) {
            try database.execute(
                sql: "DELETE FROM document WHERE kind = ? AND slot = ?",
                arguments: [StoredDocumentKind.report.rawValue, slot])
            gone += database.changesCount
        }
        return gone
    }
}
