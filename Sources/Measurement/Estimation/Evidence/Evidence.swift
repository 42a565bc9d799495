/// What the probes say of the terms. Arrivals are summed up: in the logarithm of the likelihood each is linear in the
/// terms of its path. Only the others stay single.
struct Evidence {
    /// Groups of age, see `Observations.ages`.
    static let maximumAges = 16

    let termCount: Int
    /// Weight of the arrivals with each term, for each group of age.
    private(set) var arrivedByAge: [Double]
    /// And in all.
    private(set) var arrived: [Double]
    /// Number of arrivals, and of probes that are as good as lost.
    private(set) var arrivals: [Int32]
    private(set) var losses: [Int32]
    /// Number of arrivals and such probes of each term, for each group of age.
    private(set) var decidedByAge: [Int32]
    /// The same two of each link, with a term or without, by its number.
    private(set) var linkArrivals: [Int32]
    private(set) var linkLosses: [Int32]
    /// Sum of the weights, and of their squares, of all probes with the term.
    private var weight: [Double]
    private var squares: [Double]

    /// For each failure: its weight, how surely it would have been seen had it not been lost, its age; and its terms
    /// from `starts` on.
    private(set) var failureWeights: [Double] = []
    private(set) var failureSight: [Double] = []
    private(set) var failureAges: [UInt8] = []
    private(set) var starts: [Int32] = [0]
    private(set) var failureTerms: [Int32] = []
    /// The failures of each term, from `incidenceStarts` on.
    private(set) var incidenceStarts: [Int32] = []
    private(set) var incidences: [Int32] = []

    var failureCount: Int { failureWeights.count }

    init(
        _ table: ProbeTable, _ observations: Observations, _ terms: PathTerms, _ travel: TravelTimes,
        _ settings: EstimationSettings
    ) {
        termCount = terms.count
        arrivedByAge = Array(repeating: 0, count: termCount * Self.maximumAges)
        arrived = Array(repeating: 0, count: termCount)
        arrivals = Array(repeating: 0, count: termCount)
        losses = arrivals
        linkArrivals = Array(repeating: 0, count: terms.links.count)
        linkLosses = linkArrivals
        decidedByAge = Array(repeating: 0, count: termCount * Self.maximumAges)
        weight = arrived
        squares = arrived
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: PathTerms.maximum) { path in
            guard let path = path.baseAddress else { return }
            gather(table, observations, terms, travel, settings, path)
        }
        for term in 0..<termCount {
            for age in 0..<Self.maximumAges { arrived[term] += arrivedByAge[term * Self.maximumAges + age] }
        }
        index()
    }

    private mutating func gather(
        _ table: ProbeTable, _ observations: Observations, _ terms: PathTerms, _ travel: TravelTimes,
        _ settings: EstimationSettings, _ path: UnsafeMutablePointer<Int32>
    ) {
        table.hops.withUnsafeBufferPointer { hops in
            guard let hops = hops.baseAddress else { return }
            for place in observations.rows.indices {
                let row = Int(observations.rows[place])
                let age = observations.ages[place]
                let nodes = hops + row * ProbeTable.stride
                let length = terms.terms(
                    of: nodes, count: Int(table.hopCount[row]), age: age, into: path)
                let weight = Double(observations.weights[place])
                let verdict = observations.verdicts[place]
                if verdict == Observations.Verdict.arrived {
                    for hop in 0..<(Int(table.hopCount[row]) - 1) {
                        linkArrivals[terms.linkNumber(nodes[hop], nodes[hop + 1])] += 1
                    }
                    for index in 0..<length {
                        let term = Int(path[index])
                        arrivedByAge[term * Self.maximumAges + Int(age)] += weight
                        arrivals[term] += 1
                        decidedByAge[term * Self.maximumAges + Int(age)] += 1
                        self.weight[term] += weight
                        squares[term] += weight * weight
                    }
                    continue
                }
                let sight = verdict == Observations.Verdict.lost ? 1 : travel.sight(table, row)
                guard sight >= Self.leastSight else { continue }
                if sight >= settings.decidedFrom {
                    for hop in 0..<(Int(table.hopCount[row]) - 1) {
                        linkLosses[terms.linkNumber(nodes[hop], nodes[hop + 1])] += 1
                    }
                }
                for index in 0..<length {
                    let term = Int(path[index])
                    if sight >= settings.decidedFrom {
                        losses[term] += 1
                        decidedByAge[term * Self.maximumAges + Int(age)] += 1
                    }
                    self.weight[term] += weight * sight
                    squares[term] += weight * weight * sight
                    failureTerms.append(path[index])
                }
                starts.append(Int32(failureTerms.count))
                failureWeights.append(weight)
                failureSight.append(sight)
                failureAges.append(age)
            }
        }
    }

    /// A probe that would hardly be there yet says nothing.
    private static let leastSight = 0.001

    private mutating func index() {
        incidenceStarts = Array(repeating: 0, count: termCount + 1)
        for term in failureTerms { incidenceStarts[Int(term) + 1] += 1 }
        for term in 0..<termCount { incidenceStarts[term + 1] += incidenceStarts[term] }
        incidences = Array(repeating: 0, count: failureTerms.count)
        var next = incidenceStarts
        for failure in 0..<failureCount {
            for place in Int(starts[failure])..<Int(starts[failure + 1]) {
                let term = Int(failureTerms[place])
                incidences[Int(next[term])] = Int32(failure)
                next[term] += 1
            }
        }
    }

    /// The failures with the term.
    func failures(_ term: Int) -> Range<Int> { Int(incidenceStarts[term])..<Int(incidenceStarts[term + 1]) }

    /// Probes with an outcome and the term.
    func samples(_ term: Int) -> Int { Int(arrivals[term] + losses[term]) }

    /// How much an old probe's weight overstates the spread of the estimate. A likelihood in which probes count for a
    /// part has the variance of that many whole ones, but the estimate rests on more: by sum of squares over sum of
    /// weights.
    func spread(_ term: Int) -> Double { weight[term] > 0 ? squares[term] / weight[term] : 1 }
}
