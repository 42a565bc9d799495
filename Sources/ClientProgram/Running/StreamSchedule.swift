// When a packet leaves. The times come out of a generator that nobody else draws from, so they are a function of its seed
// and of the rate alone: nothing that the user does, and nothing that happens to a packet, moves any of them.

internal import Mixing
internal import WireFormat

/// The ticks of one network's stream: a Poisson process, at most one packet a tick.
struct StreamSchedule<Source: RandomNumberGenerator & Sendable>: Sendable {
    private var source: Source
    private var process: PoissonSchedule

    /// - Parameter mean: mean time between two ticks.
    init(mean: Interval, now: Timestamp, source: Source) {
        self.source = source
        process = PoissonSchedule(perMinute: Self.perMinute(mean), now: now, using: &self.source)
    }

    /// When to ask `isDue` next.
    var next: Timestamp { process.next ?? .distantFuture }

    /// Whether a packet leaves now. After a pause (a suspended machine, a clock set forward) what was missed is left out:
    /// there is one tick and never a burst.
    mutating func isDue(now: Timestamp) -> Bool { process.due(now: now, using: &source) > 0 }

    private static func perMinute(_ mean: Interval) -> Double { 60_000 / Double(max(mean.milliseconds, 1)) }
}

extension Timestamp {
    /// Later than any time that is met.
    static var distantFuture: Timestamp { Timestamp(milliseconds: .max / 2) }
}
