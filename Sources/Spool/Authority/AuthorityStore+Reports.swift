// Measurement reports. One that votes named has the last slot of such votes, and goes with that; one that none has named has
// no slot, and goes when the next one of its pinger comes.

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

    /// Forgets reports of a pinger that no vote has named: they prove nothing.
    /// - Parameters:
    ///   - pinger: as the documents have it in place of an authority's name.
    ///   - kept: those that stay all the same.
    public func forgetUnnamedReports(of pinger: String, besides kept: Set<Digest>) throws(AuthorityStoreError) {
        try write { database in
            let found = try Row.fetchAll(
                database, sql: "SELECT digest FROM document WHERE kind = ? AND authority = ? AND slot IS NULL",
                arguments: [StoredDocumentKind.report.rawValue, pinger])
            for row in found {
                let digest: Digest = try fixed(row[0])
                guard !kept.contains(digest) else { continue }
                try database.execute(sql: "DELETE FROM document WHERE digest = ?", arguments: [digest.blob])
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
