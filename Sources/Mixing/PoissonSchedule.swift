// When to send what nobody asked for. The gaps of a Poisson process are memoryless: that one event has just happened, or
// has not for long, says nothing about the next.

public import WireFormat

/// A Poisson process: events at random times with a constant mean rate.
public struct PoissonSchedule: Sendable {
    /// Mean number of events in a minute.
    public let perMinute: Double
    /// When the next event is; nil if the rate is zero.
    public private(set) var next: Timestamp?

    /// More than this many events in a minute is a mistake in the settings.
    public static let largestRate = 60_000.0
    /// After a pause (a suspended machine, a clock set forward) no more than this many events are made up for at once.
    public static let mostAtOnce = 16

    /// A rate that is not a number, or not positive, never fires.
    public init(perMinute: Double, now: Timestamp, using generator: inout some RandomNumberGenerator) {
        self.perMinute = perMinute > 0 ? min(perMinute, Self.largestRate) : 0
        next = self.perMinute > 0 ? now + gap(using: &generator) : nil
    }

    /// How many events have become due; draws the next.
    public mutating func due(now: Timestamp, using generator: inout some RandomNumberGenerator) -> Int {
        guard var time = next else { return 0 }
        // With a clock that was set back the old time may be far off; the process has no memory, so it may start anew.
        if time - now > .seconds(fraction: 60 / perMinute) * 40 { time = now + gap(using: &generator) }
        var events = 0
        while time <= now, events < Self.mostAtOnce {
            events += 1
            time = time + gap(using: &generator)
        }
        next = time <= now ? now + gap(using: &generator) : time
        return events
    }

    /// At least a millisecond, so that time goes on.
    private func gap(using generator: inout some RandomNumberGenerator) -> Interval {
        max(.milliseconds(1), .seconds(fraction: Exponential.draw(using: &generator) * 60 / perMinute))
    }
}
