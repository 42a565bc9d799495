// Messages that are being collected. A group that can be rebuilt takes no more shares; a message of which every group
// can be rebuilt is complete. The first part's header is the one the others must agree with.

internal import GRDB
internal import WireFormat

extension SpoolWriter {
    /// Holds a share whose packet's tag is new.
    func acceptPart(_ part: PartRow, deadline: Timestamp, share: [UInt8]) throws -> SpoolResult {
        guard part.isConsistent else { return .partConflict }
        let message = part.message.blob
        var whole = 0
        var bytes = 0
        var held = 0
        let found = try row("SELECT state, groups, length, whole, bytes FROM message WHERE id = ?", [message])
        var group: Row?
        if let found {
            guard (found[0] as Int) == 0 else { return .partDuplicate }
            guard (found[1] as Int) == part.groups, (found[2] as Int) == part.messageLength else {
                return .partConflict
            }
            whole = found[3]
            bytes = found[4]
            group = try row(
                "SELECT k, n, held, sharelength FROM sharegroup WHERE message = ? AND number = ?",
                [message, part.group])
            if let group {
                guard (group[0] as Int) == part.k, (group[1] as Int) == part.n, (group[3] as Int) == share.count else {
                    return .partConflict
                }
                held = group[2]
                if held >= part.k { return .partDuplicate }
                let same = try row(
                    "SELECT 1 FROM share WHERE message = ? AND number = ? AND position = ?",
                    [message, part.group, part.index])
                if same != nil { return .partDuplicate }
            }
        }
        // Limits count what a share takes on disk, so that tiny shares are not cheaper than they are.
        guard part.messageLength <= configuration.maxMessageBytes,
            bytes + Record.sealedSize <= configuration.maxMessageBytes
        else { return .partTooLarge }
        guard !storesNothing, staged.hasRoom(configuration),
            staged.shareBytes + Record.sealedSize <= configuration.maxShareBytes
        else { return .full }
        if found == nil {
            guard staged.openMessages < configuration.maxMessages,
                staged.rememberedMessages < configuration.maxRememberedMessages
            else { return .full }
            try run(
                "INSERT INTO message VALUES (?, 0, ?, ?, ?, 0, 0)",
                [message, deadline.milliseconds, part.groups, part.messageLength])
            staged.openMessages += 1
        }
        let record = try append(share)
        staged.shares += 1
        staged.shareBytes += Record.sealedSize
        try run(
            "INSERT INTO share VALUES (?, ?, ?, ?, ?, ?)",
            [message, part.group, part.index, record.segment, record.slot, record.length])
        if group == nil {
            try run(
                "INSERT INTO sharegroup VALUES (?, ?, ?, ?, 1, ?)", [message, part.group, part.k, part.n, share.count])
        } else {
            try run("UPDATE sharegroup SET held = held + 1 WHERE message = ? AND number = ?", [message, part.group])
        }
        if held + 1 == part.k { whole += 1 }
        try run(
            "UPDATE message SET whole = ?, bytes = ? WHERE id = ?", [whole, bytes + Record.sealedSize, message])
        return .partStored(complete: held + 1 == part.k && whole == part.groups)
    }

    /// Turns a message into deliveries.
    func complete(_ message: MessageID, forgetAfter: Timestamp, deliveries: [NewDelivery]) throws -> SpoolResult {
        guard let found = try row("SELECT state FROM message WHERE id = ?", [message.blob]), (found[0] as Int) == 0
        else {
            // The files were made for nothing, unless an earlier completion holds them.
            for name in Set(deliveries.map(\.file.name)) where try !isHeld(name) { effects.deletedFiles.append(name) }
            return try row("SELECT 1 FROM message WHERE id = ?", [message.blob]) == nil ? .unknown : .alreadyCompleted
        }
        try removeShares(message)
        try close(message, state: 1, until: forgetAfter)
        let ids = try insert(deliveries, message: message)
        effects.completesMessage = true
        CrashPoint.reached(.messageCompleting)
        return .completed(ids)
    }

    /// Gives a message up.
    func drop(_ message: MessageID, forgetAfter: Timestamp) throws -> SpoolResult {
        guard let found = try row("SELECT state FROM message WHERE id = ?", [message.blob]), (found[0] as Int) == 0
        else {
            return .unknown
        }
        let count = try removeShares(message)
        try close(message, state: 2, until: forgetAfter)
        return .removed(count)
    }

    private func close(_ message: MessageID, state: Int, until: Timestamp) throws {
        try run(
            "UPDATE message SET state = ?, until = ?, whole = 0, bytes = 0 WHERE id = ?",
            [state, until.milliseconds, message.blob])
        staged.openMessages -= 1
        staged.rememberedMessages += 1
    }

    /// Forgets a message's shares; how many there were.
    @discardableResult
    func removeShares(_ message: MessageID) throws -> Int {
        var count = 0
        for found in try rows("SELECT segment, COUNT(*) FROM share WHERE message = ? GROUP BY segment", [message.blob])
        {
            let shares: Int = found[1]
            staged.released(shares, in: found[0])
            count += shares
        }
        try run("DELETE FROM share WHERE message = ?", [message.blob])
        try run("DELETE FROM sharegroup WHERE message = ?", [message.blob])
        staged.shares -= count
        staged.shareBytes -= count * Record.sealedSize
        return count
    }

    /// Forgets one share that is damaged, so that another can take its place.
    func removeDamagedShare(message: MessageID, group: Int, index: Int) throws {
        guard
            let found = try row(
                "SELECT segment FROM share WHERE message = ? AND number = ? AND position = ?",
                [message.blob, group, index]),
            let counts = try row(
                "SELECT k, held FROM sharegroup WHERE message = ? AND number = ?", [message.blob, group])
        else { return }
        staged.released(1, in: found[0])
        staged.shares -= 1
        staged.shareBytes -= Record.sealedSize
        try run(
            "DELETE FROM share WHERE message = ? AND number = ? AND position = ?", [message.blob, group, index])
        try run("UPDATE sharegroup SET held = held - 1 WHERE message = ? AND number = ?", [message.blob, group])
        let wasWhole = (counts[1] as Int) == (counts[0] as Int)
        try run(
            "UPDATE message SET whole = whole - ?, bytes = bytes - ? WHERE id = ?",
            [wasWhole ? 1 : 0, Record.sealedSize, message.blob])
    }
}
