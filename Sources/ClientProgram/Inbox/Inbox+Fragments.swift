// Messages that are not complete yet.

internal import Messages
internal import Spool
internal import WireFormat

/// How much an inbox collects.
struct CollectingLimits: Sendable {
    /// Incomplete messages.
    var messages = 2_000
    /// Bytes on the disk of all their parts.
    var shareBytes = 512 << 20

    /// More than one part takes on the disk.
    private static let part = 64 << 10

    func areReached(_ statistics: SpoolStatistics) -> Bool {
        statistics.messages >= messages || statistics.shareBytes + Self.part > shareBytes
    }
}

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

    /// Gives the oldest message up of the origin that has the most, so that who fills the inbox through one reply block's
    /// identity keeps nothing else out for long.
    /// - Parameter name: what room is made for.
    /// - Returns: whether one was given up; none is if it is the disk that is full.
    func makeRoom(for name: MessageID) throws -> Bool {
        guard limits.areReached(spool.statistics) else { return false }
        // Complete ones wait for room of another kind.
        let others = try allIncomplete().filter { $0.id != name && $0.held < $0.wanted }
        let most = Dictionary(grouping: others, by: \.origin).values.max { $0.count < $1.count }
        guard let oldest = most?.min(by: { $0.since < $1.since }) else { return false }
        try giveUp([oldest.id])
        return true
    }

    /// Gives incomplete messages up. Their parts are not collected again when they come once more.
    func giveUp(_ names: [MessageID]) throws {
        for name in names {
            _ = try spool.performAndWait([.dropMessage(message: name, forgetAfter: clock() + Self.partLife)])
            try forget(name)
        }
    }
}
