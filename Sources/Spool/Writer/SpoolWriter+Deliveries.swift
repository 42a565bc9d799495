// Deliveries and the files they refer to.

internal import GRDB
internal import WireFormat

extension SpoolWriter {
    /// Holds deliveries; a file's key is kept once, with the number of deliveries that need it.
    func insert(_ deliveries: [NewDelivery], message: MessageID) throws -> [DeliveryRowID] {
        var ids: [DeliveryRowID] = []
        for delivery in deliveries {
            let id = staged.nextDelivery
            staged.nextDelivery += 1
            staged.deliveries += 1
            let name = delivery.file.name
            let held = try run("UPDATE file SET deliveries = deliveries + 1 WHERE name = ?", [name.blob])
            if held == 0 {
                let key = try core.seal.seal(delivery.file.key, as: name.place)
                try run("INSERT INTO file VALUES (?, ?, ?, 1)", [name.blob, Blob.data(key), delivery.file.length])
            }
            let recipient = try core.seal.seal(text: delivery.recipient, as: StoredDelivery.recipientPlace(id))
            try run(
                "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
                [
                    id, message.blob, Blob.data(recipient), name.blob, delivery.deadline.milliseconds,
                    delivery.nextAttempt.milliseconds,
                ])
            ids.append(DeliveryRowID(id))
        }
        return ids
    }

    /// Forgets a delivery, and its file if no other refers to it.
    func finish(_ id: DeliveryRowID) throws -> SpoolResult {
        guard let found = try row("SELECT file FROM delivery WHERE id = ?", [id.number]) else { return .removed(0) }
        let name = try SealedFileName(blob: found[0])
        try run("DELETE FROM delivery WHERE id = ?", [id.number])
        staged.deliveries -= 1
        try run("UPDATE file SET deliveries = deliveries - 1 WHERE name = ?", [name.blob])
        if try run("DELETE FROM file WHERE name = ? AND deliveries <= 0", [name.blob]) > 0 {
            effects.deletedFiles.append(name)
        }
        return .removed(1)
    }

    /// Whether a delivery refers to the file.
    func isHeld(_ name: SealedFileName) throws -> Bool {
        try row("SELECT 1 FROM file WHERE name = ?", [name.blob]) != nil
    }
}

extension StoredDelivery {
    /// What a sealed recipient is bound to.
    static func recipientPlace(_ id: Int64) -> String { "recipient \(id)" }
}
