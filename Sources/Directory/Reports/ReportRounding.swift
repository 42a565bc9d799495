internal import WireFormat

/// How coarse the numbers of a report are.
enum ReportRounding {
    /// Parts of 1000 come in steps of this.
    static let permilleStep = 5
    /// Latencies come in steps of this.
    static let latencyStep = Interval.seconds(30)

    /// A fraction in parts of 1000, to the next step.
    static func permille(_ fraction: Double, _ rule: FloatingPointRoundingRule = .toNearestOrAwayFromZero) -> Int {
        guard fraction.isFinite else { return 0 }
        // To a thousandth of a step first, so that 0.985 is 985 and not the step below.
        let steps = (min(max(fraction, 0), 1) * 1_000_000 / Double(permilleStep)).rounded() / 1000
        return Int(steps.rounded(rule)) * permilleStep
    }

    static func isPermille(_ value: Int) -> Bool { (0...1000).contains(value) && value % permilleStep == 0 }

    /// To the nearest step, from none to ten days.
    static func latency(_ latency: Interval) -> Interval {
        let bounded = min(max(latency, .zero), NodeMeasurement.maximumLatency).milliseconds
        let step = latencyStep.milliseconds
        return .milliseconds((bounded + step / 2) / step * step)
    }

    static func isLatency(_ latency: Interval) -> Bool {
        latency >= .zero && latency <= NodeMeasurement.maximumLatency
            && latency.milliseconds % latencyStep.milliseconds == 0
    }
}
