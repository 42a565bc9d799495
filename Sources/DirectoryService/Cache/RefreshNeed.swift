internal import Directory
internal import WireFormat

/// When a refresh has what it is for.
public enum RefreshNeed: Sendable {
    /// A client: something newer, or that a source says there is nothing newer while ours is fresh.
    case fresh
    /// A node, which must know new nodes before clients use them: the consensus of the slot that is now, or for the first third
    /// of a slot, in which it is being made, the one before. A source that lags, or lies, does not end it; that several
    /// have nothing newer does.
    case thisSlot

    /// Sources that must have answered before a node believes that there is nothing newer.
    static let answersWanted = 3

    /// Whether a consensus is what is needed, whatever other sources may have.
    func isMet(by certified: CertifiedConsensus, slots: SlotCalendar, now: Timestamp) -> Bool {
        switch self {
        case .fresh: return certified.age(at: now) == .fresh
        case .thisSlot:
            guard let slot = slots.slot(at: now) else { return false }
            if certified.slot >= slot { return true }
            let isEarly = (now - slots.start(of: slot)).milliseconds * 3 < slots.length.milliseconds
            return isEarly && certified.slot.advanced(by: 1) == slot
        }
    }
}
