// What goes with time: deadlines, names of messages, tags of destroyed keys.

internal import GRDB
internal import WireFormat

extension SpoolWriter {
    /// Removes what is past its time, and lets old segments be emptied.
    func expire(_ time: Timestamp) throws -> SpoolExpiry {
        now = time
        isPaused = false
        if !reserve.isHeld { takeReserve() }
        mayTruncate = erasures > 0
        if let current = appender.current?.id, let use = staged.segments[current],
            use.created + configuration.segmentAge <= now
        {
            appender.close(ifCurrent: current)
        }
        var expiry = SpoolExpiry()
        for found in try rows("SELECT id FROM packet WHERE deadline <= ?", [now.milliseconds]) {
            let id: Int64 = found[0]
            if try removePacket(id) { expiry.packets.append(PacketRowID(id)) }
        }
        for found in try rows("SELECT id FROM item WHERE deadline <= ?", [now.milliseconds]) {
            let id: Int64 = found[0]
            if try removeItem(id) { expiry.items.append(ItemRowID(id)) }
        }
        for found in try rows("SELECT id FROM message WHERE state = 0 AND until <= ?", [now.milliseconds]) {
            let message = try MessageID(blob: found[0])
            expiry.shares += try removeShares(message)
            try run("DELETE FROM message WHERE id = ?", [message.blob])
            staged.openMessages -= 1
            expiry.messages += 1
        }
        expiry.names = try run("DELETE FROM message WHERE state <> 0 AND until <= ?", [now.milliseconds])
        staged.rememberedMessages -= expiry.names
        try expireMailboxes(&expiry)
        return expiry
    }

    /// Forgets a period's tags at once as far as lookups go; the rows are erased in steps, because overwriting
    /// millions of them takes longer than a group may wait.
    func forget(_ period: KeyPeriod) throws {
        let table = Schema.replayTable(period)
        try prepared().forget(period)
        effects.forgotten.append(period)
        effects.tags.removeAll { $0.period == period }
        guard try row("SELECT 1 FROM sqlite_master WHERE name = ?", [table]) != nil else { return }
        let older = Schema.forgottenTable(period)
        if try row("SELECT 1 FROM sqlite_master WHERE name = ?", [older]) != nil { try run("DROP TABLE \(older)", []) }
        try run("ALTER TABLE \(table) RENAME TO \(older)", [])
        effects.erasable.append(period)
    }

    /// Erases some of a forgotten period's rows; with the last ones, the table.
    func eraseStep(_ period: KeyPeriod) throws {
        let table = Schema.forgottenTable(period)
        let step = max(1, configuration.eraseStep)
        if let last = try row("SELECT tag FROM \(table) ORDER BY tag LIMIT 1 OFFSET ?", [step]) {
            try run("DELETE FROM \(table) WHERE tag < ?", [last[0] as DatabaseValue])
        } else {
            try run("DROP TABLE \(table)", [])
            effects.erasedPeriods.append(period)
        }
    }
}
