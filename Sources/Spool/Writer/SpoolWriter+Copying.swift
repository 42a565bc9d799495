// Emptying a segment: what still waits in it is sealed again into the current one, a few records at a time, until
// nothing points at the old file. Its key is erased by the transaction that takes the last record out.

internal import Foundation
internal import GRDB
internal import WireFormat

/// A segment that is being emptied.
struct SegmentCopy {
    /// The row that points at a record.
    enum Owner {
        case packet(Int64)
        case item(Int64)
        case share(MessageID, group: Int, index: Int)
        case mailBlock(mailbox: Data, number: Int64)
    }
    var segment: UInt32
    /// Rows not yet looked at.
    var owners: [Owner]
}

extension SpoolWriter {
    /// One bounded step of emptying the segment that needs it most.
    func copyStep() throws(SpoolError) {
        if copying == nil { try chooseSegment() }
        guard var copy = copying else { return }
        let step = Array(copy.owners.suffix(max(1, configuration.copyStep)))
        copy.owners.removeLast(step.count)
        try transaction {
            for owner in step { try copyOn(owner, from: copy.segment) }
            CrashPoint.reached(.recordsCopied)
        }
        CrashPoint.reached(.copyCommitted)
        copying = copy.owners.isEmpty ? nil : copy
    }

    private func chooseSegment() throws(SpoolError) {
        guard let id = ledger.nextToCopy(except: appender.current?.id, now: now, configuration: configuration) else {
            return
        }
        var owners: [SegmentCopy.Owner] = []
        try transaction {
            for found in try rows("SELECT id FROM packet WHERE segment = ?", [id]) { owners.append(.packet(found[0])) }
            for found in try rows("SELECT id FROM item WHERE segment = ?", [id]) { owners.append(.item(found[0])) }
            for found in try rows("SELECT message, number, position FROM share WHERE segment = ?", [id]) {
                owners.append(.share(try MessageID(blob: found[0]), group: found[1], index: found[2]))
            }
            for found in try rows("SELECT mailbox, number FROM mailblock WHERE segment = ?", [id]) {
                owners.append(.mailBlock(mailbox: found[0], number: found[1]))
            }
            // The rows are the truth; with it a segment that has none is erased here.
            staged.segments[id]?.live = owners.count
        }
        copying = owners.isEmpty ? nil : SegmentCopy(segment: id, owners: owners)
    }

    /// Moves one record. A row that is gone or points elsewhere by now is passed over; a damaged record is lost.
    private func copyOn(_ owner: SegmentCopy.Owner, from segment: UInt32) throws {
        let place: Row?
        switch owner {
        case .packet(let id):
            place = try row("SELECT segment, slot, length FROM packet WHERE id = ? AND segment = ?", [id, segment])
        case .item(let id):
            place = try row("SELECT segment, slot, length FROM item WHERE id = ? AND segment = ?", [id, segment])
        case .share(let message, let group, let index):
            place = try row(
                """
                SELECT segment, slot, length FROM share
                WHERE message = ? AND number = ? AND position = ? AND segment = ?
                """, [message.blob, group, index, segment])
        case .mailBlock(let mailbox, let number):
            place = try row(
                "SELECT segment, slot, length FROM mailblock WHERE mailbox = ? AND number = ? AND segment = ?",
                [mailbox, number, segment])
        }
        guard let place else { return }
        let body: [UInt8]
        do {
            body = try core.read(try Record(place, at: 0))
        } catch .damaged {
            effects.damagedRecords += 1
            return try removeDamaged(owner)
        }
        let record = try append(body)
        staged.released(1, in: segment)
        effects.copiedRecords += 1
        switch owner {
        case .packet(let id):
            try run(
                "UPDATE packet SET segment = ?, slot = ? WHERE id = ?", [record.segment, record.slot, id])
            effects.moved.append((id, segment, record))
        case .item(let id):
            try run("UPDATE item SET segment = ?, slot = ? WHERE id = ?", [record.segment, record.slot, id])
        case .share(let message, let group, let index):
            try run(
                "UPDATE share SET segment = ?, slot = ? WHERE message = ? AND number = ? AND position = ?",
                [record.segment, record.slot, message.blob, group, index])
        case .mailBlock(let mailbox, let number):
            try run(
                "UPDATE mailblock SET segment = ?, slot = ? WHERE mailbox = ? AND number = ?",
                [record.segment, record.slot, mailbox, number])
        }
    }

    private func removeDamaged(_ owner: SegmentCopy.Owner) throws {
        switch owner {
        case .packet(let id): _ = try removePacket(id)
        case .item(let id): _ = try removeItem(id)
        case .share(let message, let group, let index):
            try removeDamagedShare(message: message, group: group, index: index)
        case .mailBlock(let mailbox, let number): try removeMailBlock(UInt64(max(0, number)), of: mailbox)
        }
    }
}
