// Everything that can be found out from a pinger's database at one moment: for the running pinger, which keeps and publishes
// it, and for the commands, which only show it.

internal import Directory
internal import Measurement
internal import Spool
internal import WireFormat

/// Reads and analyses. All of it blocks; a full database takes seconds.
struct Investigation: Sendable {
    let settings: PingerSettings
    let store: PingStore

    /// Days after which a node that has left is not shown any more.
    static let shownDays = 30

    private var estimation: EstimationSettings { settings.estimation }

    /// The newest time in which the pinger saw nothing; nil if there has been none that matters still.
    func lastGap(at now: Timestamp) throws(PingStoreError) -> PastGap? {
        let gaps = try store.gaps(since: now - settings.deadline - ReportDecision.settlingTime)
        return gaps.filter { $0.isVoiding && $0.from <= now }
            .map { PastGap(from: $0.from, to: $0.to, reason: $0.reason) }
            .max { $0.end(at: now) < $1.end(at: now) }
    }

    /// The probes as they were at `time`, not older than `since`.
    func read(
        at time: Timestamp, since: Timestamp? = nil, days: Set<Int> = []
    ) throws(PingStoreError) -> AnalysisInput {
        let window = since.map { min(estimation.window, max(.zero, time - $0)) } ?? estimation.window
        return try AnalysisInput(store, window: window, at: time, days: days)
    }

    /// The analysis of what was read, with what is not in probes.
    func analyse(_ input: AnalysisInput, at time: Timestamp, since: Timestamp? = nil) throws(PingStoreError) -> Analysis
    {
        var analysis = Estimator(settings: estimation).analyse(input.probes, at: time)
        let since = max(time - estimation.window, since ?? time - estimation.window)
        for (id, share) in try store.handshakes(since: since) {
            analysis.nodes[id, default: NodeResult()].handshakes = Share(good: share.good, total: share.total)
        }
        for (id, signs) in try store.evidence(since: since) {
            analysis.nodes[id, default: NodeResult()].duplicates = signs.duplicates
            analysis.nodes[id, default: NodeResult()].damaged = signs.damaged
        }
        return analysis
    }

    /// Works out the days of `input` and keeps what is new.
    func saveDays(_ input: AnalysisInput, at now: Timestamp) throws(PingStoreError) {
        let estimator = Estimator(settings: estimation)
        for (day, probes) in input.days.sorted(by: { $0.key < $1.key }) where probes.count > 0 {
            let end = AnalysisInput.start(of: day + 1)
            // As of the end of the day its probes differ in nothing but their age; what is decided later counts too.
            let analysis = estimator.analyse(probes, at: now)
            let handshakes = try shares(from: AnalysisInput.start(of: day), to: end, at: now)
            let rows = DayResults.rows(analysis, day: day, handshakes: handshakes)
            if !rows.isEmpty { try store.saveDays(rows) }
            let links = DayResults.linkRows(analysis, day: day)
            if !links.isEmpty { try store.saveLinkDays(links) }
        }
    }

    /// Connections between two times.
    private func shares(
        from: Timestamp, to end: Timestamp, at now: Timestamp
    ) throws(PingStoreError) -> [NodeID: Share] {
        var shares = try store.handshakes(since: from).mapValues { Share(good: $0.good, total: $0.total) }
        guard end <= now else { return shares }
        for (id, later) in try store.handshakes(since: end) {
            shares[id]?.good -= later.good
            shares[id]?.total -= later.total
        }
        return shares.filter { $0.value.total > 0 }
    }

    /// Everything that is shown.
    func facts(
        _ analysis: Analysis, network: Network, at now: Timestamp, historySince: Timestamp? = nil
    ) throws(PingStoreError) -> PingerFacts {
        var facts = PingerFacts(
            name: settings.name.text, software: PingerVersion.text, made: now, network: network.name,
            isTest: network.isTest, deadline: estimation.deadline, window: estimation.window,
            halfLife: estimation.halfLife, minimumSamples: estimation.minimumSamples, analysis: analysis)
        let from = max(now - settings.keepDays, historySince ?? now - settings.keepDays)
        for row in try store.days(from: from, to: now) {
            facts.history[row.node, default: []].append(DayResults.facts(row))
        }
        // A node that has left stays for as long as its charts go back.
        let oldest = PingStore.day(of: now) - Self.shownDays
        let recent = facts.history.filter { ($0.value.last?.day ?? 0) >= oldest }.keys
        let shown = Set(analysis.nodes.keys).union(recent)
        let listed = Set(network.consensus?.consensus.nodes.map(\.id) ?? [])
        facts.history = facts.history.filter { shown.contains($0.key) || listed.contains($0.key) }
        for node in try store.nodes() where shown.contains(node.id) {
            facts.nicknames[node.id] = node.nickname ?? String(node.id.hex.prefix(8))
        }
        for node in network.consensus?.consensus.nodes ?? [] {
            facts.nicknames[node.id] = node.nickname.text
            facts.flags[node.id] = node.flags
        }
        for descriptor in network.nodes { facts.descriptors[descriptor.id] = descriptor }
        facts.agreedBroken = Set(network.consensus?.consensus.brokenLinks ?? [])
        return facts
    }
}
