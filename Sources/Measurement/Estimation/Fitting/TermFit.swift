internal import Glibc

/// Finds the terms that make the likelihood greatest: each term in turn, the others held, by Newton's method, until
/// nothing is gained.
///
/// A probe passes with the chance exp(-sum of its terms). With q = sight * exp(-sum) the logarithm of the likelihood
/// is minus the sum over terms of (arrived + cost) * value, plus the sum over failures of weight * log(1 - q). It is
/// concave in the terms, which are all >= 0. A turn never makes it less, so it converges; for a concave function that
/// is smooth where it is finite, with bounds for each term alone, it converges to the greatest value.
struct TermFit {
    let evidence: Evidence
    /// >= 0, for each term.
    var values: [Double]
    /// What a term costs for each unit: as much as that many more arrivals.
    var costs: [Double]
    /// The others keep their value.
    var isFree: [Bool]
    /// q of each failure.
    private(set) var unseen: [Double]

    /// A node that loses all would have an infinite term.
    static let greatest = 20.0
    /// Keeps 1 - q away from zero, where only rounding can bring it.
    private static let least = 1e-12

    init(_ evidence: Evidence, values: [Double], costs: [Double], isFree: [Bool]) {
        self.evidence = evidence
        self.values = values
        self.costs = costs
        self.isFree = isFree
        unseen = evidence.failureSight
        refresh()
    }

    /// Makes q from the values, without the rounding of many small changes.
    mutating func refresh() {
        for failure in 0..<evidence.failureCount {
            var sum = 0.0
            for place in Int(evidence.starts[failure])..<Int(evidence.starts[failure + 1]) {
                sum += values[Int(evidence.failureTerms[place])]
            }
            unseen[failure] = evidence.failureSight[failure] * exp(-sum)
        }
    }

    /// The logarithm of the penalised likelihood.
    var objective: Double {
        var sum = 0.0
        for term in values.indices where values[term] > 0 {
            sum -=
                (evidence.arrived[term] + costs[term]) * values[term]
        }
        for failure in 0..<evidence.failureCount {
            sum += evidence.failureWeights[failure] * log(max(1 - unseen[failure], Self.least))
        }
        return sum
    }

    /// Turns until a whole round promises less than `tolerance` of the logarithm of the likelihood.
    ///
    /// - Returns: the rounds that it took; `limit` + 1 if that was not enough.
    @discardableResult
    mutating func run(limit: Int = 500, tolerance: Double = 1e-5) -> Int {
        refresh()
        let free = values.indices.filter { isFree[$0] }
        for round in 1...limit {
            // Terms that are zero seldom become anything else, so most rounds leave them out.
            let isWhole = round % 4 == 1
            if round % 16 == 0 { refresh() }
            var gain = 0.0
            for term in free where isWhole || values[term] > 0 { gain += turn(term) }
            guard gain < tolerance else { continue }
            if isWhole { return round }
            gain = 0
            for term in free where values[term] == 0 { gain += turn(term) }
            if gain < tolerance { return round }
        }
        return limit + 1
    }

    /// The slope of the objective along a term that is changed by `step`, and minus its curvature.
    func slope(_ term: Int, step: Double = 0) -> (slope: Double, curvature: Double) {
        let factor = exp(-step)
        var slope = 0.0
        var curvature = 0.0
        evidence.incidences.withUnsafeBufferPointer { incidences in
            evidence.failureWeights.withUnsafeBufferPointer { weights in
                unseen.withUnsafeBufferPointer { unseen in
                    for place in evidence.failures(term) {
                        let failure = Int(incidences[place])
                        let part = unseen[failure] * factor
                        let rest = max(1 - part, Self.least)
                        let odds = weights[failure] * part / rest
                        slope += odds
                        curvature += odds / rest
                    }
                }
            }
        }
        return (slope - evidence.arrived[term] - costs[term], curvature)
    }

    /// Puts a term where the objective is greatest for the others as they are.
    ///
    /// The slope is convex and falls, so that Newton's steps from below never pass the place, and from above do so at
    /// most once.
    /// - Returns: about what is gained.
    private mutating func turn(_ term: Int) -> Double {
        let start = values[term]
        var (slope, curvature) = self.slope(term)
        if start == 0, slope <= 0 { return 0 }
        guard curvature > 0 else {
            // No failure has it: it can only cost.
            move(term, by: -start)
            return -slope * start
        }
        let gain = slope > 0 ? slope * slope / curvature : min(slope * slope / curvature, -slope * start)
        guard gain > Self.noGain else { return gain }
        var step = 0.0
        // Between these the place lies.
        var lower = -start
        var upper = Self.greatest - start
        for _ in 0..<Self.steps {
            if slope > 0 { lower = step } else { upper = step }
            var next = step + slope / curvature
            if next <= lower {
                // At the bound itself if it falls even there; otherwise between.
                if lower == -start, self.slope(term, step: lower).slope <= 0 {
                    step = lower
                    break
                }
                next = (lower + step) / 2
            }
            next = min(next, upper)
            let moved = abs(next - step)
            step = next
            guard moved > Self.precision * (start + step + Self.precision) else { break }
            (slope, curvature) = self.slope(term, step: step)
            if slope * slope / curvature < gain * Self.precision { break }
        }
        move(term, by: step)
        return gain
    }

    private static let steps = 40, precision = 1e-3, noGain = 1e-12

    private mutating func move(_ term: Int, by step: Double) {
        guard step != 0 else { return }
        values[term] = max(0, values[term] + step)
        let factor = exp(-step)
        unseen.withUnsafeMutableBufferPointer { unseen in
            for place in evidence.failures(term) { unseen[Int(evidence.incidences[place])] *= factor }
        }
    }
}
