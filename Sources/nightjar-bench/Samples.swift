/// Times of one thing, one for each round, in microseconds.
struct Samples {
    private(set) var values: [Double] = []

    mutating func append(_ value: Double) { values.append(value) }

    var best: Double { values.min() ?? 0 }

    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Times `body`, run `count` times in a row so that the clock's own cost does not show, and divides by `count`.
    mutating func time(count: Int, _ body: () throws -> Void) rethrows {
        let clock = ContinuousClock()
        let start = clock.now
        for _ in 0..<count { try body() }
        let (seconds, attoseconds) = (clock.now - start).components
        append((Double(seconds) * 1e6 + Double(attoseconds) / 1e12) / Double(count))
    }
}
