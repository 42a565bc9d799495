// What readers on any thread need: where each packet's record stands, open segments, bodies kept in memory, filters.
// The writer changes it after each commit.

internal import WireFormat

/// Positions of records; guarded by a lock.
struct SharedState: Sendable {
    /// 8 bytes for each waiting packet, plus 8 for its number.
    var packets: [Int64: Record] = [:]
    var segments: [UInt32: Segment] = [:]
    var hot: HotBodies
    var isClosed = false
}
