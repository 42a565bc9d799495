// When to do what is done again and again: at random distances around a mean. As with the stream, the times come out of a
// generator of their own, so they are a function of its seed and the mean, whatever the user does meanwhile.

internal import WireFormat

/// One repeated job. Its distances are drawn evenly from half to one and a half of the mean.
struct TurnSchedule<Source: RandomNumberGenerator & Sendable>: Sendable {
    /// Mean distance.
    let mean: Interval
    /// When it is due next.
    private(set) var next: Timestamp
    private var source: Source

    /// The first turn comes within one mean, anywhere: programs that start together do not ask together.
    init(mean: Interval, now: Timestamp, source: Source) {
        self.mean = max(mean, .milliseconds(2))
        self.source = source
        next = now + .milliseconds(Int64.random(in: 1...self.mean.milliseconds, using: &self.source))
    }

    /// Whether it is due now; draws the next. Turns that were missed are left out, and a clock that was set back does not
    /// keep it waiting.
    mutating func isDue(now: Timestamp) -> Bool {
        guard next <= now else {
            if next - now > mean * 2 { next = now + gap() }
            return false
        }
        next = next + gap()
        if next <= now { next = now + gap() }
        return true
    }

    private mutating func gap() -> Interval {
        .milliseconds(Int64.random(in: mean.milliseconds / 2...mean.milliseconds * 3 / 2, using: &source))
    }
}
