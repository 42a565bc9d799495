/// Counts for metrics. All are totals of the whole spool; none tells of a single packet or peer.
public struct SpoolStatistics: Sendable, Equatable {
    /// Packets that wait.
    public var packets = 0
    /// Items held.
    public var items = 0
    /// Shares of incomplete messages, and their bytes.
    public var shares = 0
    public var shareBytes = 0
    /// Incomplete messages.
    public var messages = 0
    /// Deliveries that wait.
    public var deliveries = 0
    /// Mailboxes, and blocks in them.
    public var mailboxes = 0
    public var mailBlocks = 0
    /// Segment files, and bytes of records in them that live or are dead.
    public var segments = 0
    public var liveBytes = 0
    public var deadBytes = 0
    /// Transactions committed, and operations in them.
    public var groups = 0
    public var operations = 0
    /// Transactions that failed.
    public var failedGroups = 0
    /// Records copied on from old segments.
    public var copiedRecords = 0
    /// Records that could not be copied on because they were damaged: lost.
    public var damagedRecords = 0
    /// Whether packets, bytes or shares have passed 80 % of their limit.
    public var isNearlyFull = false
}
