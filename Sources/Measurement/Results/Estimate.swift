/// A probability with the interval that it lies in, with 95 % confidence, and what it rests on.
public struct Estimate: Hashable, Sendable {
    /// 0 to 1; `low <= value <= high`.
    public var value: Double
    public var low: Double
    public var high: Double
    /// Probes with an outcome that it rests on, each counted once, however old.
    public var samples: Int

    public init(value: Double, low: Double, high: Double, samples: Int) {
        self.value = value
        self.low = low
        self.high = high
        self.samples = samples
    }
}

/// How many of how many.
public struct Share: Hashable, Sendable {
    public var good: Int
    public var total: Int

    public init(good: Int = 0, total: Int = 0) {
        self.good = good
        self.total = total
    }

    /// Nil of nothing.
    public var fraction: Double? { total > 0 ? Double(good) / Double(total) : nil }
}
