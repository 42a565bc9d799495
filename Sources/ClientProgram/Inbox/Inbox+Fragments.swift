// Messages that are not complete yet.

internal import Messages
internal import Spool
internal import WireFormat

extension Inbox {
    /// What is known of an incomplete message; nil if no part of it is held.
    func incomplete(_ name: MessageID) throws -> IncompleteMessage? {
        guard let collected = try collected(name), let partial = try spool.readMessage(name),
            let (held, wanted) = try progress(of: name)
        else { return nil }
        return IncompleteMessage(
            id: name, origin: collected.origin, held: held, wanted: wanted, size: partial.length,
            since: collected.since, expires: collected.since + Self.partLife)
    }

    /// All incomplete messages, oldest first.
    func allIncomplete() throws -> [IncompleteMessage] {
        try records.all(.collectedMessages).compactMap { entry in
            try MessageID(entry.name).flatMap { try incomplete($0) }
        }
    }

    /// Gives incomplete messages up. Their parts are not collected again when they come once more.
    func giveUp(_ names: [MessageID]) throws {
        for name in names {
            _ = try spool.performAndWait([.dropMessage(message: name, forgetAfter: clock() + Self.partLife)])
            try forget(name)
        }
    }
}
