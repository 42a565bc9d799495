// What is published is coarse (doc/PINGER.md, what it writes): finer numbers would say more of single probes than of
// nodes.

internal import Measurement
internal import WireFormat

/// Rounding of what goes into files for programs.
enum Coarse {
    /// Parts of 1000 come in steps of this.
    static let permilleStep = 5
    /// Latencies come in steps of this, in seconds.
    static let latencyStep: Int64 = 30

    /// A fraction in parts of 1000.
    static func permille(_ fraction: Double) -> Int { permille(fraction, .toNearestOrAwayFromZero) }

    /// Parts of 1000, from a finer count of them.
    static func permille(_ value: Int) -> Int {
        (min(max(value, 0), 1000) + permilleStep / 2) / permilleStep * permilleStep
    }

    /// A fraction in whole percents.
    static func percent(_ fraction: Double) -> Int {
        fraction.isFinite ? Int((min(max(fraction, 0), 1) * 100).rounded()) : 0
    }

    /// Value and bounds in parts of 1000; the bounds are rounded outwards.
    static func estimate(_ estimate: Estimate) -> (value: Int, low: Int, high: Int) {
        (permille(estimate.value), permille(estimate.low, .down), permille(estimate.high, .up))
    }

    /// Seconds; not below nought.
    static func latency(_ latency: Interval) -> Int {
        let seconds = max(latency.milliseconds, 0) / 1000
        return Int((seconds + latencyStep / 2) / latencyStep * latencyStep)
    }

    private static func permille(_ fraction: Double, _ rule: FloatingPointRoundingRule) -> Int {
        guard fraction.isFinite else { return 0 }
        // To a thousandth of a step first, so that 0.985 is 985 and not the step beside it.
        let steps = (min(max(fraction, 0), 1) * 1_000_000 / Double(permilleStep)).rounded() / 1000
        return Int(steps.rounded(rule)) * permilleStep
    }
}
