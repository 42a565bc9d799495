// Operations on packets, items and tags.

internal import GRDB
internal import MixCrypto
internal import Synchronization
internal import WireFormat

extension SpoolWriter {
    /// Carries out one operation within the open transaction.
    func apply(_ operation: SpoolOperation) throws -> SpoolResult {
        if operation.isOversized { return .failed(.malformed) }
        switch operation {
        case .acceptPacket(let tag, let period, let destination, let release, let deadline, let body):
            guard try remember(tag, period) else { return .replay }
            guard let id = try store(destination, release, deadline, body) else { return try full(tag, period) }
            return .stored(id)
        case .acceptPart(let tag, let period, let part, let deadline, let share):
            guard try remember(tag, period) else { return .replay }
            let result = try acceptPart(part, deadline: deadline, share: share)
            return result == .full ? try full(tag, period) : result
        case .acceptNothing(let tag, let period):
            return try remember(tag, period) ? .remembered : .replay
        case .acceptItem(let tag, let period, let kind, let deadline, let body):
            guard try remember(tag, period) else { return .replay }
            guard let id = try storeItem(kind, deadline, body) else { return try full(tag, period) }
            return .itemStored(id)
        case .acceptMail(let tag, let period, let mailbox, let block):
            guard try remember(tag, period) else { return .replay }
            let result = try putMail([block], into: mailbox)
            guard result == .full else { return result }
            // The room that all mailboxes have together is theirs to use up: a sender who is told to try again would hold
            // back everybody else's packets for this node, too.
            return staged.mailBlocks >= configuration.maxMailBlocks ? .mailboxFull : try full(tag, period)
        case .deliverToMailbox(let id, let state, let mailbox, let blocks):
            return try deliver(id, state, blocks, into: mailbox)
        case .createMailbox(let mailbox, let policy, let quota, let time):
            return try createMailbox(mailbox, policy: policy, quota: quota, at: time)
        case .configureMailbox(let mailbox, let policy, let time):
            return try configureMailbox(mailbox, policy: policy, at: time)
        case .deleteMailbox(let mailbox):
            return try deleteMailbox(mailbox)
        case .pollMailbox(let mailbox, let ids, let time):
            return try pollMailbox(mailbox, acknowledging: ids, at: time)
        case .enqueuePacket(let destination, let release, let deadline, let body):
            guard let id = try store(destination, release, deadline, body) else { return .full }
            return .stored(id)
        case .removePackets(let ids):
            return .removed(try ids.reduce(0) { $0 + (try removePacket($1.number) ? 1 : 0) })
        case .removeItems(let ids):
            return .removed(try ids.reduce(0) { $0 + (try removeItem($1.number) ? 1 : 0) })
        case .completeMessage(let message, let forgetAfter, let deliveries):
            return try complete(message, forgetAfter: forgetAfter, deliveries: deliveries)
        case .dropMessage(let message, let forgetAfter):
            return try drop(message, forgetAfter: forgetAfter)
        case .addDeliveries(let deliveries):
            return .completed(try insert(deliveries, message: MessageID()))
        case .updateDelivery(let id, let nextAttempt, let attempts, let state):
            let changed = try run(
                "UPDATE delivery SET nextattempt = ?, attempts = ?, state = ? WHERE id = ?",
                [nextAttempt.milliseconds, attempts, state, id.number])
            return changed == 1 ? .updated : .removed(0)
        case .finishDelivery(let id):
            return try finish(id)
        case .forgetPeriod(let period):
            try forget(period)
            return .updated
        case .expire(let time):
            return .expired(try expire(time))
        }
    }

    // MARK: Tags

    /// Remembers a tag; false if it is known, also from earlier in the same group.
    private func remember(_ tag: ReplayTag, _ period: KeyPeriod) throws -> Bool {
        let statements = try prepared()
        if !statements.knows(period) {
            let isNew = try row("SELECT 1 FROM sqlite_master WHERE name = ?", [Schema.replayTable(period)]) == nil
            if isNew { try run("CREATE TABLE \(Schema.replayTable(period)) \(Schema.replayColumns)", []) }
            effects.newPeriods.append(period)
        }
        let key = ReplayKey(tag)
        guard try statements.insertTag(key, period: period) else { return false }
        effects.tags.append((period, key))
        return true
    }

    /// Takes back a tag whose packet cannot be held, so that the sender's next try is not taken for a replay.
    private func full(_ tag: ReplayTag, _ period: KeyPeriod) throws -> SpoolResult {
        try run("DELETE FROM \(Schema.replayTable(period)) WHERE tag = ?", [ReplayKey(tag).blob])
        effects.tags.removeLast()
        return .full
    }

    // MARK: Records

    /// Appends a body to the current segment, or to a new one.
    func append(_ body: [UInt8]) throws -> Record {
        if appender.isFull(limit: configuration.segmentRecords) {
            let id = staged.nextSegment
            staged.nextSegment += 1
            let key = SymmetricSecret.random()
            let segment = Segment(id: id, file: try PosixFile.create(core.directory.segment(id)), key: key)
            appender.begin(segment)
            let sealed = try core.seal.seal(key, as: SegmentKey.place(id))
            try run("INSERT INTO segment VALUES (?, ?, ?)", [id, Blob.data(sealed), now.milliseconds])
            staged.segments[id] = Ledger.SegmentUse(created: now)
        }
        let record = try appender.append(body)
        staged.wrote(record)
        return record
    }

    /// Holds a packet; nil if there is no room.
    private func store(_ destination: NodeID, _ release: Timestamp, _ deadline: Timestamp, _ body: [UInt8]) throws
        -> PacketRowID?
    {
        guard !storesNothing, staged.packets < configuration.maxPackets, staged.hasRoom(configuration) else {
            return nil
        }
        let record = try append(body)
        let id = staged.nextPacket
        staged.nextPacket += 1
        staged.packets += 1
        try prepared().insertPacket(
            id: id, destination: destination, release: release, deadline: deadline, record: record)
        effects.stored.append((id, record, release, body))
        return PacketRowID(id)
    }

    /// Forgets a packet; false if there is none.
    func removePacket(_ id: Int64) throws -> Bool {
        let place = core.state.withLock { $0.packets[id] } ?? effects.stored.first { $0.id == id }?.record
        guard let place, try prepared().deletePacket(id) else { return false }
        let segment = effects.moved.last { $0.id == id }?.to.segment ?? place.segment
        staged.released(1, in: segment)
        staged.packets -= 1
        effects.removed.append(id)
        return true
    }

    private func storeItem(_ kind: Int, _ deadline: Timestamp, _ body: [UInt8]) throws -> ItemRowID? {
        guard !storesNothing, staged.items < configuration.maxItems, staged.hasRoom(configuration) else { return nil }
        let record = try append(body)
        let id = staged.nextItem
        staged.nextItem += 1
        staged.items += 1
        try run(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)",
            [id, kind, deadline.milliseconds, record.segment, record.slot, record.length])
        return ItemRowID(id)
    }

    /// Forgets an item; false if there is none.
    func removeItem(_ id: Int64) throws -> Bool {
        guard let found = try row("SELECT segment FROM item WHERE id = ?", [id]) else { return false }
        try run("DELETE FROM item WHERE id = ?", [id])
        staged.released(1, in: found[0])
        staged.items -= 1
        return true
    }
}
