public import WireFormat

/// How many recipients a nym may send to: `NymLimits.budget` at once, and one more in each `budgetStep`. Nobody has to
/// lift it. Kept as the second in which all is allowed again, counted from whole minutes, so that it means the same when an operator changes the
/// budget; no more than a whole budget is ever owed, and `settle` makes that last, so that a clock that once was ahead does no
/// lasting harm.
public struct SendBudget: Hashable, Sendable {
    /// Seconds since 1970.
    private(set) var fullAt: UInt64

    /// All is allowed.
    public init() { fullAt = 0 }

    init(fullAt: UInt64) { self.fullAt = fullAt }

    /// Recipients that are allowed now.
    public func left(at now: Timestamp, limits: NymLimits) -> UInt32 {
        let owed = (owed(Self.second(now), limits) + limits.budgetSeconds - 1) / limits.budgetSeconds
        return limits.budget - UInt32(clamping: min(UInt64(limits.budget), owed))
    }

    /// Forgets what is owed beyond a whole budget.
    mutating func settle(at now: Timestamp, limits: NymLimits) {
        let second = Self.second(now)
        if fullAt > second { fullAt = second + owed(second, limits) }
    }

    /// Takes `count` away, if there are so many.
    public mutating func take(_ count: UInt32, at now: Timestamp, limits: NymLimits) -> Bool {
        guard count <= left(at: now, limits: limits) else { return false }
        let second = Self.second(now)
        fullAt = second + owed(second, limits) + UInt64(count) * limits.budgetSeconds
        return true
    }

    /// Seconds until all is allowed again.
    private func owed(_ second: UInt64, _ limits: NymLimits) -> UInt64 {
        fullAt > second ? min(fullAt - second, UInt64(limits.budget) * limits.budgetSeconds) : 0
    }

    private static func second(_ now: Timestamp) -> UInt64 { UInt64(max(0, now.milliseconds) / 60_000 * 60) }
}
