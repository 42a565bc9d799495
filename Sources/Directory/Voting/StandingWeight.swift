// How often clients take a node, from what the consensus knows of it. Whole numbers only: every machine must come to
// the same.

internal import WireFormat

/// The weight of a node when hops are drawn: 1 to 100.
enum StandingWeight {
    /// From this reliability on (of 1000) a node is as good as any: there is nothing to win by being better, or faster.
    static let fullReliability = 980
    /// At this reliability (of 1000), and below, nothing is left of the weight but the least.
    static let noReliability = 500
    /// A node that adds no more than this to a packet's journey has its full weight: being fast is no advantage.
    static let fullLatency = Interval.minutes(10)
    /// One that adds this, or more, has a tenth of it. (From `ReportTally.slowAbove` on it is `Unreliable` besides.)
    static let slowLatency = Interval.minutes(60)
    /// A node that is new gets a tenth, and all of it after this time: whoever brings many nodes at once must wait, and
    /// be seen.
    static let rampLength = Interval.days(14)

    /// What `measured` is without a fault.
    static let fullMeasured = 1_000_000
    /// Measurements take no more than this from a node that is not among the worst third (`MeasurementBrake`).
    static let leastMeasured = fullMeasured / 2

    /// Share for reliability × share for latency, of a million.
    /// - Parameters:
    ///   - reliability: packets of 1000 that it passes on; nil if it is not measured, which counts half.
    ///   - latency: what it adds; nil if that is not measured, which costs nothing.
    static func measured(reliability: Int?, latency: Interval?) -> Int {
        let good =
            reliability.map { (min($0, fullReliability) - noReliability) * 1000 / (fullReliability - noReliability) }
            ?? 500
        return max(good, 0) * promptness(latency ?? .zero)
    }

    /// - Parameters:
    ///   - measured: what measurements leave of it, of a million.
    ///   - since: when it was first seen; `time` itself if too few say so.
    ///   - time: the start of the slot.
    /// - Returns: full weight × `measured` × share for age, rounded down, at least 1: a network in which all nodes are
    ///   new still has paths.
    static func weight(measured: Int, since: Timestamp, at time: Timestamp) -> Int {
        let age = min(max((time - since).milliseconds, 0), rampLength.milliseconds)
        let grown = 100 + Int(age * 900 / rampLength.milliseconds)
        return max(1, ConsensusNode.fullWeight * measured * grown / (fullMeasured * 1000))
    }

    /// Of 1000: all up to `fullLatency`, then evenly less, 100 from `slowLatency` on.
    private static func promptness(_ latency: Interval) -> Int {
        let late = min(max(latency, fullLatency), slowLatency) - fullLatency
        return 1000 - Int(late.milliseconds * 900 / (slowLatency - fullLatency).milliseconds)
    }
}
