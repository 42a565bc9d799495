// What is published is coarse (doc/PINGER.md, what it writes): finer numbers would say more of single probes than of
// nodes. Above all a node must not learn from it which of its links were probed lately: on those a packet is less likely a
// probe than on others.

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

    // MARK: Counts

    /// Beginnings of the steps in which probes over a link are counted.
    private static let linkSteps = [0, 1, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000]

    /// Probes over one link: the beginning of the step.
    static func linkCount(_ count: Int) -> Int { linkSteps.last { $0 <= count } ?? 0 }

    /// The same for people: `none`, `1-9`, `10-29`, `100,000 or more`.
    static func linkRange(_ count: Int) -> String {
        let first = linkCount(count)
        guard first > 0 else { return "none" }
        guard let next = linkSteps.first(where: { $0 > count }) else { return "\(MeasuredText.count(first)) or more" }
        return "\(MeasuredText.count(first))-\(MeasuredText.count(next - 1))"
    }

    /// Probes of a node: tens, and from a hundred on two digits, rounded down.
    static func samples(_ count: Int) -> Int {
        var step = 10
        while step <= count / 100 { step *= 10 }
        return max(count, 0) / step * step
    }

    /// What is told of a link: counts by steps, and what it passes on in tenths, the bounds rounded outwards.
    static func link(_ link: LinkResult) -> LinkResult {
        LinkResult(
            arrived: linkCount(link.arrived), lost: linkCount(link.lost), estimate: link.estimate.map(linkEstimate),
            isBroken: link.isBroken)
    }

    private static func linkEstimate(_ estimate: Estimate) -> Estimate {
        func tenths(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
            value.isFinite ? ((min(max(value, 0), 1) * 10_000).rounded() / 1000).rounded(rule) / 10 : 0
        }
        return Estimate(
            value: tenths(estimate.value, .toNearestOrAwayFromZero), low: tenths(estimate.low, .down),
            high: tenths(estimate.high, .up), samples: linkCount(estimate.samples))
    }

    // MARK: All of it

    /// What files for programs may say of links.
    static func links(_ facts: PingerFacts) -> PingerFacts {
        var facts = facts
        facts.analysis.links = facts.analysis.links.mapValues(link)
        return facts
    }

    /// What may be said of nodes. Pages spell links coarsely themselves: their marks go by the part that was lost.
    static func nodes(_ facts: PingerFacts) -> PingerFacts {
        var facts = facts
        facts.analysis.nodes = facts.analysis.nodes.mapValues { node in
            var coarse = node
            for part in [\NodeResult.relay, \.entry, \.mailbox] {
                coarse[keyPath: part]?.samples = samples(node[keyPath: part]?.samples ?? 0)
            }
            coarse.arrivals?.samples = samples(node.arrivals?.samples ?? 0)
            return coarse
        }
        facts.history = facts.history.mapValues { days in
            days.map { day in
                var coarse = day
                coarse.samples = samples(day.samples)
                return coarse
            }
        }
        return facts
    }

    private static func permille(_ fraction: Double, _ rule: FloatingPointRoundingRule) -> Int {
        guard fraction.isFinite else { return 0 }
        // To a thousandth of a step first, so that 0.985 is 985 and not the step beside it.
        let steps = (min(max(fraction, 0), 1) * 1_000_000 / Double(permilleStep)).rounded() / 1000
        return Int(steps.rounded(rule)) * permilleStep
    }
}
