// Warnings of measurements that decide too much, or rest on too little.

internal import Pages
internal import WireFormat

extension HealthWarnings {
    /// Measurements said so much that the tally took some of it back.
    static func brake(_ brake: HealthFacts.BrakeFacts) -> [HealthWarning] {
        var parts: [String] = []
        if brake.spared > 0 { parts.append("\(counted(brake.spared, "more node")) unreliable than may be") }
        if brake.raised > 0 { parts.append("\(counted(brake.raised, "more node")) of less than half the weight") }
        if brake.links > 0 { parts.append("\(counted(brake.links, "link")) broken of nodes with too many such") }
        guard !parts.isEmpty else { return [] }
        return [
            HealthWarning(
                .urgent, "measurement-brake",
                "By the newest votes there would be \(PageText.list(parts)): the tally takes that back.",
                advice:
                    "Either a third of the network is ill, or a pinger lies or is broken. See below which reports the votes "
                    + "rest on, try some nodes, and take a pinger that is wrong out of [pingers].")
        ]
    }

    /// More than half of the authorities believe one and the same report, and no other.
    static func singleReport(_ report: HealthReport) -> [HealthWarning] {
        guard report.authorities.count > 1 else { return [] }
        var named: [String: Int] = [:]
        for info in report.reports { for name in info.authorities { named[name, default: 0] += 1 } }
        return report.reports.compactMap { info in
            let alone = info.authorities.filter { named[$0] == 1 }
            guard alone.count * 2 > report.authorities.count else { return nil }
            let pinger = info.pinger.map { "pinger \($0)" } ?? "one pinger"
            return HealthWarning(
                .attend, "one-report",
                "The measurements of \(PageText.list(alone.sorted())) rest on one and the same report, of \(pinger), alone.",
                advice: "Whoever runs it decides for the network: each authority should name others too.")
        }
    }
}
