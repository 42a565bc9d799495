// Documents by digest, and evidence.

internal import Foundation
internal import GRDB
public import WireFormat

extension AuthorityStore {
    /// Keeps a document; false if it is there already. Throws `tooMany` for one vote or proposal too many of an
    /// authority in a slot.
    @discardableResult
    public func keep(_ document: StoredDocument) throws(AuthorityStoreError) -> Bool {
        guard document.bytes.count <= Self.maximumDocument else { throw .malformed }
        let slot = try document.slot.map { slot throws(AuthorityStoreError) in try Self.column(slot) }
        return try write { try keep(document, slot: slot, in: $0) }
    }

    func keep(_ document: StoredDocument, slot: Int64?, in database: Database) throws -> Bool {
        if let authority = document.authority, let slot, document.kind == .vote || document.kind == .proposal {
            let others = try Int.fetchOne(
                database,
                sql: "SELECT COUNT(*) FROM document WHERE kind = ? AND slot = ? AND authority = ? AND digest <> ?",
                arguments: [document.kind.rawValue, slot, authority, document.digest.blob])
            guard others ?? 0 < Self.documentsPerSlot else {
                throw AuthorityStoreError.tooMany("votes and proposals of one authority in one slot")
            }
        }
        try database.execute(
            sql: """
                INSERT INTO document (digest, kind, slot, authority, received, bytes) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (digest) DO NOTHING
                """,
            arguments: [
                document.digest.blob, document.kind.rawValue, slot, document.authority,
                document.received.milliseconds, Blob.data(document.bytes),
            ])
        return database.changesCount > 0
    }

    private static let columns = "digest, kind, slot, authority, received, bytes"

    /// The document with this digest.
    public func document(_ digest: Digest) throws(AuthorityStoreError) -> StoredDocument? {
        try read { database in
            try Row.fetchOne(
                database, sql: "SELECT \(Self.columns) FROM document WHERE digest = ?", arguments: [digest.blob]
            ).map(stored)
        }
    }

    /// Documents of a kind in a slot, by authority and digest.
    public func documents(
        _ kind: StoredDocumentKind, slot: UInt64
    ) throws(AuthorityStoreError) -> [StoredDocument] {
        let number = try Self.column(slot)
        return try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT \(Self.columns) FROM document WHERE kind = ? AND slot = ? ORDER BY authority, digest",
                arguments: [kind.rawValue, number]
            ).map(stored)
        }
    }

    /// Authors and digests of the documents of a kind in a slot, by authority and digest.
    public func index(
        _ kind: StoredDocumentKind, slot: UInt64
    ) throws(AuthorityStoreError) -> [(authority: String, digest: Digest)] {
        let number = try Self.column(slot)
        return try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT authority, digest FROM document WHERE kind = ? AND slot = ? ORDER BY authority, digest",
                arguments: [kind.rawValue, number]
            ).map { row in
                let authority: String? = row[0]
                return (authority ?? "", try fixed(row[1]))
            }
        }
    }

    /// The network file of a version: its slot is that number.
    public func network(version: UInt32) throws(AuthorityStoreError) -> StoredDocument? {
        try documents(.network, slot: UInt64(version)).first
    }

    /// All editions of the network file that are known, newest first.
    public func networks() throws(AuthorityStoreError) -> [StoredDocument] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT \(Self.columns) FROM document WHERE kind = ? ORDER BY slot DESC",
                arguments: [StoredDocumentKind.network.rawValue]
            ).map(stored)
        }
    }

    /// Which of these digests are there.
    public func present(among digests: [Digest]) throws(AuthorityStoreError) -> Set<Digest> {
        try read { database in
            let statement = try database.makeStatement(sql: "SELECT 1 FROM document WHERE digest = ?")
            return Set(
                try digests.filter { try Int.fetchOne(statement, arguments: [$0.blob]) != nil })
        }
    }

    /// Notes that votes or a consensus of `slot` name these documents, so that they are kept as long as it.
    public func noteNamed(_ digests: [Digest], in slot: UInt64) throws(AuthorityStoreError) {
        let number = try Self.column(slot)
        try write { database in
            let statement = try database.makeStatement(
                sql: "UPDATE document SET slot = MAX(IFNULL(slot, 0), ?) WHERE digest = ?")
            for digest in digests { try statement.execute(arguments: [number, digest.blob]) }
        }
    }

    /// Keeps evidence and its document; false if the authority is known for this slot and kind already, or if there is
    /// enough evidence of the authority and this piece adds nothing.
    /// - Parameter span: slots after its own in which a piece of evidence has consequences.
    @discardableResult
    public func keep(
        _ evidence: StoredEvidence, document bytes: [UInt8], spanning span: UInt64
    ) throws(AuthorityStoreError) -> Bool {
        guard bytes.count <= Self.maximumDocument else { throw .malformed }
        let number = try Self.column(evidence.slot)
        return try write { database in
            try database.execute(
                sql: """
                    INSERT INTO evidence (authority, slot, kind, digest, seen) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """,
                arguments: [
                    evidence.authority, number, evidence.kind, evidence.digest.blob, evidence.seen.milliseconds,
                ])
            guard database.changesCount > 0 else { return false }
            _ = try keep(
                StoredDocument(
                    digest: evidence.digest, kind: .evidence, slot: evidence.slot, authority: evidence.authority,
                    received: evidence.seen, bytes: bytes), slot: number, in: database)
            return try thinEvidence(of: evidence.authority, span, in: database) != evidence.digest
        }
    }

    /// The first piece stays for ever. Of the others goes the oldest one between two that follow each other so closely that
    /// the slots with consequences stay the same without it; if there is none such, the oldest.
    /// - Returns: what is gone.
    private func thinEvidence(of authority: String, _ span: UInt64, in database: Database) throws -> Digest? {
        let rows = try Row.fetchAll(
            database, sql: "SELECT slot, kind, digest FROM evidence WHERE authority = ? ORDER BY slot, kind",
            arguments: [authority])
        guard rows.count > Self.evidencePerAuthority, rows.count > 2 else { return nil }
        let slots: [UInt64] = rows.map { Self.slot($0[0]) }
        let spare = (1..<(rows.count - 1)).first { slots[$0 + 1] - slots[$0 - 1] <= span + 1 } ?? 1
        let (slot, kind): (Int64, String) = (rows[spare][0], rows[spare][1])
        let digest: Digest = try fixed(rows[spare][2])
        try database.execute(
            sql: "DELETE FROM evidence WHERE authority = ? AND slot = ? AND kind = ?",
            arguments: [authority, slot, kind])
        try database.execute(sql: "DELETE FROM document WHERE digest = ?", arguments: [digest.blob])
        return digest
    }

    /// All evidence, newest slot first.
    public func evidence() throws(AuthorityStoreError) -> [StoredEvidence] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT authority, slot, kind, digest, seen FROM evidence ORDER BY slot DESC, authority, kind"
            ).map { row in
                StoredEvidence(
                    authority: row[0], slot: Self.slot(row[1]), kind: row[2], digest: try fixed(row[3]),
                    seen: Timestamp(milliseconds: row[4]))
            }
        }
    }

    private func stored(_ row: Row) throws(AuthorityStoreError) -> StoredDocument {
        guard let kind = StoredDocumentKind(rawValue: row[1]) else { throw .damaged(path: path) }
        let slot: Int64? = row[2]
        let bytes: Data = row[5]
        return StoredDocument(
            digest: try fixed(row[0]), kind: kind, slot: slot.map(Self.slot), authority: row[3],
            received: Timestamp(milliseconds: row[4]), bytes: Array(bytes))
    }
}
