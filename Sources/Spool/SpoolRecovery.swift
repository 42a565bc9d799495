// What was found when a spool was opened.

public import WireFormat

/// Everything that waits, and what was lost.
public struct SpoolRecovery: Sendable {
    /// Packets that wait, by number.
    public var packets: [WaitingPacket] = []
    /// Items held, by number.
    public var items: [StoredItem] = []
    /// Messages whose parts are complete and that were not turned into deliveries.
    public var completeMessages: [MessageID] = []
    /// Deliveries that wait or were under way, by number.
    public var deliveries: [StoredDelivery] = []
    /// What was damaged and what it cost.
    public var damage = SpoolDamage()
}

/// Damage found at the start. Nothing of it stops the spool from being used.
public struct SpoolDamage: Sendable, Equatable {
    /// New names of files that were set aside.
    public var setAside: [String] = []
    /// Set when the database was damaged: every replay tag is forgotten, so that packets made for the keys in use can
    /// be processed a second time. Destroying those keys early is the remedy.
    public var lostReplayTags = false
    /// Packets whose body is lost. With a damaged database: records in the segments, at most.
    public var packets = 0
    /// Items whose body is lost.
    public var items = 0
    /// Shares lost; other shares may stand in for them.
    public var shares = 0
    /// Deliveries whose file or address is lost.
    public var deliveries = 0

    /// Blocks of mailboxes whose body is lost.
    public var mailBlocks = 0

    /// Whether there was any.
    public var isEmpty: Bool { self == SpoolDamage() }

    /// One line for the log, or nil.
    public var summary: String? {
        if isEmpty { return nil }
        let files = setAside.isEmpty ? "" : "; set aside: \(setAside.joined(separator: ", "))"
        let tags = lostReplayTags ? "; all replay tags are lost, make new packet keys now" : ""
        return
            "the spool was damaged: lost \(packets) packets, \(items) items, \(shares) shares, \(deliveries) deliveries, "
            + "\(mailBlocks) blocks of mailboxes" + tags + files
    }
}
