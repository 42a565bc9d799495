// What `nightjar-pinger report` prints for people: the bands that the pages have, in columns.

internal import Daemon
internal import Directory
internal import Measurement
internal import WireFormat

/// The text of a report.
struct ReportText {
    let facts: PingerFacts
    /// How the signed report stands; nil if none was ever made.
    let publication: PublicationRecord?

    /// Most broken links that are named one by one.
    private static let mostLinks = 20

    var lines: [String] {
        head + [""] + table + links + problems + reports
    }

    private var head: [String] {
        let analysis = facts.analysis
        var counts = OutcomeCounts()
        for some in analysis.counts.values {
            counts.arrived += some.arrived
            counts.lost += some.lost
            counts.pending += some.pending
            counts.void += some.void
        }
        var lines = ["pinger \(facts.name) of the network \(facts.network)\(facts.isTest ? " (a test network)" : "")"]
        if let first = analysis.first, let last = analysis.last {
            lines.append("probes from \(first) to \(last), as of \(analysis.made)")
        }
        lines.append(
            "\(counts.total) probes: \(counts.arrived) arrived, \(counts.lost) lost, \(counts.pending) under way, \(counts.void) void"
        )
        return lines
    }

    private var table: [String] {
        guard !facts.nodes.isEmpty else { return ["no node is known yet"] }
        var table = TextTable([
            "NODE", "RELIABILITY", "", "SAMPLES", "LATENCY", "10 MIN", "1 H", "6 H", "24 H", "CONNECTS", "MAIL",
            "STATE",
        ])
        for id in facts.nodes {
            let result = facts.analysis.nodes[id] ?? NodeResult()
            let band = Band(result.relay)
            let within = result.arrivals.map { [$0.tenMinutes, $0.hour, $0.sixHours, $0.day] }
            table.add(
                [
                    facts.label(id), band.text, String(band.letter), String(result.relay?.samples ?? 0),
                    result.addedLatency.map(Self.latency) ?? "-",
                ]
                    + (within.map { $0.map { "\(Coarse.percent($0)) %" } } ?? ["-", "-", "-", "-"])
                    + [Self.share(result.handshakes), Self.share(result.deliveries), state(id, result)])
        }
        return table.lines
    }

    /// What there is to say of a node in words.
    private func state(_ id: NodeID, _ result: NodeResult) -> String {
        var words: [String] = []
        if let flags = facts.flags[id] {
            words += flags.intersection([.bad, .unreliable, .unmeasured]).sorted().map(\.rawValue)
            if !flags.contains(.running) { words.append("not running") }
        } else {
            words.append("not listed")
        }
        if result.duplicates > 0 { words.append("\(result.duplicates) duplicates") }
        if result.damaged > 0 { words.append("\(result.damaged) damaged") }
        return words.isEmpty ? "ok" : words.joined(separator: ", ")
    }

    private var links: [String] {
        let broken = facts.analysis.brokenLinks
        guard !broken.isEmpty else { return [] }
        var lines = ["", broken.count == 1 ? "one link is broken:" : "\(broken.count) links are broken:"]
        for link in broken.prefix(Self.mostLinks) {
            let result = facts.analysis.links[link]
            let known = facts.agreedBroken.contains(link) ? "; the consensus says so too" : ""
            lines.append(
                "  \(facts.label(link.from)) -> \(facts.label(link.to)): \(result?.lost ?? 0) lost, \(result?.arrived ?? 0) arrived\(known)"
            )
        }
        if broken.count > Self.mostLinks { lines.append("  and \(broken.count - Self.mostLinks) more, see --json") }
        return lines
    }

    private var problems: [String] {
        facts.problems.isEmpty ? [] : [""] + facts.problems.map { "problem: \($0)" }
    }

    private var reports: [String] {
        guard let publication, let published = publication.published else {
            return ["", "no report has been made yet"]
        }
        return ["", "the last report is of \(published)"]
            + publication.authorities.map { "  \($0.name) \($0.words)" }
    }

    private static func share(_ share: Share) -> String { share.total == 0 ? "-" : "\(share.good)/\(share.total)" }

    /// In steps that the number of probes allows: half minutes below an hour.
    private static func latency(_ latency: Interval) -> String {
        let seconds = Coarse.latency(latency)
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds / 60).5 min" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
