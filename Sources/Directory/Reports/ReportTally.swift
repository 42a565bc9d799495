// From the reports of the pingers that an authority trusts to what it votes. A pure function of the reports and the start of
// the slot, in whole numbers, so that everybody can compute a vote's measurements again from the reports that it names.

public import WireFormat

/// Why a report does not count.
public enum LeftOutReport: String, CaseIterable, Hashable, Sendable {
    case otherNetwork = "of another network"
    case fromTheFuture = "from the future"
    case tooOld = "too old"
    /// The same pinger has a newer one.
    case replaced = "replaced by a newer one"
}

/// What an authority says because of reports.
public struct ReportVerdict: Equatable, Sendable {
    /// Nodes that enough probes have measured.
    public var measurements: [NodeID: NodeMeasurement] = [:]
    /// Those of them that lose too much, or keep packets too long.
    public var unreliable: Set<NodeID> = []
    /// In order.
    public var brokenLinks: [NodeLink] = []
    /// Digests of the reports that count, ascending.
    public var used: [Digest] = []
    /// Those that do not count.
    public var leftOut: [Digest: LeftOutReport] = [:]

    public init() {}
}

/// Makes reports into measurements.
public enum ReportTally {
    /// How long before the start of a slot a report may have been made.
    public static let maximumAge = Interval.hours(6)
    /// How long after it: votes are made a little after the start, and clocks differ.
    public static let maximumAhead = Interval.minutes(10)
    /// A node with fewer probes is not measured, which is not the same as unreliable.
    public static let minimumSamples = 30
    /// A node of which not even the upper end of the interval reaches this (of 1000) is unreliable.
    public static let unreliableBelow = 900
    /// A node that adds more than this is unreliable.
    public static let slowAbove = Interval.hours(1)
    /// Most links that a verdict can have: what a vote has room for.
    static let maximumLinks = VoteContents.maximumEntries

    /// - Parameters:
    ///   - reports: of pingers that are trusted; of several of one pinger the newest counts.
    ///   - network: the network that is voted on.
    ///   - time: the start of the slot.
    public static func judge(
        _ reports: [MeasurementReport], network: String, at time: Timestamp
    ) -> ReportVerdict {
        var verdict = ReportVerdict()
        let counted = select(reports, network: network, at: time, &verdict)
        verdict.used = counted.map(\.digest).sorted()
        var found: [NodeID: [ReportedNode]] = [:]
        for report in counted {
            for node in report.nodes where isMeasured(node) { found[node.id, default: []].append(node) }
        }
        for (id, said) in found {
            guard let reliability = Tally.lowMedian(said.compactMap { $0.relay?.value }),
                let high = Tally.lowMedian(said.compactMap { $0.relay?.high }),
                let samples = Tally.lowMedian(said.compactMap { $0.relay?.samples })
            else { continue }
            let latency = Tally.lowMedian(said.compactMap(\.latency))
            verdict.measurements[id] = NodeMeasurement(reliability: reliability, latency: latency, samples: samples)
            if high < unreliableBelow || latency.map({ $0 > slowAbove }) ?? false { verdict.unreliable.insert(id) }
        }
        verdict.brokenLinks = brokenLinks(counted, nodes: found.count)
        return verdict
    }

    private static func isMeasured(_ node: ReportedNode) -> Bool { (node.relay?.samples ?? 0) >= minimumSamples }

    /// The newest report of each pinger among those that may count.
    private static func select(
        _ reports: [MeasurementReport], network: String, at time: Timestamp, _ verdict: inout ReportVerdict
    ) -> [MeasurementReport] {
        var newest: [Digest: MeasurementReport] = [:]
        for report in reports.sorted(by: { ($0.published, $1.digest) > ($1.published, $0.digest) }) {
            if let reason = reason(report, network: network, at: time) {
                verdict.leftOut[report.digest] = reason
            } else if let kept = newest[report.keyDigest] {
                if kept.digest != report.digest { verdict.leftOut[report.digest] = .replaced }
            } else {
                newest[report.keyDigest] = report
            }
        }
        return newest.values.sorted { $0.digest < $1.digest }
    }

    private static func reason(
        _ report: MeasurementReport, network: String, at time: Timestamp
    ) -> LeftOutReport? {
        if report.network != network { return .otherNetwork }
        if report.published > time + maximumAhead { return .fromTheFuture }
        return report.published < time - maximumAge ? .tooOld : nil
    }

    /// What at least half of the pingers say that have measured both nodes; of a node of which they say it too often,
    /// none (`LinkBrake`). The tally looks at this again, among the nodes that are listed.
    /// - Parameter nodes: how many nodes are measured.
    private static func brokenLinks(_ reports: [MeasurementReport], nodes: Int) -> [NodeLink] {
        var accusers: [NodeLink: Int] = [:]
        let measured = reports.map { Set($0.nodes.filter(isMeasured).map(\.id)) }
        for (report, measured) in zip(reports, measured) {
            for link in report.brokenLinks where measured.contains(link.from) && measured.contains(link.to) {
                accusers[link, default: 0] += 1
            }
        }
        let broken = accusers.filter { link, count in
            2 * count >= measured.count { $0.contains(link.from) && $0.contains(link.to) }
        }
        let believed = Set(LinkBrake.kept(Array(broken.keys), nodes: nodes))
        // More than there is room for: those that most name.
        let kept = broken.filter { believed.contains($0.key) }.sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key
        }
        return kept.prefix(maximumLinks).map(\.key).sorted()
    }
}
