// When the directory is asked for something newer. Pure: the times follow from the clock of the network and a generator of
// its own, never from what the user does, so that whoever sees them asked for learns nothing from it.

public import Directory
public import WireFormat

/// The times at which one client or node refreshes.
public struct RefreshSchedule<Source: RandomNumberGenerator & Sendable>: Sendable {
    /// Who asks.
    public enum Asker: Sendable {
        /// Needs a consensus that is fresh: asks between half and seven eighths of its freshness, anywhere.
        case client
        /// Tells others what is newest: asks once a slot, anywhere after its first third.
        case node
    }

    /// Ask then.
    public private(set) var next: Timestamp
    private let asker: Asker
    private let slots: SlotCalendar
    private let freshFor: Interval
    private var source: Source

    /// - Parameters:
    ///   - slots: the network's slots.
    ///   - freshFor: for how long a consensus of the network is fresh.
    ///   - published: when the consensus at hand was published; nil if there is none: then the first time is soon.
    public init(
        _ asker: Asker, slots: SlotCalendar, freshFor: Interval, published: Timestamp?, now: Timestamp, source: Source
    ) {
        self.asker = asker
        self.slots = slots
        self.freshFor = freshFor
        self.source = source
        next = now
        switch asker {
        case .client where published == nil:
            // Many that start together do not ask together.
            next = now + draw(slots.length, 0, 1.0 / 64)
        case .client: scheduleClient(published: published, now: now)
        case .node:
            let start = slotStart(now)
            next = start + draw(slots.length, 1.0 / 3, 1)
            if next <= now { next = start + slots.length + draw(slots.length, 1.0 / 3, 1) }
        }
    }

    /// Whether it is time now. A clock that was set back does not keep it waiting.
    public mutating func isDue(now: Timestamp) -> Bool {
        if next - now > freshFor + slots.length * 2 { next = now + draw(slots.length, 0, 1) }
        return next <= now
    }

    /// Draws the next time after an attempt.
    /// - Parameter published: when the consensus was published that there is now; nil if there is none.
    public mutating func attempted(published: Timestamp?, now: Timestamp) {
        switch asker {
        case .client: scheduleClient(published: published, now: now)
        case .node: next = slotStart(now) + slots.length + draw(slots.length, 1.0 / 3, 1)
        }
    }

    private mutating func scheduleClient(published: Timestamp?, now: Timestamp) {
        if let wanted = published.map({ $0 + draw(freshFor, 0.5, 0.875) }), wanted > now {
            next = wanted
        } else {
            // What is late already, or was asked for in vain, is asked for within about a slot.
            next = now + draw(slots.length, 0.25, 1)
        }
    }

    private func slotStart(_ now: Timestamp) -> Timestamp { slots.slot(at: now).map { slots.start(of: $0) } ?? now }

    /// A random part of `length` from `low` up to but not including `high`.
    private mutating func draw(_ length: Interval, _ low: Double, _ high: Double) -> Interval {
        let unit = Double.random(in: low..<high, using: &source)
        return .milliseconds(Int64(Double(length.milliseconds) * unit))
    }
}
