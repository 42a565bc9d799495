// Mailboxes and what is put into them and taken out.

internal import Foundation
internal import GRDB
internal import WireFormat

extension SpoolWriter {
    /// How long a poll counts as the last one before the next is written down: a disk shows no better when an owner was
    /// there, and most polls write nothing.
    private static let pollGrain = Interval.hours(1)

    func createMailbox(_ mailbox: MailboxID, policy: [UInt8], quota: Int, at time: Timestamp) throws -> SpoolResult {
        let name = core.seal.name(of: mailbox)
        let sealed = Blob.data(try core.seal.seal(policy, as: name.place))
        if try row("SELECT 1 FROM mailbox WHERE id = ?", [name.blob]) != nil {
            try run(
                "UPDATE mailbox SET policy = ?, quota = ?, polled = MAX(polled, ?) WHERE id = ?",
                [sealed, quota, time.milliseconds, name.blob])
        } else {
            guard !storesNothing, staged.mailboxes < configuration.maxMailboxes else { return .full }
            try run(
                "INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, 1)",
                [name.blob, sealed, time.milliseconds, time.milliseconds, quota])
            staged.mailboxes += 1
        }
        return try state(name, at: time)
    }

    func configureMailbox(_ mailbox: MailboxID, policy: [UInt8], at time: Timestamp) throws -> SpoolResult {
        let name = core.seal.name(of: mailbox)
        let sealed = Blob.data(try core.seal.seal(policy, as: name.place))
        guard try run("UPDATE mailbox SET policy = ? WHERE id = ?", [sealed, name.blob]) == 1 else {
            return .noSuchMailbox
        }
        try notePoll(name, at: time)
        return try state(name, at: time)
    }

    func deleteMailbox(_ mailbox: MailboxID) throws -> SpoolResult {
        try deleteMailbox(core.seal.name(of: mailbox).blob).map { .removed($0) } ?? .noSuchMailbox
    }

    /// Forgets a mailbox with its blocks; how many there were, nil if there is no such mailbox.
    private func deleteMailbox(_ name: Data) throws -> Int? {
        guard try run("DELETE FROM mailbox WHERE id = ?", [name]) == 1 else { return nil }
        staged.mailboxes -= 1
        var count = 0
        for found in try rows("SELECT segment, COUNT(*) FROM mailblock WHERE mailbox = ? GROUP BY segment", [name]) {
            let blocks: Int = found[1]
            staged.released(blocks, in: found[0])
            count += blocks
        }
        try run("DELETE FROM mailblock WHERE mailbox = ?", [name])
        staged.mailBlocks -= count
        return count
    }

    func pollMailbox(_ mailbox: MailboxID, acknowledging ids: [UInt64], at time: Timestamp) throws -> SpoolResult {
        let name = core.seal.name(of: mailbox)
        guard try row("SELECT 1 FROM mailbox WHERE id = ?", [name.blob]) != nil else { return .noSuchMailbox }
        try notePoll(name, at: time)
        for id in ids { try removeMailBlock(id, of: name.blob) }
        return try state(name, at: time)
    }

    private func notePoll(_ name: MailboxName, at time: Timestamp) throws {
        try run(
            "UPDATE mailbox SET polled = ? WHERE id = ? AND polled <= ?",
            [time.milliseconds, name.blob, (time - Self.pollGrain).milliseconds])
    }

    private func state(_ name: MailboxName, at time: Timestamp) throws -> SpoolResult {
        guard let found = try row("SELECT quota, polled FROM mailbox WHERE id = ?", [name.blob]),
            let counts = try row(
                "SELECT COUNT(*), MIN(number) FROM mailblock WHERE mailbox = ? AND release <= ?",
                [name.blob, time.milliseconds])
        else { return .noSuchMailbox }
        let oldest: Int64? = counts[1]
        return .mailbox(
            MailboxState(
                blocks: counts[0], quota: found[0],
                expires: Timestamp(milliseconds: found[1]) + configuration.mailboxLifetime,
                oldest: oldest.flatMap { UInt64(exactly: $0) }))
    }

    /// Forgets one block; false if there is none.
    @discardableResult
    func removeMailBlock(_ number: UInt64, of name: Data) throws -> Bool {
        guard let number = Int64(exactly: number),
            let found = try row("SELECT segment FROM mailblock WHERE mailbox = ? AND number = ?", [name, number])
        else { return false }
        try run("DELETE FROM mailblock WHERE mailbox = ? AND number = ?", [name, number])
        staged.released(1, in: found[0])
        staged.mailBlocks -= 1
        return true
    }

    /// Puts blocks into a mailbox, all or none. `mailStored`, `noSuchMailbox`, `mailboxFull` or `full`.
    func putMail(_ blocks: [NewMailBlock], into mailbox: MailboxID) throws -> SpoolResult {
        let name = core.seal.name(of: mailbox)
        guard let found = try row("SELECT quota, next FROM mailbox WHERE id = ?", [name.blob]) else {
            return .noSuchMailbox
        }
        let held: Int = try row("SELECT COUNT(*) FROM mailblock WHERE mailbox = ?", [name.blob])?[0] ?? 0
        guard held + blocks.count <= found[0] else { return .mailboxFull }
        guard !storesNothing, staged.mailBlocks + blocks.count <= configuration.maxMailBlocks,
            staged.hasRoom(configuration, for: blocks.count)
        else { return .full }
        let first: Int64 = found[1]
        for (index, block) in blocks.enumerated() {
            let record = try append(block.body)
            staged.mailBlocks += 1
            try run(
                "INSERT INTO mailblock VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    name.blob, first + Int64(index), block.kind, block.release.milliseconds,
                    block.expires.milliseconds, record.segment, record.slot, record.length,
                ])
        }
        try run("UPDATE mailbox SET next = ? WHERE id = ?", [first + Int64(blocks.count), name.blob])
        return .mailStored
    }

    /// Puts a delivery's blocks into a mailbox, once, and marks the delivery.
    func deliver(
        _ id: DeliveryRowID, _ state: Int, _ blocks: [NewMailBlock], into mailbox: MailboxID
    ) throws -> SpoolResult {
        guard let found = try row("SELECT state FROM delivery WHERE id = ?", [id.number]) else { return .unknown }
        if (found[0] as Int) == state { return .mailStored }
        let result = try putMail(blocks, into: mailbox)
        if result == .mailStored { try run("UPDATE delivery SET state = ? WHERE id = ?", [state, id.number]) }
        return result
    }

    /// Removes mailboxes that nobody polls and blocks that nobody fetched.
    func expireMailboxes(_ expiry: inout SpoolExpiry) throws {
        let unpolled = (now - configuration.mailboxLifetime).milliseconds
        for found in try rows("SELECT id FROM mailbox WHERE polled <= ?", [unpolled]) {
            expiry.mailBlocks += try deleteMailbox(found[0]) ?? 0
            expiry.mailboxes += 1
        }
        for found in try rows("SELECT mailbox, number FROM mailblock WHERE expires <= ?", [now.milliseconds]) {
            let number: Int64 = found[1]
            if try removeMailBlock(UInt64(max(0, number)), of: found[0]) { expiry.mailBlocks += 1 }
        }
    }
}
