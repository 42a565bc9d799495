// When probes are sent: at the times of a Poisson process drawn from a secret generator. Its gaps are memoryless, so no
// node can say from the times of some probes when the next will be, and a client's packets look the same.

internal import Glibc
public import WireFormat

/// Times at random with a constant mean interval.
public struct PoissonTimes<Generator: RandomNumberGenerator & Sendable>: Sendable {
    /// Mean time between two events.
    public let mean: Interval
    /// When the next event is; nil if there is none ever.
    public private(set) var next: Timestamp?
    /// When somebody last asked.
    private var asked: Timestamp
    private var generator: Generator

    /// - Parameter mean: at most zero means never. No two events are nearer than a millisecond.
    public init(mean: Interval, now: Timestamp, generator: Generator) {
        self.mean = mean
        self.generator = generator
        asked = now
        if mean > .zero { next = now + gap() }
    }

    /// - Parameter perHour: how many events in an hour; not a number, or not positive, means never.
    public init(perHour: Double, now: Timestamp, generator: Generator) {
        let mean = perHour > 0 ? max(Interval.milliseconds(1), Interval.seconds(fraction: 3600 / perHour)) : .zero
        self.init(mean: mean, now: now, generator: generator)
    }

    /// Whether an event is due; if so the next is drawn. After a pause (a suspended machine, a clock set forward) one event
    /// is made up for, not all: a burst would show what they are.
    public mutating func isDue(at now: Timestamp) -> Bool {
        guard let time = next else { return false }
        let isBack = now < asked
        asked = now
        guard time <= now else {
            // After a clock was set back the old time may be far off. The process has no memory, so it can start anew.
            if isBack || time - now > mean * 40 { next = now + gap() }
            return false
        }
        // The next follows the event, not the moment when somebody looked, unless that is past too.
        let following = time + gap()
        next = following > now ? following : now + gap()
        return true
    }

    private mutating func gap() -> Interval {
        max(Interval.milliseconds(1), .seconds(fraction: Exponential.draw(using: &generator) * mean.inSeconds))
    }
}

/// Exponential draws.
enum Exponential {
    /// A draw of mean 1 by inversion of a uniform number in (0, 1] of 53 bits; the largest possible is 36.7.
    static func draw(using generator: inout some RandomNumberGenerator) -> Double {
        let bits: UInt64 = generator.next() >> 11
        return -log(Double(bits + 1) * 0x1p-53)
    }
}
