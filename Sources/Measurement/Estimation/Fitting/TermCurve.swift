internal import Glibc

/// The logarithm of the likelihood along one term, the others held.
struct TermCurve {
    /// Weight, and q at the fitted value.
    var failures: [(weight: Double, unseen: Double)]
    /// Weight of the arrivals with the term, and its cost.
    var arrived: Double
    /// The fitted value.
    var value: Double
    /// Weight of the failures that are added for caution.
    var caution = 0.0

    private static let least = 1e-12, steps = 60, precision = 1e-4

    /// How much greater it is at `other` than at the fitted value, without the cautious failures.
    func change(to other: Double) -> Double {
        let factor = exp(value - other)
        var sum = arrived * (value - other)
        for failure in failures {
            sum +=
                failure.weight
                * log(max(1 - failure.unseen * factor, Self.least) / max(1 - failure.unseen, Self.least))
        }
        return sum
    }

    private func cautious(_ other: Double) -> Double {
        change(to: other) + (caution > 0 ? caution * log(max(1 - exp(-other), Self.least)) : 0)
    }

    private func slope(_ other: Double) -> Double {
        let factor = exp(value - other)
        var sum = -arrived
        for failure in failures {
            let part = failure.unseen * factor
            sum += failure.weight * part / max(1 - part, Self.least)
        }
        if caution > 0 {
            let part = exp(-other)
            sum += caution * part / max(1 - part, Self.least)
        }
        return sum
    }

    /// How much greater it is at its peak than at the fitted value.
    var gain: Double { change(to: peak) }

    /// Where it is greatest, from 0 to the greatest value of terms.
    var peak: Double {
        guard slope(0) > 0 else { return 0 }
        var (low, high) = (0.0, max(0.01, value))
        while high < TermFit.greatest, slope(high) > 0 { (low, high) = (high, min(TermFit.greatest, high * 2)) }
        return root(low, high) { slope($0) > 0 }
    }

    /// The least value whose likelihood is at most `drop` below that of the peak.
    func least(drop: Double) -> Double {
        let peak = self.peak
        let floor = change(to: peak) - drop
        guard peak > 0, change(to: 0) < floor else { return 0 }
        return root(peak, 0) { change(to: $0) >= floor }
    }

    /// The greatest such value.
    func greatest(drop: Double) -> Double {
        let peak = self.peak
        let floor = cautious(peak) - drop
        var (low, high) = (peak, max(0.01, 2 * peak))
        while cautious(high) >= floor {
            guard high < TermFit.greatest else { return TermFit.greatest }
            (low, high) = (high, min(TermFit.greatest, 2 * high))
        }
        return root(low, high) { cautious($0) >= floor }
    }

    /// Between a value for which it holds and one for which it does not.
    private func root(_ yes: Double, _ no: Double, _ holds: (Double) -> Bool) -> Double {
        var (yes, no) = (yes, no)
        for _ in 0..<Self.steps {
            let middle = (yes + no) / 2
            if holds(middle) { yes = middle } else { no = middle }
            if abs(yes - no) <= Self.precision * max(yes, no, Self.precision) { break }
        }
        return (yes + no) / 2
    }
}
