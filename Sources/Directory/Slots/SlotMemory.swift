// What an authority must not forget: what it voted, proposed and signed, and who was caught. It is on disk before
// anything of it is sent, and given to the machine when the program starts.

public import WireFormat

/// What was durably recorded.
public struct SlotMemory: Hashable, Sendable {
    /// Slots of which own votes and proposals are remembered; of older ones it is known only that there may be some.
    public static let capacity = 72

    /// Digests of own votes.
    public private(set) var votes: [Slot: Digest] = [:]
    /// Digests of own proposals.
    public private(set) var proposals: [Slot: Digest] = [:]
    /// Digests of the consensuses that were signed here.
    public private(set) var signatures: [Slot: Digest] = [:]
    /// For this slot and those before something may have been made here and forgotten.
    public private(set) var forgottenThrough: Slot?
    /// Nothing is ever signed for this slot or one before.
    public private(set) var highestSigned: Slot?
    /// The newest certified consensus that is known here.
    public internal(set) var lastCertified: ConsensusLink?
    /// By authority: in which slots its votes are dropped; ascending, neither touching nor overlapping.
    public private(set) var exclusions: [Int: [ClosedRange<Slot>]] = [:]
    /// Ranges of slots that are kept of an authority; the oldest go. Evidence of the slots that count makes two at most.
    static let exclusionRanges = 64

    /// Nothing at all: an authority that starts for the first time.
    public init() {}

    /// - Parameters:
    ///   - forgottenThrough: the newest slot of which own documents may have been deleted; nil if none was ever
    /// deleted.
    ///   - evidence: authority and slot of every piece of evidence that is kept.
    public init(
        votes: [Slot: Digest], proposals: [Slot: Digest], signatures: [Slot: Digest], highestSigned: Slot?,
        forgottenThrough: Slot?, lastCertified: ConsensusLink?, evidence: [(authority: Int, slot: Slot)]
    ) {
        self.forgottenThrough = forgottenThrough
        self.highestSigned = highestSigned
        self.lastCertified = lastCertified
        for (slot, digest) in votes { record(.vote, slot, digest) }
        for (slot, digest) in proposals { record(.proposal, slot, digest) }
        for (slot, digest) in signatures { record(.signature, slot, digest) }
        for item in evidence { exclude(item.authority, since: item.slot) }
    }

    /// Notes an own document.
    public mutating func record(_ kind: SlotDocumentKind, _ slot: Slot, _ digest: Digest) {
        switch kind {
        case .vote: Self.keep(&votes, slot, digest, &forgottenThrough)
        case .proposal: Self.keep(&proposals, slot, digest, &forgottenThrough)
        case .signature:
            highestSigned = max(highestSigned ?? slot, slot)
            if signatures[slot] == nil { signatures[slot] = digest }
            // No memory is lost with these: `highestSigned` covers them.
            if signatures.count > Self.capacity, let oldest = signatures.keys.min() { signatures[oldest] = nil }
        }
    }

    private static func keep(
        _ digests: inout [Slot: Digest], _ slot: Slot, _ digest: Digest, _ forgottenThrough: inout Slot?
    ) {
        // The first one counts, whatever comes later.
        if digests[slot] == nil { digests[slot] = digest }
        // The oldest goes, not the one noted first: a clock that once was far ahead must not end all voting.
        if digests.count > capacity, let oldest = digests.keys.min() {
            digests[oldest] = nil
            forgottenThrough = max(forgottenThrough ?? oldest, oldest)
        }
    }

    /// The own document of this kind for this slot.
    public func own(_ kind: SlotDocumentKind, _ slot: Slot) -> Digest? {
        switch kind {
        case .vote: votes[slot]
        case .proposal: proposals[slot]
        case .signature: signatures[slot]
        }
    }

    /// Whether a document of this kind and slot can be made without contradicting one that was made before.
    func isFree(_ kind: SlotDocumentKind, _ slot: Slot) -> Bool {
        guard own(kind, slot) == nil else { return false }
        switch kind {
        case .vote, .proposal: return forgottenThrough.map { $0 < slot } ?? true
        case .signature: return highestSigned.map { $0 < slot } ?? true
        }
    }

    /// Drops an authority's votes from the slot of the evidence on. What comes of several pieces does not depend on their
    /// order, so that a machine that starts with them knows what the one before it knew.
    mutating func exclude(_ authority: Int, since slot: Slot) {
        let end = slot.advanced(by: SlotTiming.exclusionSlots) ?? slot
        let all = ((exclusions[authority] ?? []) + [slot...end]).sorted { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<Slot>] = []
        for range in all {
            if let last = joined.last, range.lowerBound <= last.upperBound.advanced(by: 1) ?? last.upperBound {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        exclusions[authority] = joined.suffix(Self.exclusionRanges)
    }

    /// Whether an authority's votes are dropped in this slot.
    public func isExcluded(_ authority: Int, _ slot: Slot) -> Bool {
        exclusions[authority]?.contains { $0.contains(slot) } ?? false
    }
}
