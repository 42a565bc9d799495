// Whether the pinger may speak: the rules of honesty in one place, without a clock, a file or a network (doc/PINGER.md, when
// it says nothing).

internal import Directory
internal import Measurement
internal import WireFormat

/// What is known when it is decided whether to speak.
struct ReportSituation: Sendable {
    var now: Timestamp
    /// What the watch says: blind or clock wrong; nil while it watches.
    var unwatched: Silence?
    /// The newest gap of the database; nil if there has been none.
    var lastGap: PastGap?
    /// Whether a probe that was sent after that gap has come back.
    var hasSeenReturn = false
    /// When the newest consensus was made, and until when it may be used; nil while there is none.
    var consensus: (published: Timestamp, validUntil: Timestamp)?
    /// A probe that is older than this and has not come back never will.
    var deadline: Interval
    /// Probes of the window.
    var counts = OutcomeCounts()
    /// Why the database cannot be used.
    var storeTrouble: String?
}

/// The rules.
enum ReportDecision {
    /// After a gap nothing is said for so long at least.
    static let settlingTime = Interval.minutes(10)
    /// Clocks of others may be ahead by so much.
    static let toleratedSkew = Interval.minutes(2)
    /// A node with fewer decided probes is not in a report, however certain the estimate.
    static let minimumSamples = ReportTally.minimumSamples

    /// Why nothing may be said; nil if everything is well.
    static func silence(_ situation: ReportSituation) -> Silence? {
        let now = situation.now
        if let words = situation.storeTrouble { return .store(words) }
        if let unwatched = situation.unwatched { return unwatched }
        guard let consensus = situation.consensus else { return .noConsensus }
        if now + toleratedSkew < consensus.published { return .clockBehind(consensus: consensus.published) }
        if now >= consensus.validUntil { return .consensusExpired(consensus.validUntil) }
        if let gap = situation.lastGap, gap.from <= now {
            let age = now - gap.end(at: now)
            if age < settlingTime || (!situation.hasSeenReturn && age < situation.deadline) {
                return .settling(after: gap)
            }
        }
        let counts = situation.counts
        let ended = counts.arrived + counts.lost + counts.void
        if counts.void * 2 > ended { return .voided(counts.void, of: ended) }
        return nil
    }

    /// What of `analysis` may be reported; nil if that is nothing, because too little is decided yet.
    static func contents(
        _ analysis: Analysis, pinger: Nickname, deadline: Interval, at now: Timestamp
    ) -> ReportContents? {
        guard let first = analysis.first, let last = analysis.last else { return nil }
        let nodes = analysis.nodes.compactMap { id, result in reported(id, result) }.sorted { $0.id < $1.id }
        guard !nodes.isEmpty else { return nil }
        let named = nodes.prefix(ReportContents.maximumEntries)
        let ids = Set(named.map(\.id))
        // A link is told of only where both of its nodes are.
        let broken = analysis.brokenLinks.filter { ids.contains($0.from) && ids.contains($0.to) }
        return ReportContents(
            pinger: pinger, published: now, from: max(first, now - ReportContents.maximumWindow), to: min(last, now),
            deadline: deadline, software: PingerVersion.text, counts: counts(analysis), nodes: Array(named),
            brokenLinks: Array(broken.prefix(ReportContents.maximumEntries)))
    }

    private static func counts(_ analysis: Analysis) -> ReportedCounts {
        var counts = ReportedCounts()
        for kind in [ProbeKind.loop, .reply] {
            guard let some = analysis.counts[kind] else { continue }
            counts.sent += some.total
            counts.arrived += some.arrived
            counts.lost += some.lost
            counts.void += some.void
        }
        return counts
    }

    private static func reported(_ id: NodeID, _ result: NodeResult) -> ReportedNode? {
        guard let relay = result.relay, relay.samples >= minimumSamples, relay.value.isFinite else { return nil }
        func share(_ estimate: Estimate?) -> ReportedShare? {
            guard let estimate, estimate.samples > 0, estimate.value.isFinite else { return nil }
            return ReportedShare(
                value: Int((min(max(estimate.value, 0), 1) * 1000).rounded()), samples: estimate.samples)
        }
        return ReportedNode(
            id: id,
            relay: ReportedEstimate(
                fraction: relay.value, low: min(relay.low, relay.value), high: max(relay.high, relay.value),
                samples: relay.samples),
            latency: result.addedLatency.map { max(.zero, $0) },
            within: result.arrivals.map {
                ReportedArrivals(fractions: $0.tenMinutes, hour: $0.hour, sixHours: $0.sixHours, day: $0.day)
            },
            entry: share(result.entry), mailbox: share(result.mailbox),
            deliveries: ReportedShare(good: result.deliveries.good, of: result.deliveries.total),
            handshakes: ReportedShare(good: result.handshakes.good, of: result.handshakes.total),
            duplicates: max(0, result.duplicates), damaged: max(0, result.damaged))
    }
}
