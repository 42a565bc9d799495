internal import Glibc

/// The fit of the whole model: which nodes have changed, which links have a term of their own, and all terms.
struct ModelFit {
    private(set) var terms: PathTerms
    private(set) var fit: TermFit
    private let settings: EstimationSettings

    /// More changes than this are not told apart.
    private static let mostChanges = 12

    init(
        _ table: ProbeTable, _ observations: Observations, _ travel: TravelTimes, _ settings: EstimationSettings
    ) {
        self.settings = settings
        terms = PathTerms(table, observations, settings)
        fit = Self.nodesOnly(Evidence(table, observations, terms, travel, settings), terms, settings)
        while terms.after.count < Self.mostChanges, let change = Changes.surest(fit, terms, settings) {
            terms.change(change.term, atAge: change.age)
            fit = Self.nodesOnly(Evidence(table, observations, terms, travel, settings), terms, settings)
        }
        choose()
    }

    /// All loss to nodes, but for links that have changed.
    private static func nodesOnly(_ evidence: Evidence, _ terms: PathTerms, _ settings: EstimationSettings) -> TermFit {
        let count = evidence.termCount
        let changed = Set(terms.after)
        let isFree = (0..<count).map { term in
            !evidence.failures(term).isEmpty
                && (!terms.isLink(term) || term >= terms.before.count || changed.contains(term))
        }
        var fit = TermFit(
            evidence, values: isFree.map { $0 ? begin : 0 }, costs: Array(repeating: settings.penalty, count: count),
            isFree: isFree)
        fit.run()
        return fit
    }

    private static let begin = 0.02

    /// Gives links a term of their own where the nodes cannot explain the loss, and ends where the rule for ends
    /// cannot: first at a price that chance does not reach, then those that have paid it are kept, cheaply, so that
    /// the price does not stay with their nodes.
    private mutating func choose() {
        let choices = (0..<fit.values.count).filter { terms.isLink($0) || terms.isEnd($0) }
        for term in choices {
            let isEnd = terms.isEnd(term)
            guard isEnd || fit.evidence.samples(term) >= settings.minimumLinkSamples else { continue }
            fit.isFree[term] = !fit.evidence.failures(term).isEmpty
            guard fit.isFree[term] else { continue }
            let price = (isEnd ? settings.endPenalty : settings.linkPenalty) * deviation(term)
            fit.costs[term] = max(settings.penalty, price)
        }
        fit.run()
        for term in choices {
            fit.costs[term] = settings.penalty
            fit.isFree[term] = fit.values[term] > 0
        }
        fit.run()
    }

    /// What chance gives the slope of a term at zero, as a standard deviation.
    ///
    /// That of the curvature is far too great for a link that has lost all that was sent over it, as each failure has
    /// its part in it and few would be expected. The square root of twice what the likelihood can gain, which is
    /// slope by deviation where the likelihood is a parabola, is near normal for such few as well.
    private func deviation(_ term: Int) -> Double {
        let (slope, curvature) = fit.slope(term)
        let rising = slope + fit.costs[term]
        guard rising > 0, fit.values[term] == 0 else { return curvature.squareRoot() }
        let gain = curve(term).gain
        return gain > 0 ? min(curvature.squareRoot(), rising / (2 * gain).squareRoot()) : curvature.squareRoot()
    }

    private func curve(_ term: Int) -> TermCurve {
        TermCurve(
            failures: fit.evidence.failures(term).map { place in
                let failure = Int(fit.evidence.incidences[place])
                return (fit.evidence.failureWeights[failure], fit.unseen[failure])
            }, arrived: fit.evidence.arrived[term], value: fit.values[term])
    }

    /// The estimates of all terms with enough samples.
    func estimates() -> [Estimate?] {
        func isPublished(_ term: Int) -> Bool {
            term < terms.before.count
                && fit.evidence.samples(term)
                    >= (terms.isLink(term) ? settings.minimumLinkSamples : settings.minimumSamples)
        }
        let information = Information(fit, where: isPublished)
        // The rule is for an entry and a mailbox together.
        let rule = exp(-fit.values[terms.ends] / 2)
        return (0..<terms.before.count).map { term in
            guard isPublished(term) else { return nil }
            var found = estimate(term, share: information.shares[term])
            if terms.isEnd(term) {
                found.value *= rule
                found.low *= rule
                // One that loses less than the rule has no term below it.
                if fit.values[term] > 0 { found.high *= rule }
            }
            return found
        }
    }

    private func estimate(_ term: Int, share: Double) -> Estimate {
        let evidence = fit.evidence
        let value = fit.values[term]
        let spread = evidence.spread(term)
        var curve = curve(term)
        let drop = settings.intervalDrop * spread / share
        let least = min(value, curve.least(drop: drop))
        curve.caution = settings.continuity * spread
        let greatest = max(value, curve.greatest(drop: drop))
        return Estimate(
            value: exp(-value), low: greatest < TermFit.greatest ? exp(-greatest) : 0, high: exp(-least),
            samples: evidence.samples(term))
    }

    /// Whether a link certainly carries (almost) nothing while its nodes work: its term is far above zero, by a
    /// likelihood ratio in which all other terms are fitted anew without it, and certainly above that of a link that
    /// is just not broken.
    ///
    /// A ratio above 1 / a comes by chance at most with the chance a however often one looks, so the bound holds for
    /// a pinger that looks every hour; a is shared out over all links.
    func isBroken(link number: Int) -> Bool {
        guard let term = terms.link(number) else { return false }
        let limit = -log(settings.brokenBelow)
        guard fit.values[term] > limit, fit.evidence.samples(term) >= settings.minimumLinkSamples else { return false }
        let spread = fit.evidence.spread(term)
        let best = fit.objective
        let enough = log(Double(terms.links.count) / settings.falseAlarm) * spread
        guard best - objective(without: term, value: 0) > enough else { return false }
        return best - objective(without: term, value: limit) > settings.intervalDrop * spread
    }

    /// The greatest likelihood with the term held.
    private func objective(without term: Int, value: Double) -> Double {
        var other = fit
        other.values[term] = value
        other.isFree[term] = false
        // The other terms of its nodes may have been zero because of it.
        other.run(tolerance: 1e-3)
        return other.objective
    }
}
