// The slots of accounts: what is due, what there is to fill it with, and its spending as one step.

internal import GRDB
public import WireFormat

extension NymStore {
    /// Slots whose time has come, the oldest first.
    public func dueSlots(_ now: Timestamp, limit: Int) throws(NymStoreError) -> [NymSlot] {
        try read { database in
            try Row.fetchAll(
                try database.cachedStatement(
                    sql: "SELECT id, next_slot FROM account WHERE next_slot <= ? ORDER BY next_slot LIMIT ?"),
                arguments: [now.milliseconds, limit]
            ).map { NymSlot(account: try $0.integer(0), time: Timestamp(milliseconds: try $0.integer(1))) }
        }
    }

    /// The time of the next slot of any account; nil without accounts.
    public func nextSlot() throws(NymStoreError) -> Timestamp? {
        try read { database in
            try Row.fetchOne(try database.cachedStatement(sql: "SELECT MIN(next_slot) FROM account"))?
                .maybeInteger(0).map(Timestamp.init(milliseconds:))
        }
    }

    /// Slots after a time, the last first: what a clock that was ahead has left behind.
    public func slots(after time: Timestamp, limit: Int) throws(NymStoreError) -> [NymSlot] {
        try read { database in
            try Row.fetchAll(
                try database.cachedStatement(
                    sql: "SELECT id, next_slot FROM account WHERE next_slot > ? ORDER BY next_slot DESC LIMIT ?"),
                arguments: [time.milliseconds, limit]
            ).map { NymSlot(account: try $0.integer(0), time: Timestamp(milliseconds: try $0.integer(1))) }
        }
    }

    /// Moves slots that passed while nobody looked to times to come, in one step: nothing is sent for them.
    public func moveSlots(_ slots: [NymSlot]) throws(NymStoreError) {
        guard !slots.isEmpty else { return }
        try write { database in
            let statement = try database.cachedStatement(sql: "UPDATE account SET next_slot = ? WHERE id = ?")
            for slot in slots { try statement.execute(arguments: [slot.time.milliseconds, slot.account]) }
        }
    }

    /// What there is to fill a slot of an account with; nil if the account is gone.
    /// - Parameters:
    ///   - blockUntil: Blocks that expire before this are passed over.
    ///   - sentBefore: What was sent wholly before this and is still here, is wanted again.
    ///   - limit: Items of each sort.
    public func material(
        for account: Int64, blockUntil: Timestamp, sentBefore: Timestamp, limit: Int
    ) throws(NymStoreError) -> NymSlotMaterial? {
        while true {
            do {
                return try read { database in
                    guard let stored = try self.account(account, in: database) else { return nil }
                    return NymSlotMaterial(
                        account: stored, block: try block(of: account, until: blockUntil, in: database),
                        items: try waiting(of: account, sentBefore: sentBefore, limit: limit, in: database))
                }
            } catch NymStoreError.damagedBlock(let id) {
                // One bad row is no reason to stop an account, let alone a server.
                try write { try $0.execute(sql: "DELETE FROM block WHERE id = ?", arguments: [id]) }
                noteRepair()
            }
        }
    }

    private func block(of account: Int64, until: Timestamp, in database: Database) throws -> StoredNymBlock? {
        guard
            let row = try Row.fetchOne(
                try database.cachedStatement(
                    sql: """
                        SELECT id, generation, expiry, bytes FROM block WHERE account = ? AND expiry >= ?
                            ORDER BY generation, expiry, id LIMIT 1
                        """), arguments: [account, until.milliseconds])
        else { return nil }
        let id = try row.integer(0)
        guard let content = try? opened(row.bytes(3), as: Self.place("block", account)) else {
            throw NymStoreError.damagedBlock(id)
        }
        return StoredNymBlock(
            id: id, generation: try row.small(1), expiry: Timestamp(milliseconds: try row.integer(2)), content: content)
    }

    private func waiting(
        of account: Int64, sentBefore: Timestamp, limit: Int, in database: Database
    ) throws -> [StoredNymItem] {
        var items: [StoredNymItem] = []
        for resent in [0, 1] {
            items += try Row.fetchAll(
                try database.cachedStatement(
                    sql: """
                        SELECT \(Self.itemColumns) FROM item INDEXED BY item_waiting
                            WHERE account = ? AND resent = ? AND waiting > 0 ORDER BY id, kind LIMIT ?
                        """), arguments: [account, resent, limit]
            ).map(Self.item)
        }
        return items
            + (try Row.fetchAll(
                try database.cachedStatement(
                    sql: """
                        SELECT \(Self.itemColumns) FROM item INDEXED BY item_sent
                            WHERE account = ? AND waiting = 0 AND held = 0 AND sent < ? ORDER BY sent LIMIT ?
                        """), arguments: [account, sentBefore.milliseconds, limit]
            ).map(Self.item))
    }

    /// Spends a slot: the block goes, the packet comes, what it carries waits no more, and the next slot is set; all of it
    /// or nothing. `conflict` if the slot was spent, the account changed or the block is gone.
    /// - Returns: The packet's number; nil without a packet.
    @discardableResult
    public func spendSlot(_ spending: NymSpending) throws(NymStoreError) -> Int64? {
        let account = spending.slot.account
        return try write { database -> Int64?? in
            try expect(spending.revision, of: account, in: database)
            try database.cachedStatement(
                sql: "UPDATE account SET revision = revision + 1, next_slot = ? WHERE id = ? AND next_slot = ?"
            ).execute(arguments: [spending.next.milliseconds, account, spending.slot.time.milliseconds])
            guard database.changesCount == 1 else { throw NymStoreError.conflict }
            if let block = spending.block {
                try database.cachedStatement(sql: "DELETE FROM block WHERE id = ? AND account = ?")
                    .execute(arguments: [block, account])
                guard database.changesCount == 1 else { throw NymStoreError.conflict }
            }
            for state in spending.states { try put(state, of: account, in: database) }
            guard let packet = spending.packet else { return .some(nil) }
            return .some(try add(packet, in: database))
        } ?? nil
    }

    /// Adds a packet that belongs to no slot: the answer to a creation that was refused.
    @discardableResult
    public func addPacket(_ packet: NewNymPacket) throws(NymStoreError) -> Int64 {
        try write { try add(packet, in: $0) }
    }

    /// As `addPacket`, through a block that belongs to no stock; nil, and nothing done, if the block came before.
    public func addPacket(_ packet: NewNymPacket, through block: NewNymBlock) throws(NymStoreError) -> Int64? {
        try write { database -> Int64?? in
            guard try isNew(block, in: database) else { return .some(nil) }
            return .some(try add(packet, in: database))
        } ?? nil
    }

    private func add(_ packet: NewNymPacket, in database: Database) throws -> Int64 {
        try database.cachedStatement(sql: "INSERT INTO packet (node, release, deadline, bytes) VALUES (?, ?, ?, ?)")
            .execute(arguments: [
                packet.node.blob, packet.release.milliseconds, packet.deadline.milliseconds, Blob.data(packet.content),
            ])
        return database.lastInsertedRowID
    }

    /// Packets that the spool does not have yet, the oldest first.
    public func packets(limit: Int) throws(NymStoreError) -> [StoredNymPacket] {
        try read { database in
            try Row.fetchAll(
                try database.cachedStatement(
                    sql: "SELECT id, node, release, deadline, bytes FROM packet ORDER BY id LIMIT ?"),
                arguments: [limit]
            ).map { row in
                guard let node = NodeID(try row.bytes(1)) else { throw NymStoreError.damaged(path: path) }
                return StoredNymPacket(
                    id: try row.integer(0),
                    packet: NewNymPacket(
                        node: node, release: Timestamp(milliseconds: try row.integer(2)),
                        deadline: Timestamp(milliseconds: try row.integer(3)), content: try row.bytes(4)))
            }
        }
    }

    /// The spool has these packets on its disk: their rows go. A packet that a crash before this leaves here is in both; the
    /// caller knows it by its bytes.
    public func tookPackets(_ ids: [Int64]) throws(NymStoreError) {
        guard !ids.isEmpty else { return }
        CrashPoint.reached(.nymPacketHandedOver)
        try write { database in
            let statement = try database.cachedStatement(sql: "DELETE FROM packet WHERE id = ?")
            for id in ids { try statement.execute(arguments: [id]) }
        }
    }
}
