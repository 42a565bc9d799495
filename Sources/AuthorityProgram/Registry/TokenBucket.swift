internal import WireFormat

/// So many events an hour, and no more at once.
struct TokenBucket: Hashable, Sendable {
    private let perHour: Double
    private let most: Double
    private var tokens: Double
    private var last: Timestamp

    /// - Parameter most: at once; nil: those of an hour.
    init(perHour: Int, most: Int? = nil, now: Timestamp) {
        self.perHour = Double(max(1, perHour))
        self.most = Double(max(1, most ?? perHour))
        tokens = self.most
        last = now
    }

    /// Takes events, if they may be: all or none.
    mutating func take(_ count: Int = 1, at now: Timestamp) -> Bool {
        refill(now)
        guard tokens >= Double(count) else { return false }
        tokens -= Double(count)
        return true
    }

    /// How long until so many events may be.
    mutating func wait(_ count: Int = 1, at now: Timestamp) -> Interval {
        refill(now)
        return tokens >= Double(count) ? .zero : .seconds(fraction: (Double(count) - tokens) / perHour * 3600)
    }

    /// Whether nothing was taken for long.
    mutating func isFull(at now: Timestamp) -> Bool {
        refill(now)
        return tokens >= most
    }

    private mutating func refill(_ now: Timestamp) {
        // A clock that goes back gives nothing.
        if now > last { tokens = min(most, tokens + (now - last).inSeconds / 3600 * perHour) }
        last = now
    }
}
