// Checking segments. Their size is checked, and that the first and last record in use open; of a segment that fails,
// every record in use is tried. What opens is kept for the writer to copy on, the rest is lost, and the file is renamed
// once nothing in it is needed. Damage elsewhere shows when the record is read.

internal import Foundation
internal import GRDB
internal import MixCrypto
internal import WireFormat

extension SpoolInventory {
    /// Opens every segment that has a row, and loses the rows of records that cannot be read.
    mutating func takeSegments() throws {
        ledger.nextSegment = 1 + (try directory.names(in: directory.segments).compactMap { UInt32($0) }.max() ?? 0)
        for row in try Row.fetchAll(database, sql: "SELECT id, key, created FROM segment ORDER BY id") {
            guard let id = UInt32(exactly: row[0] as Int64), id < .max else { throw SpoolError.damaged }
            ledger.nextSegment = max(ledger.nextSegment, id + 1)
            let slots = try usedSlots(of: id)
            let sealed = try [UInt8](blob: row[1])
            guard let segment = open(id, sealed) else {
                try lose(slots: slots, in: id)
                try setAside(id)
                continue
            }
            let size = try segment.size()
            let lost = try damagedSlots(of: segment, size: size, used: slots)
            if !lost.isEmpty {
                try lose(slots: lost, in: id)
                if lost.count == slots.count {
                    try setAside(id)
                    continue
                }
            }
            state.segments[id] = segment
            ledger.segments[id] = Ledger.SegmentUse(
                live: slots.count - lost.count, written: max(size / Record.sealedSize, slots.count - lost.count),
                created: Timestamp(milliseconds: row[2]))
        }
        try loseRowsWithoutSegment()
    }

    private func open(_ id: UInt32, _ sealedKey: [UInt8]) -> Segment? {
        // A missing file and a key that does not open are the same to the caller: the records are lost.
        guard let key = try? seal.openSecret(sealedKey, as: SegmentKey.place(id)),
            let file = try? PosixFile.openForReading(directory.segment(id))
        else { return nil }
        return Segment(id: id, file: file, key: key)
    }

    /// Slots of a segment that rows point at, in order.
    private func usedSlots(of id: UInt32) throws -> [Int] {
        try Schema.recordTables.flatMap {
            try Int.fetchAll(database, sql: "SELECT slot FROM \($0) WHERE segment = ?", arguments: [id])
        }.sorted()
    }

    private func damagedSlots(of segment: Segment, size: Int, used: [Int]) throws -> [Int] {
        guard let first = used.first, let last = used.last else { return [] }
        func opens(_ slot: Int) throws -> Bool {
            do {
                _ = try segment.read(slot: slot, length: Record.bodySize)
                return true
            } catch .damaged { return false }
        }
        if try size >= (last + 1) * Record.sealedSize && opens(first) && opens(last) { return [] }
        return try used.filter { try !opens($0) }
    }

    /// Removes the rows of records that are lost, and counts them.
    private mutating func lose(slots: [Int], in id: UInt32) throws {
        for slot in slots {
            try database.execute(sql: "DELETE FROM packet WHERE segment = ? AND slot = ?", arguments: [id, slot])
            recovery.damage.packets += database.changesCount
            try database.execute(sql: "DELETE FROM item WHERE segment = ? AND slot = ?", arguments: [id, slot])
            recovery.damage.items += database.changesCount
            try database.execute(sql: "DELETE FROM share WHERE segment = ? AND slot = ?", arguments: [id, slot])
            recovery.damage.shares += database.changesCount
            try database.execute(sql: "DELETE FROM mailblock WHERE segment = ? AND slot = ?", arguments: [id, slot])
            recovery.damage.mailBlocks += database.changesCount
        }
        if !slots.isEmpty { try recountShares() }
    }

    /// Rows that point into a segment which has no row cannot be read either.
    private mutating func loseRowsWithoutSegment() throws {
        func loseRows(_ table: String) throws -> Int {
            try database.execute(sql: "DELETE FROM \(table) WHERE segment NOT IN (SELECT id FROM segment)")
            return database.changesCount
        }
        recovery.damage.packets += try loseRows("packet")
        recovery.damage.items += try loseRows("item")
        recovery.damage.mailBlocks += try loseRows("mailblock")
        let shares = try loseRows("share")
        recovery.damage.shares += shares
        if shares > 0 { try recountShares() }
    }

    /// Brings the counts of messages into line with the shares that are left.
    private func recountShares() throws {
        try database.execute(
            sql: """
                UPDATE sharegroup SET held = (
                    SELECT COUNT(*) FROM share
                    WHERE share.message = sharegroup.message AND share.number = sharegroup.number);
                UPDATE message SET
                    whole = (SELECT COUNT(*) FROM sharegroup WHERE sharegroup.message = message.id AND held >= k),
                    bytes = \(Record.sealedSize) * (SELECT COUNT(*) FROM share WHERE share.message = message.id)
                    WHERE state = 0;
                """)
    }

    private mutating func setAside(_ id: UInt32) throws {
        try database.execute(sql: "DELETE FROM segment WHERE id = ?", arguments: [id])
        if let name = try directory.setAside(directory.segment(id), now: now) { recovery.damage.setAside.append(name) }
    }
}
