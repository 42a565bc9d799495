// Where new records go: the current segment, and those of this group that are not flushed yet. A slot is never written
// twice, because key and offset are the nonce: after a failed write or flush the segment is closed, after a restart
// none is continued.

/// The place for the next record.
struct SegmentAppender {
    /// The segment being filled.
    private(set) var current: Segment?
    /// Its next free slot.
    private(set) var nextSlot = 0
    /// Its slots that the last commit knows.
    private var committedSlots = 0
    /// Segments written to since the last flush.
    private var unflushed: [Segment] = []
    /// Segments begun since the last commit.
    private(set) var begun: [Segment] = []

    /// Whether the next record needs a new segment.
    func isFull(limit: Int) -> Bool { current == nil || nextSlot >= limit }

    /// Continues in a new segment.
    mutating func begin(_ segment: Segment) {
        current = segment
        nextSlot = 0
        committedSlots = 0
        begun.append(segment)
    }

    /// Seals a body into the next slot.
    mutating func append(_ body: [UInt8]) throws(SpoolError) -> Record {
        guard let current, let slot = UInt16(exactly: nextSlot), let length = UInt16(exactly: body.count) else {
            throw .malformed
        }
        nextSlot += 1
        if unflushed.last !== current { unflushed.append(current) }
        try current.write(body, slot: Int(slot))
        return Record(segment: current.id, slot: slot, length: length)
    }

    /// Makes everything appended durable; whether there was anything.
    mutating func flush() throws(SpoolError) -> Bool {
        guard !unflushed.isEmpty else { return false }
        for segment in unflushed { try segment.flush() }
        unflushed = []
        return true
    }

    /// What was begun and written is committed.
    mutating func committed() {
        begun = []
        committedSlots = nextSlot
    }

    /// Ends the current segment where the last commit left it; if nothing was appended since, it goes on. Returns the
    /// segments that no committed row knows, whose files can be deleted.
    mutating func abandon() -> [Segment] {
        defer { begun = [] }
        unflushed = []
        guard nextSlot != committedSlots || !begun.isEmpty else { return [] }
        if let current, begun.isEmpty { try? current.truncate(slots: committedSlots) }
        current = nil
        nextSlot = 0
        committedSlots = 0
        return begun
    }

    /// Lets go of the current segment if it is this one.
    mutating func close(ifCurrent id: UInt32) {
        if current?.id == id {
            current = nil
            nextSlot = 0
            committedSlots = 0
        }
    }
}
