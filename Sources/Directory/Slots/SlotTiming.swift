// The times of the slot protocol, all in terms of the slot's length.

public import WireFormat

/// When things happen in a slot.
public struct SlotTiming: Hashable, Sendable {
    /// Slots for which the votes of an authority that equivocated are dropped, after the slot of the evidence: a day of
    /// slots of 20 minutes.
    public static let exclusionSlots = 72

    public let calendar: SlotCalendar

    /// - Parameter slotLength: as the network file says.
    public init(slotLength: Interval) { calendar = SlotCalendar(length: slotLength) }

    /// When the leader proposes without having all votes: after a quarter of the slot.
    public func proposeTime(_ slot: Slot) -> Timestamp {
        calendar.start(of: slot) + .milliseconds(calendar.length.milliseconds / 4)
    }
}
