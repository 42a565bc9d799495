// When to try again. Pure: the caller keeps the number of deferrals and the time of acceptance with the queued mail.

public import WireFormat

/// Growing pauses between attempts, with jitter so that mails deferred together do not come back together and a
/// retry does not tell when the first attempt was.
public struct RetrySchedule: Hashable, Sendable {
    /// The pause after the first, second, ... deferral; the last one repeats.
    public var pauses: [Interval]
    /// No pause is longer than this before jitter.
    public var cap: Interval
    /// Each pause is multiplied by a random factor from 1 - jitter to 1 + jitter; 0 to 1.
    public var jitter: Double
    /// How long after acceptance a mail is still tried.
    public var lifetime: Interval

    /// Mail servers that are restarted are back within minutes; those that are broken are looked at within two days.
    public init(
        pauses: [Interval] = [1, 2, 5, 10, 20, 40, 60].map(Interval.minutes), cap: Interval = .hours(1),
        jitter: Double = 0.2, lifetime: Interval = .hours(48)
    ) {
        self.pauses = pauses
        self.cap = cap
        self.jitter = jitter.isFinite ? min(max(jitter, 0), 1) : 0
        self.lifetime = lifetime
    }

    /// What to do after a deferral.
    public enum Next: Hashable, Sendable {
        /// Try again at this time, which is not after the deadline.
        case attempt(at: Timestamp)
        /// The deadline has passed: give up.
        case expired
    }

    /// The last moment at which a mail accepted at `accepted` is tried.
    public func deadline(accepted: Timestamp) -> Timestamp { accepted + lifetime }

    /// The time of the next attempt after `deferrals` (1 or more) failed ones. A pause that would end after the
    /// deadline is cut short, so that the last attempt is at the deadline itself.
    public func next(
        deferrals: Int, now: Timestamp, accepted: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> Next {
        let deadline = deadline(accepted: accepted)
        guard now < deadline else { return .expired }
        let index = min(max(deferrals, 1) - 1, max(pauses.count - 1, 0))
        let base = min(pauses.isEmpty ? cap : pauses[index], cap)
        let factor = jitter == 0 ? 1 : Double.random(in: 1 - jitter...1 + jitter, using: &generator)
        // A pause of nothing would spin.
        let pause = max(Interval.seconds(fraction: base.inSeconds * factor), .milliseconds(1))
        return .attempt(at: min(now + pause, deadline))
    }
}
