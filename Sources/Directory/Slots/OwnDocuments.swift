// What this authority made itself: once in a slot each, whatever happens to the clock and however long recording takes.

internal import WireFormat

/// The memory, and what was asked for and is perhaps being made.
struct OwnDocuments: Sendable {
    private(set) var memory: SlotMemory
    private var asked: [SlotDocumentKind: Set<Slot>] = [:]

    init(memory: SlotMemory) { self.memory = memory }

    /// Documents that are being made.
    var pending: Int { asked.values.reduce(0) { $0 + $1.count } }

    var lastCertified: ConsensusLink? {
        get { memory.lastCertified }
        set { memory.lastCertified = newValue }
    }

    /// Whether one can be made without contradicting one made before.
    func isFree(_ kind: SlotDocumentKind, _ slot: Slot) -> Bool {
        memory.isFree(kind, slot) && !(asked[kind]?.contains(slot) ?? false)
    }

    /// True once for a slot, if nothing was made before that it could contradict.
    mutating func ask(_ kind: SlotDocumentKind, _ slot: Slot) -> Bool {
        guard isFree(kind, slot) else { return false }
        asked[kind, default: []].insert(slot)
        // What is recorded is taken out again, so that there are as many only if nothing can be recorded.
        if let count = asked[kind]?.count, count > SlotMemory.capacity, let oldest = asked[kind]?.min() {
            asked[kind]?.remove(oldest)
        }
        return true
    }

    /// Notes one that is on disk.
    mutating func note(_ kind: SlotDocumentKind, _ slot: Slot, _ digest: Digest) {
        memory.record(kind, slot, digest)
        asked[kind]?.remove(slot)
    }

    /// One that could not be made or recorded may be asked for again.
    mutating func release(_ kind: SlotDocumentKind, _ slot: Slot) { asked[kind]?.remove(slot) }

    mutating func exclude(_ authority: Int, since slot: Slot) { memory.exclude(authority, since: slot) }
}
