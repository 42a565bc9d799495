public import WireFormat

/// Makes an analysis of probes: what is known of nodes and links from what became of packets on paths of several of them.
/// doc/ESTIMATION.md has the formulas.
public struct Estimator: Sendable {
    public var settings: EstimationSettings

    public init(settings: EstimationSettings = EstimationSettings()) { self.settings = settings }

    /// Everything of an analysis but what is not in probes: handshakes, duplicates, damaged.
    ///
    /// - Parameter now: the network's time. Probes sent later, or before the window, are left out.
    public func analyse(_ probes: ProbeTable, at now: Timestamp) -> Analysis {
        var analysis = Analysis(made: now)
        for row in 0..<probes.count {
            let kind = ProbeTable.kinds[Int(probes.kind[row])]
            switch probes.state[row] {
            case ProbeTable.State.arrived: analysis.counts[kind, default: OutcomeCounts()].arrived += 1
            case ProbeTable.State.lost: analysis.counts[kind, default: OutcomeCounts()].lost += 1
            case ProbeTable.State.void: analysis.counts[kind, default: OutcomeCounts()].void += 1
            default: analysis.counts[kind, default: OutcomeCounts()].pending += 1
            }
        }
        return analysis
    }
}
