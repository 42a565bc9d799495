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

    /// A random moment of the slot after that of `time`.
    func next(after time: Timestamp, using generator: inout some RandomNumberGenerator) -> Timestamp {
        let (start, overflow) = (slot(at: time) + 1).multipliedReportingOverflow(by: interval.milliseconds)
        guard !overflow else { return Timestamp(milliseconds: .max) }
        return Timestamp(milliseconds: start)
            + .milliseconds(Int64.random(in: 0..<interval.milliseconds, using: &generator))
    }
}
