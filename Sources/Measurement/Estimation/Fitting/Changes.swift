internal import Glibc

/// Looks for nodes and links that behave otherwise since some time, so that an outage shows within an hour, and a
/// node that is well again is not blamed for days.
enum Changes {
    struct Change {
        var term: Int
        /// Probes older than this (as `Observations.ages` counts) are from before.
        var age: UInt8
        /// Twice the gain in the logarithm of the likelihood.
        var ratio: Double
    }

    /// The surest change of those that are sure enough; nil if there is none.
    ///
    /// - Parameter fit: of all that is known, with one term for the whole window.
    static func surest(_ fit: TermFit, _ terms: PathTerms, _ settings: EstimationSettings) -> Change? {
        let ages = min(settings.changeAges.count, Evidence.maximumAges - 1)
        var best: Change?
        var looks = 0
        for term in terms.nodeCount..<terms.before.count where terms.before[term] < 0 {
            let isLink = terms.isLink(term)
            // Entry and mailbox are no score, and nothing steers by them.
            guard isLink || (terms.nodeCount..<2 * terms.nodeCount).contains(term) else { continue }
            let least = isLink ? settings.minimumLinkSamples : settings.minimumSamples
            guard fit.evidence.samples(term) > least else { continue }
            looks += ages
            guard let found = surest(fit, term, ages: ages, least: least) else { continue }
            if found.ratio > best?.ratio ?? 0 { best = found }
        }
        guard let best, best.ratio > 2 * log(Double(max(1, looks)) / settings.falseAlarm) else { return nil }
        return best
    }

    private static func surest(_ fit: TermFit, _ term: Int, ages: Int, least: Int) -> Change? {
        let evidence = fit.evidence
        var arrived = 0.0
        var slope = 0.0
        var curvature = 0.0
        var (count, decided) = (0, 0)
        var byAge = Array(repeating: (slope: 0.0, curvature: 0.0, count: 0), count: Evidence.maximumAges)
        for place in evidence.failures(term) {
            let failure = Int(evidence.incidences[place])
            let age = Int(evidence.failureAges[failure])
            let rest = max(1 - fit.unseen[failure], 1e-12)
            let odds = evidence.failureWeights[failure] * fit.unseen[failure] / rest
            byAge[age].slope += odds
            byAge[age].curvature += odds / rest
            byAge[age].count += 1
        }
        var best: Change?
        // What one term for all ages gains, if it is held at zero so far: that is no change.
        let common = gain(fit, term, arrived: evidence.arrived[term]) { _ in true }
        for age in 0..<ages {
            let part = evidence.arrivedByAge[term * Evidence.maximumAges + age]
            arrived += part
            slope += byAge[age].slope - part
            curvature += byAge[age].curvature
            count += byAge[age].count
            decided += Int(evidence.decidedByAge[term * Evidence.maximumAges + age])
            // A first look that costs nothing: does what is newer pull at all?
            // And are enough of them decided, so that there is an estimate after the change?
            guard slope * slope > screen * curvature, decided >= least else { continue }
            let older = evidence.arrived[term] - arrived
            guard older > 0 || count < evidence.failures(term).count else { continue }
            let newer = gain(fit, term, arrived: arrived) { $0 <= age }
            let gain = newer + gain(fit, term, arrived: older) { $0 > age } - common
            if 2 * gain > best?.ratio ?? 0 { best = Change(term: term, age: UInt8(age), ratio: 2 * gain) }
        }
        return best
    }

    private static let screen = 4.0

    /// What the likelihood gains if the probes of these ages have a term of their own, the others held.
    private static func gain(_ fit: TermFit, _ term: Int, arrived: Double, where isMeant: (Int) -> Bool) -> Double {
        var failures: [(weight: Double, unseen: Double)] = []
        for place in fit.evidence.failures(term) {
            let failure = Int(fit.evidence.incidences[place])
            guard isMeant(Int(fit.evidence.failureAges[failure])) else { continue }
            failures.append((fit.evidence.failureWeights[failure], fit.unseen[failure]))
        }
        let curve = TermCurve(failures: failures, arrived: arrived + fit.costs[term], value: fit.values[term])
        return curve.change(to: curve.peak)
    }
}
