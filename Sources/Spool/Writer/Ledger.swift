// What the writer knows of the spool without asking the database: totals for the limits, live records of each segment,
// next numbers. A transaction works on a copy, which takes the original's place after the commit.

internal import WireFormat

/// Totals and numbers.
struct Ledger: Sendable {
    /// Use of one segment.
    struct SegmentUse: Sendable {
        /// Records that rows point at.
        var live = 0
        /// Records written, as far as is known; what a crash left behind counts.
        var written = 0
        var created: Timestamp
    }

    var segments: [UInt32: SegmentUse] = [:]
    var packets = 0
    var items = 0
    var shares = 0
    var shareBytes = 0
    var openMessages = 0
    var rememberedMessages = 0
    var deliveries = 0
    var mailboxes = 0
    var mailBlocks = 0
    var nextPacket: Int64 = 1
    var nextItem: Int64 = 1
    var nextDelivery: Int64 = 1
    var nextSegment: UInt32 = 1

    /// Live records of all kinds.
    var records: Int { packets + items + shares + mailBlocks }

    /// Records on disk that nothing points at.
    var deadRecords: Int { segments.values.reduce(0) { $0 + max(0, $1.written - $1.live) } }

    /// Notes a record that a row points at.
    mutating func wrote(_ record: Record) {
        segments[record.segment]?.live += 1
        segments[record.segment]?.written += 1
    }

    /// Notes that `count` records of a segment have lost their rows.
    mutating func released(_ count: Int, in segment: UInt32) { segments[segment]?.live -= count }

    /// Whether `count` more records may be held.
    func hasRoom(_ configuration: SpoolConfiguration, for count: Int = 1) -> Bool {
        (records + count) * Record.sealedSize <= configuration.maxBytes
    }

    /// Segments, other than `current`, that nothing points at.
    func empty(except current: UInt32?) -> [UInt32] {
        segments.filter { $0.value.live <= 0 && $0.key != current }.keys.sorted()
    }

    /// The segment that should be copied on next: one past its age, else the emptiest if too much lies dead.
    func nextToCopy(except current: UInt32?, now: Timestamp, configuration: SpoolConfiguration) -> UInt32? {
        let closed = segments.filter { $0.key != current && $0.value.live > 0 }
        if let oldest = closed.filter({ $0.value.created + configuration.segmentAge <= now }).keys.min() {
            return oldest
        }
        // Where much lives, more may lie dead: else nearly full segments would be copied for a few records' room.
        guard deadRecords > max(configuration.maxDeadBytes / Record.sealedSize, records / 2) else { return nil }
        return closed.filter { $0.value.live < $0.value.written }.min {
            ($0.value.live, $0.key) < ($1.value.live, $1.key)
        }?.key
    }

    /// Whether something is past 80 % of its limit.
    func isNearlyFull(_ configuration: SpoolConfiguration) -> Bool {
        func near(_ value: Int, _ limit: Int) -> Bool { value >= limit - limit / 5 }
        return near(packets, configuration.maxPackets) || near(records * Record.sealedSize, configuration.maxBytes)
            || near(shareBytes, configuration.maxShareBytes) || near(items, configuration.maxItems)
            || (mailBlocks > 0 && near(mailBlocks, configuration.maxMailBlocks))
    }
}
