// When the pinger looks at what it has and reports: once in every slot of so many minutes, at a moment that nobody else knows.

internal import WireFormat

/// Slots of rounds, counted from 1970.
struct RoundTimes: Sendable {
    let interval: Interval

    init(interval: Interval) { self.interval = max(interval, .seconds(1)) }

    /// The slot that a time lies in.
    func slot(at time: Timestamp) -> Int64 {
        let (length, milliseconds) = (interval.milliseconds, time.milliseconds)
        return milliseconds >= 0 ? milliseconds / length : -1
    }

    /// A random moment of the slot after that of `time`, at least half a slot away: authorities take no reports in bursts.
    func next(after time: Timestamp, using generator: inout some RandomNumberGenerator) -> Timestamp {
        let (start, overflow) = (slot(at: time) + 1).multipliedReportingOverflow(by: interval.milliseconds)
        let (end, isLast) = start.addingReportingOverflow(interval.milliseconds)
        guard !overflow, !isLast else { return Timestamp(milliseconds: .max) }
        let first = min(max(start, (time + shortest).milliseconds), end - 1)
        return Timestamp(milliseconds: Int64.random(in: first..<end, using: &generator))
    }

    /// The least time from one to the next.
    var shortest: Interval { .milliseconds(interval.milliseconds / 2) }
}
