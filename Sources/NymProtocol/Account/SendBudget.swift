public import WireFormat

/// How many recipients a nym may send to: `NymLimits.budget` at once, and one more in each `budgetStep`. Nobody has to
/// lift it. Kept as the minute in which all is allowed again, so that it means the same when an operator changes the
/// budget; no more than a whole budget is ever owed, and `settle` makes that last, so that a clock that once was ahead does no
/// lasting harm.
public struct SendBudget: Hashable, Sendable {
    /// Minutes since 1970.
    private(set) var fullAt: UInt64

    /// All is allowed.
    public init() { fullAt = 0 }

    init(fullAt: UInt64) { self.fullAt = fullAt }

    /// Recipients that are allowed now.
    public func left(at now: Timestamp, limits: NymLimits) -> UInt32 {
        let owed = (owed(Self.minute(now), limits) + limits.budgetMinutes - 1) / limits.budgetMinutes
        return limits.budget - UInt32(clamping: min(UInt64(limits.budget), owed))
    }

    /// Forgets what is owed beyond a whole budget.
    mutating func settle(at now: Timestamp, limits: NymLimits) {
        let minute = Self.minute(now)
        if fullAt > minute { fullAt = minute + owed(minute, limits) }
    }

    /// Takes `count` away, if there are so many.
    public mutating func take(_ count: UInt32, at now: Timestamp, limits: NymLimits) -> Bool {
        guard count <= left(at: now, limits: limits) else { return false }
        let minute = Self.minute(now)
        fullAt = minute + owed(minute, limits) + UInt64(count) * limits.budgetMinutes
        return true
    }

    /// Minutes until all is allowed again.
    private func owed(_ minute: UInt64, _ limits: NymLimits) -> UInt64 {
        fullAt > minute ? min(fullAt - minute, UInt64(limits.budget) * limits.budgetMinutes) : 0
    }

    private static func minute(_ now: Timestamp) -> UInt64 { UInt64(max(0, now.milliseconds) / 60_000) }
}
