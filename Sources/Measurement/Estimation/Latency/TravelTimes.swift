internal import WireFormat

/// How surely a probe that is not lost would have been seen by a given age.
///
/// From the distribution of what is left of the excess times when the delays and the medians of the nodes are taken
/// off, estimated by Kaplan and Meier so that young probes do not make it look faster than it is. Each node has its
/// own, and another one as the last of a path: what it gets for a mailbox it need not pass on, so that says nothing of how
/// long it keeps the rest. They are drawn towards that of all where they rest on few arrivals, and a path is as slow as its
/// slowest node: a slow or erratic node does not make its pending probes count as lost.
struct TravelTimes {
    private let added: AddedLatency
    /// By node, place (0: passes on, 1: last) and group of excess: the part of arrivals before the group.
    private var curves: [Float]

    init(
        _ table: ProbeTable, _ observations: Observations, added: AddedLatency, settings: EstimationSettings
    ) {
        self.added = added
        let groups = ExcessScale.count
        let nodes = table.nodes.count * 2
        // The last is that of all.
        var arrivals = Array(repeating: 0.0, count: (nodes + 1) * groups)
        var ends = arrivals
        let usefulSlack = settings.usefulSlack.milliseconds
        for place in observations.rows.indices {
            let row = observations.rows[place]
            let weight = Double(observations.weights[place])
            let verdict = observations.verdicts[place]
            let slack = table.slack[Int(row)]
            var group = groups - 1
            if verdict != Observations.Verdict.lost {
                var excess = table.excess(row) - Float(added.shift(table, row))
                if Int64(slack) > usefulSlack { excess -= Float(slack) / 1000 }
                group = ExcessScale.group(excess)
            }
            let isEvent = verdict == Observations.Verdict.arrived && Int64(slack) <= usefulSlack
            Self.forEachPlace(table, row) { place in
                if isEvent {
                    arrivals[place * groups + group] += weight
                } else {
                    ends[place * groups + group] += weight
                }
            }
            if isEvent { arrivals[nodes * groups + group] += weight } else { ends[nodes * groups + group] += weight }
        }
        curves = Array(repeating: 0, count: nodes * groups)
        let (all, _) = Self.curve(arrivals[(nodes * groups)...], ends[(nodes * groups)...], settings, towards: nil)
        for node in 0..<nodes {
            let range = (node * groups)..<((node + 1) * groups)
            let (own, _) = Self.curve(arrivals[range], ends[range], settings, towards: all)
            curves.replaceSubrange(range, with: own)
        }
    }

    private static func curve(
        _ arrivals: ArraySlice<Double>, _ ends: ArraySlice<Double>, _ settings: EstimationSettings,
        towards all: [Float]?
    ) -> ([Float], total: Double) {
        var curve: [Float] = []
        curve.reserveCapacity(arrivals.count)
        var (atRisk, total, missing) = (0.0, 0.0, 1.0)
        for place in arrivals.indices {
            total += arrivals[place]
            atRisk += arrivals[place] + ends[place]
        }
        for place in arrivals.indices {
            curve.append(Float(1 - missing))
            if arrivals[place] > 0, atRisk > 0 { missing *= max(0, 1 - arrivals[place] / atRisk) }
            atRisk -= arrivals[place] + ends[place]
        }
        guard let all else {
            // The next arrival may be slower than all so far.
            let scale = missing < 1 ? Float(total / ((total + 1) * (1 - missing))) : 0
            return (curve.map { min(1, $0 * scale) }, total)
        }
        // A node from which nothing came back yet may be dead, or slow: nobody knows how slow, so nothing counts as lost by it
        // before the deadline.
        guard missing < 1 else { return (curve.map { _ in 0 }, total) }
        let own = Float(total / ((total + settings.travelShrinkage) * (1 - missing)))
        let shared = Float(settings.travelShrinkage / (total + settings.travelShrinkage))
        let most = Float(total / (total + 1))
        for place in curve.indices {
            // Never faster than what was seen of the node itself: the first few may show that it is far slower than others.
            let seen = curve[place] / Float(1 - missing)
            curve[place] = min(curve[place] * own + all[place] * shared, most, seen)
        }
        return (curve, total)
    }

    /// For a probe that is not there yet; 0 to 1.
    func sight(_ table: ProbeTable, _ row: Int) -> Double {
        let row = Int32(row)
        let group = ExcessScale.group(table.excess(row) - Float(added.shift(table, row)))
        var least: Float = 1
        Self.forEachPlace(table, row) { least = min(least, curves[$0 * ExcessScale.count + group]) }
        return Double(least)
    }

    /// The places of a path's nodes in the table of curves.
    private static func forEachPlace(_ table: ProbeTable, _ row: Int32, _ body: (Int) -> Void) {
        let path = table.path(row)
        var left = path.count
        for hop in path {
            left -= 1
            body(Int(hop) * 2 + (left == 0 ? 1 : 0))
        }
    }
}
