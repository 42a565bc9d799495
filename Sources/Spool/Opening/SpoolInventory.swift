// Taking stock: segments and files against their rows, totals, filters, lists for the caller.

internal import Foundation
internal import GRDB
internal import MixCrypto
internal import WireFormat

/// The contents of a spool while it is opened; one use, on the writer's connection.
struct SpoolInventory {
    let database: Database
    let directory: SpoolDirectory
    let seal: StorageSeal
    let configuration: SpoolConfiguration
    let now: Timestamp

    var recovery = SpoolRecovery()
    var ledger = Ledger()
    var state: SharedState
    var filters: [KeyPeriod: ReplayFilter] = [:]

    init(
        database: Database, directory: SpoolDirectory, seal: StorageSeal, configuration: SpoolConfiguration,
        now: Timestamp
    ) {
        self.database = database
        self.directory = directory
        self.seal = seal
        self.configuration = configuration
        self.now = now
        state = SharedState(hot: HotBodies(capacity: configuration.cacheBytes))
    }

    /// Fills everything in. Repairs are committed together; a crash on the way repeats them.
    mutating func take() throws {
        try database.inTransaction(.immediate) {
            try takeSegments()
            try takePackets()
            try takeItems()
            try takeMessages()
            try takeDeliveries()
            try takeMailboxes()
            return .commit
        }
        try takeTags()
        try deleteOrphans()
    }

    private mutating func takePackets() throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT id, destination, release, deadline, segment, slot, length FROM packet ORDER BY id")
        while let row = try rows.next() {
            let id: Int64 = row[0]
            let packet = WaitingPacket(
                id: PacketRowID(id), destination: try NodeID(blob: row[1]), release: Timestamp(milliseconds: row[2]),
                deadline: Timestamp(milliseconds: row[3]))
            state.packets[id] = try Record(row, at: 4)
            recovery.packets.append(packet)
        }
        ledger.packets = recovery.packets.count
        ledger.nextPacket = (recovery.packets.last?.id.number ?? 0) + 1
    }

    private mutating func takeItems() throws {
        recovery.items = try Row.fetchAll(database, sql: "SELECT id, kind, deadline, length FROM item ORDER BY id").map
        {
            StoredItem(
                id: ItemRowID($0[0]), kind: $0[1], deadline: Timestamp(milliseconds: $0[2]), length: $0[3])
        }
        ledger.items = recovery.items.count
        ledger.nextItem = (recovery.items.last?.id.number ?? 0) + 1
    }

    private mutating func takeMessages() throws {
        ledger.shares = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM share") ?? 0
        ledger.shareBytes = ledger.shares * Record.sealedSize
        ledger.openMessages = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM message WHERE state = 0") ?? 0
        ledger.rememberedMessages =
            try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM message WHERE state <> 0") ?? 0
        recovery.completeMessages = try Data.fetchAll(
            database, sql: "SELECT id FROM message WHERE state = 0 AND whole = groups"
        ).map { try MessageID(blob: $0) }
    }

    private mutating func takeDeliveries() throws {
        for name in try Data.fetchAll(database, sql: "SELECT name FROM file").map({ try SealedFileName(blob: $0) })
        where PosixDirectory.size(of: directory.file(name)) == nil {
            try database.execute(sql: "DELETE FROM delivery WHERE file = ?", arguments: [name.blob])
            recovery.damage.deliveries += database.changesCount
            try database.execute(sql: "DELETE FROM file WHERE name = ?", arguments: [name.blob])
        }
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT id, message, recipient, file, deadline, nextattempt, attempts, state FROM delivery ORDER BY id"
        )
        for row in rows {
            let id: Int64 = row[0]
            let sealed = try [UInt8](blob: row[2])
            guard let recipient = try? seal.open(sealed, as: StoredDelivery.recipientPlace(id)) else {
                try loseDelivery(id, file: SealedFileName(blob: row[3]))
                continue
            }
            recovery.deliveries.append(
                StoredDelivery(
                    id: DeliveryRowID(id), message: try MessageID(blob: row[1]),
                    recipient: String(decoding: recipient, as: UTF8.self), file: try SealedFileName(blob: row[3]),
                    deadline: Timestamp(milliseconds: row[4]), nextAttempt: Timestamp(milliseconds: row[5]),
                    attempts: row[6], state: row[7]))
        }
        ledger.deliveries = recovery.deliveries.count
        ledger.nextDelivery = (recovery.deliveries.last?.id.number ?? 0) + 1
    }

    private mutating func takeMailboxes() throws {
        ledger.mailboxes = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM mailbox") ?? 0
        ledger.mailBlocks = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM mailblock") ?? 0
    }

    private mutating func loseDelivery(_ id: Int64, file: SealedFileName) throws {
        recovery.damage.deliveries += 1
        try database.execute(sql: "DELETE FROM delivery WHERE id = ?", arguments: [id])
        try database.execute(
            sql: "UPDATE file SET deliveries = deliveries - 1 WHERE name = ?", arguments: [file.blob])
        try database.execute(
            sql: "DELETE FROM file WHERE name = ? AND deliveries <= 0", arguments: [file.blob])
    }

    /// Fills the filters. A period with more tags than a filter is good for is left to the database.
    private mutating func takeTags() throws {
        for period in try Schema.periods("replay_", in: database) {
            var filter = ReplayFilter(bytes: configuration.replayFilterBytes)
            let tags = try Data.fetchCursor(
                database, sql: "SELECT tag FROM \(Schema.replayTable(period)) LIMIT ?", arguments: [filter.capacity + 1]
            )
            while let tag = try tags.next() {
                guard let key = ReplayKey(tag) else { throw SpoolError.damaged }
                filter.insert(key)
            }
            filter.isPartial = filter.count > filter.capacity
            filters[period] = filter
        }
    }

    private func deleteOrphans() throws {
        for name in try directory.names(in: directory.segments)
        where UInt32(name).flatMap({ state.segments[$0] }) == nil {
            try PosixDirectory.remove("\(directory.segments)/\(name)")
        }
        let files = Set(
            try Data.fetchAll(database, sql: "SELECT name FROM file").map { try SealedFileName(blob: $0).hex })
        for name in try directory.names(in: directory.files) where !files.contains(name) {
            try PosixDirectory.remove("\(directory.files)/\(name)")
        }
    }
}
