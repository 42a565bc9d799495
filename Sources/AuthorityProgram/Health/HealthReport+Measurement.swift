// What the pages say of pingers and of what they found.

internal import Directory
internal import WireFormat

extension HealthReport {
    /// A pinger that this authority believes.
    struct PingerInfo: Codable, Sendable {
        /// What this authority calls it.
        var name: String
        /// SHA-256 of its key.
        var key: Digest
        /// Since when this authority names it, or runs.
        var since: Timestamp
        /// Digest of its newest report; nil if none came.
        var report: Digest?
        var published: Timestamp?
        /// When that report came.
        var received: Timestamp?
        /// Nodes of which the report knows enough.
        var measuredNodes = 0
        /// Links that the report calls broken.
        var brokenLinks = 0
        /// Nothing that counts has come for six hours. Set by the report.
        var isSilent = false
    }

    /// A report on which votes of the newest slot rest.
    struct ReportInfo: Codable, Sendable {
        var digest: Digest
        /// What the pinger calls itself; nil, like the date, if the report is not here.
        var pinger: String?
        var published: Timestamp?
        /// The authorities whose votes name it.
        var authorities: [String]
    }

    /// What one pinger found of a node. Parts of 1000.
    struct Finding: Codable, Sendable {
        /// What this authority calls it.
        var pinger: String
        var reliability: Int?
        /// The interval in which the reliability lies.
        var low: Int?
        var high: Int?
        var samples: Int?
        var latencyMilliseconds: Int64?
        /// How many of the probes on paths with the node arrived within 10 minutes, an hour, six hours and a day.
        var within: [Int]?
        var handshakes: Int?
        /// Probes that came twice, or changed.
        var duplicates = 0
        var damaged = 0

        init(_ pinger: String, _ node: ReportedNode) {
            self.pinger = pinger
            reliability = node.relay?.value
            low = node.relay?.low
            high = node.relay?.high
            samples = node.relay?.samples
            latencyMilliseconds = node.latency?.milliseconds
            within = node.within.map { [$0.tenMinutes, $0.hour, $0.sixHours, $0.day] }
            handshakes = node.handshakes?.value
            duplicates = node.duplicates
            damaged = node.damaged
        }

        /// Whether it rests on enough probes to count.
        var counts: Bool { (samples ?? 0) >= ReportTally.minimumSamples }
    }

    /// Marks the pingers of whom nothing came.
    static func judged(_ pingers: [PingerInfo], at now: Timestamp) -> [PingerInfo] {
        pingers.map { pinger in
            var pinger = pinger
            pinger.isSilent = now - (pinger.published ?? pinger.since) > ReportTally.maximumAge
            return pinger
        }
    }
}

extension HealthReport.NodeInfo {
    /// The interval in which the node's reliability lies by all that this authority's pingers found: from the lowest to the
    /// highest end; and how many probes the one that knows least rests on.
    var band: (low: Int, high: Int, samples: Int)? {
        let counted = findings.filter(\.counts)
        guard let low = counted.compactMap(\.low).min(), let high = counted.compactMap(\.high).max(),
            let samples = counted.compactMap(\.samples).min()
        else { return nil }
        return (low, high, samples)
    }
}
