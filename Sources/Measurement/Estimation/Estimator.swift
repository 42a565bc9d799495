internal import Directory
public import WireFormat

/// Makes an analysis of probes: what is known of nodes and links from what became of packets on paths of several of
/// them. doc/ESTIMATION.md has the formulas.
public struct Estimator: Sendable {
    public var settings: EstimationSettings

    public init(settings: EstimationSettings = EstimationSettings()) { self.settings = settings }

    /// Everything of an analysis but what is not in probes: handshakes, duplicates, damaged.
    ///
    /// - Parameter now: the network's time. Probes sent later, or before the window, are left out.
    public func analyse(_ probes: ProbeTable, at now: Timestamp) -> Analysis {
        let observations = Observations(probes, settings: settings, now: now)
        var analysis = Analysis(
            made: now, first: observations.first, last: observations.last, counts: observations.counts)
        var results = Array(repeating: NodeResult(), count: probes.nodes.count)
        for node in results.indices {
            results[node].ahead = observations.ahead[node]
            results[node].deliveries = observations.deliveries[node]
        }
        let added = AddedLatency(probes, observations, settings)
        for node in results.indices where added.samples[node] >= settings.minimumSamples {
            results[node].addedLatency = .seconds(fraction: added.relay(node))
        }
        let arrivals = ArrivalCurves(probes, observations, settings)
        analysis.arrivals = arrivals.all
        for node in results.indices { results[node].arrivals = arrivals.nodes[node] }

        let travel = TravelTimes(probes, observations, added: added, settings: settings)
        let model = ModelFit(probes, observations, travel, settings)
        let estimates = model.estimates()
        let terms = model.terms
        for node in results.indices {
            results[node].relay = estimates[terms.relay(node)]
            results[node].entry = estimates[terms.entry(node)]
            results[node].mailbox = estimates[terms.mailbox(node)]
        }
        for (number, ends) in terms.links.enumerated() {
            let link = NodeLink(from: probes.nodes[Int(ends.from)], to: probes.nodes[Int(ends.to)])
            analysis.links[link] = LinkResult(
                arrived: Int(model.fit.evidence.linkArrivals[number]),
                lost: Int(model.fit.evidence.linkLosses[number]),
                estimate: terms.link(number).flatMap { estimates[$0] },
                isBroken: model.isBroken(link: number))
        }
        for (node, result) in zip(probes.nodes, results) where analysis.nodes[node] == nil {
            analysis.nodes[node] = result
        }
        return analysis
    }
}
