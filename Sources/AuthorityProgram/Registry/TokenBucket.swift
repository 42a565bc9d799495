internal import WireFormat

/// So many events an hour, and no more at once.
struct TokenBucket: Hashable, Sendable {
    private let perHour: Double
    private var tokens: Double
    private var last: Timestamp

    init(perHour: Int, now: Timestamp) {
        self.perHour = Double(max(1, perHour))
        tokens = Double(max(1, perHour))
        last = now
    }

    /// Takes one event, if it may be.
    mutating func take(at now: Timestamp) -> Bool {
        refill(now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    /// How long until the next event may be.
    mutating func wait(at now: Timestamp) -> Interval {
        refill(now)
        return tokens >= 1 ? .zero : .seconds(fraction: (1 - tokens) / perHour * 3600)
    }

    private mutating func refill(_ now: Timestamp) {
        // A clock that goes back gives nothing.
        if now > last { tokens = min(perHour, tokens + (now - last).inSeconds / 3600 * perHour) }
        last = now
    }
}
