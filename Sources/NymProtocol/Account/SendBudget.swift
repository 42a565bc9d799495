public import WireFormat

/// How many recipients a nym may send to: `NymLimits.budget` at once, and one more in each `budgetStep`. Nobody has to
/// lift it. One number, in whole steps, so that it tells no finer time than a step.
public struct SendBudget: Hashable, Sendable {
    /// The step, counted from 1970, in which all is allowed again.
    private(set) var fullAt: UInt64

    /// All is allowed.
    public init() { fullAt = 0 }

    init(fullAt: UInt64) { self.fullAt = fullAt }

    /// Recipients that are allowed now.
    public func left(at now: Timestamp, limits: NymLimits) -> UInt32 {
        let step = Self.step(now, limits)
        guard fullAt > step else { return limits.budget }
        return limits.budget - UInt32(clamping: min(UInt64(limits.budget), fullAt - step))
    }

    /// Takes `count` away, if there are so many.
    public mutating func take(_ count: UInt32, at now: Timestamp, limits: NymLimits) -> Bool {
        guard count <= left(at: now, limits: limits) else { return false }
        fullAt = max(fullAt, Self.step(now, limits)) + UInt64(count)
        return true
    }

    private static func step(_ now: Timestamp, _ limits: NymLimits) -> UInt64 {
        UInt64(max(0, now.milliseconds) / limits.budgetStep.milliseconds)
    }
}
