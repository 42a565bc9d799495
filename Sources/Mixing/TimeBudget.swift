// The one equation that keeps packets from outliving the keys that open them, and the deadlines that follow from it.

public import WireFormat

/// How long a packet may take, against how long its keys live.
public struct TimeBudget: Hashable, Sendable {
    /// Most hops of a path.
    public var hops: Int
    /// Longest stay in a node's pool.
    public var delayCap: Interval
    /// Longest that a node tries to hand a packet on, counted from when it leaves the pool.
    public var retryDeadline: Interval
    /// How long a key is accepted after its period's end.
    public var acceptance: Interval

    /// 5 hops, 30 min, 48 h, 14 days.
    public static let standard = TimeBudget()
    /// A packet is not sent to a key with less than this left: clocks may differ that much.
    public static let clockTolerance = Interval.minutes(10)

    public init(
        hops: Int = 5, delayCap: Interval = .minutes(30), retryDeadline: Interval = .hours(48),
        acceptance: Interval = .days(14)
    ) {
        self.hops = hops
        self.delayCap = delayCap
        self.retryDeadline = retryDeadline
        self.acceptance = acceptance
    }

    /// The longest that a packet can be under way: every hop takes its cap and its whole retry deadline.
    public var longestJourney: Interval { (delayCap + retryDeadline) * Int64(hops) }

    /// Whether a packet made in a period's last moment still finds the keys of that period; throws what to change.
    public func check() throws(TimeBudgetError) {
        guard hops > 0, delayCap >= .zero, retryDeadline > .zero, acceptance > .zero else { throw .senseless }
        guard longestJourney < acceptance else { throw .tooLong(self) }
    }

    /// The deadline of a packet for its way to the next node: the retry deadline after it leaves the pool, or the death
    /// of the key that opens it there, less the tolerance for clocks, if that is sooner.
    /// - Parameters:
    ///   - release: when the packet leaves the pool, or is made.
    ///   - period: the key period that the packet names for the next hop.
    public func deadline(release: Timestamp, period: KeyPeriod, calendar: KeyPeriodCalendar) -> Timestamp {
        // In a network whose time runs fast the tolerance shrinks with the acceptance.
        let tolerance = min(Self.clockTolerance, .milliseconds(calendar.acceptance.milliseconds / 100))
        return min(release + retryDeadline, calendar.destruction(of: period) - tolerance)
    }
}

/// Why a time budget does not work.
public enum TimeBudgetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A length or a count is zero or negative.
    case senseless
    /// A packet could arrive after its key is gone.
    case tooLong(TimeBudget)

    public var description: String {
        switch self {
        case .senseless: return "hops, retry deadline and key acceptance must be more than zero"
        case .tooLong(let budget):
            let most = Interval.milliseconds(
                budget.acceptance.milliseconds / Int64(max(budget.hops, 1)) - budget.delayCap.milliseconds)
            let advice =
                most > .zero
                ? "lower the retry deadline to \(most.roundedDown.shortText) or accept keys for longer"
                : "lower the delay cap or accept keys for longer"
            return """
                a packet can be under way for \(budget.longestJourney.shortText) (\(budget.hops) hops of \
                \(budget.delayCap.shortText) delay and \(budget.retryDeadline.shortText) retries) but keys are accepted \
                for only \(budget.acceptance.shortText) after their period; \(advice)
                """
        }
    }
}

extension Interval {
    /// To whole hours, minutes or seconds, whichever is the first that the length holds.
    fileprivate var roundedDown: Interval {
        for unit: Int64 in [3_600_000, 60_000, 1000] where milliseconds >= unit {
            return .milliseconds(milliseconds / unit * unit)
        }
        return self
    }
}
