// A probe's way through the database: recorded, sent, returned.

internal import Foundation
internal import GRDB
public import WireFormat

extension PingStore {
    /// Records a probe before it is sent; its number. `malformed` if it is none: see `NewPing`.
    public func add(_ ping: NewPing) throws(PingStoreError) -> Int64 {
        guard PingKind(rawValue: ping.kind) != nil, (1...Self.maximumHops).contains(ping.hops.count),
            Set(ping.hops).count == ping.hops.count, ping.tag.count == Self.tagBytes, ping.drawn >= .zero
        else { throw .malformed }
        return try write { database in
            let tag = Blob.data(ping.tag)
            guard try id(ofTag: tag, in: database) == nil else { throw PingStoreError.malformed }
            var hops: [Int64?] = []
            for hop in ping.hops { hops.append(try number(of: hop, in: database)) }
            hops += Array(repeating: nil, count: Self.maximumHops - hops.count)
            try database.cachedStatement(
                sql: """
                    INSERT INTO ping (
                        kind, state, hop1, hop2, hop3, hop4, hop5, mailbox, drawn, planned, tag, content)
                    VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                ping.kind, hops[0], hops[1], hops[2], hops[3], hops[4], try mailbox(ping.mailbox, in: database),
                ping.drawn.milliseconds, ping.planned.milliseconds, tag, ping.content.blob,
            ])
            let id = database.lastInsertedRowID
            try bound("ping", to: bounds.pings, in: database)
            return id
        }
    }

    /// The entry of the probe has acknowledged it. Only one that was planned can be sent; of others nothing changes.
    public func noteSent(_ id: Int64, at sent: Timestamp) throws(PingStoreError) {
        try write { database in
            // What has come already came after it was sent.
            try database.cachedStatement(
                sql: """
                    UPDATE ping SET sent = :sent, state = IIF(arrived IS NULL, 1, IIF(arrived < :sent, 4, 2)),
                        decided = IIF(arrived < :sent, :sent, arrived), slack = MIN(slack, MAX(arrived - :sent, 0))
                    WHERE id = :id AND state = 0
                    """
            ).execute(arguments: ["sent": sent.milliseconds, "id": id])
            guard database.changesCount > 0 else { return }
            try database.cachedStatement(
                sql: """
                    UPDATE ping SET state = 4, decided = IFNULL(decided, :sent), watched = (
                        SELECT MAX(at) FROM emptying WHERE emptying.mailbox = ping.mailbox AND at >= :sent
                            AND at <= (SELECT MIN(began) FROM gap WHERE voiding AND ended > :sent)
                            AND at < IFNULL(arrived, 9223372036854775807))
                    WHERE id = :id AND EXISTS (
                        SELECT 1 FROM gap WHERE voiding AND ended > :sent AND (arrived IS NULL OR NOT EXISTS (
                            SELECT 1 FROM emptying WHERE emptying.mailbox = ping.mailbox
                                AND at >= arrived AND at <= began)))
                    """
            ).execute(arguments: ["sent": sent.milliseconds, "id": id])
        }
    }

    /// The entry has not taken the probe: it is forgotten. Of one that was sent, or has come back, nothing changes.
    public func noteUnsent(_ id: Int64) throws(PingStoreError) {
        try write { database in
            try database.cachedStatement(sql: "DELETE FROM ping WHERE id = ? AND state = 0 AND arrived IS NULL")
                .execute(arguments: [id])
        }
    }

    /// A message with a probe's tag was found where probes arrive. It is in the database, and outlasts a power failure, when
    /// this returns; only then may the message be deleted from the mailbox. Noting the same item again counts nothing.
    /// - Parameters:
    ///   - content: digest of what it says; nil if it could not be read.
    ///   - at: when it was found.
    ///   - notBefore: when the mailbox was emptied before that.
    ///   - item: the mailbox's own number for the message, by which it is known again if it could not be deleted. Without
    ///     one, the same message found twice counts as a duplicate.
    public func noteReturn(
        tag: [UInt8], content: Digest?, at: Timestamp, notBefore: Timestamp, item: UInt64? = nil
    ) throws(PingStoreError) -> PingReturn {
        guard tag.count == Self.tagBytes else { return .unknown }
        let tag = Blob.data(tag)
        // Anybody may write to a mailbox; what is no probe's costs no flush.
        guard try read({ try id(ofTag: tag, in: $0) }) != nil else { return .unknown }
        let item = item.map { Int64(bitPattern: $0) }
        return try write(isFlushed: true) { database in
            let found = try Row.fetchOne(
                try database.cachedStatement(sql: "SELECT id, content, sent, arrived, item FROM ping WHERE tag = ?"),
                arguments: [tag])
            guard let found else { return .unknown }
            let id = try found.integer(0)
            let sent = try found.maybeInteger(2)
            let arrived = try found.maybeInteger(3)
            let known = try found.maybeInteger(4)
            guard let content, content.blob == Data.fromDatabaseValue(found[1]) else {
                return try note(.damaged, of: id, at: at, item: item, in: database) ? .damaged(id) : .noted(id)
            }
            if arrived != nil {
                if let item, item == known { return .noted(id) }
                return try note(.duplicate, of: id, at: at, item: item, in: database) ? .again(id) : .noted(id)
            }
            let earliest = max(notBefore, Timestamp(milliseconds: sent ?? .min))
            // One that came before it was sent speaks of the clock only.
            let isEarly = at.milliseconds < sent ?? .min
            try database.cachedStatement(
                sql: """
                    UPDATE ping SET arrived = :at, slack = :slack, item = :item,
                        state = IIF(state = 1, IIF(:early, 4, 2), state), decided = IIF(state = 1, :at, decided)
                    WHERE id = :id
                    """
            ).execute(arguments: [
                "at": at.milliseconds, "slack": max(.zero, at - earliest).milliseconds, "item": item,
                "early": isEarly, "id": id,
            ])
            return .first(id)
        }
    }

    private func id(ofTag tag: Data, in database: Database) throws -> Int64? {
        try Int64.fetchOne(
            try database.cachedStatement(sql: "SELECT id FROM ping WHERE tag = ?"), arguments: [tag])
    }

    /// The number of a mailbox, which gets one if it has none.
    func mailbox(_ node: NodeID?, in database: Database) throws -> Int64 {
        guard let node else { return Int64(PingSchema.mail) }
        let number = try number(of: node, in: database)
        try database.cachedStatement(sql: "INSERT INTO mailbox (number, node) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .execute(arguments: [number, number])
        return number
    }

    private enum Sign: Int {
        case duplicate = 1
        case damaged
    }

    /// Counts a sign against all nodes of the probe's path, one of a kind for a probe: whoever makes one copy can make a
    /// thousand. False if the same item was counted already.
    private func note(
        _ sign: Sign, of ping: Int64, at: Timestamp, item: Int64?, in database: Database
    ) throws -> Bool {
        if let item {
            let known = try Int.fetchOne(
                try database.cachedStatement(sql: "SELECT 1 FROM evidence WHERE ping = ? AND item = ? LIMIT 1"),
                arguments: [ping, item])
            if known != nil { return false }
        }
        let isCounted = try Int.fetchOne(
            try database.cachedStatement(sql: "SELECT 1 FROM evidence WHERE ping = ? AND sign = ? LIMIT 1"),
            arguments: [ping, sign.rawValue])
        if isCounted != nil { return true }
        try database.cachedStatement(
            sql: """
                INSERT INTO evidence (ping, node, sign, at, item)
                SELECT ping.id, node.number, :sign, :at, :item FROM ping
                JOIN node ON node.number IN (hop1, hop2, hop3, hop4, hop5) WHERE ping.id = :ping
                """
        ).execute(arguments: ["sign": sign.rawValue, "at": at.milliseconds, "item": item, "ping": ping])
        try bound("evidence", to: bounds.evidence, in: database)
        return true
    }
}
