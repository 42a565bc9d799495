// Computing again what a vote says of measurements, from the reports that it names, as anybody can who distrusts the voter.

public import WireFormat

/// What an audit of a vote found.
public enum VoteAuditVerdict: Equatable, Sendable, CustomStringConvertible {
    /// Measurements, `Unreliable` flags and broken links are what the reports give.
    case follows
    /// A report that the vote names was not among those given.
    case missingReport(Digest)
    /// A report that the vote names is none of this network.
    case badReport(Digest, String)
    /// A report that the vote names does not count in its slot.
    case unusedReport(Digest, LeftOutReport)
    /// The first thing that the reports do not give: of which node or link, what the vote says and what they give.
    case differs(String, vote: String, reports: String)

    public var description: String {
        switch self {
        case .follows: "its measurements are what the reports say"
        case .missingReport(let digest): "the report \(digest.hex) is missing"
        case .badReport(let digest, let why): "it names a report that is not good, \(digest.hex): \(why)"
        case .unusedReport(let digest, let why): "it names a report that is \(why.rawValue), \(digest.hex)"
        case .differs(let what, let vote, let reports):
            "of \(what) it says `\(vote)`, and the reports that it names give `\(reports)`"
        }
    }
}

/// Checks that a vote follows from its reports.
public enum VoteAudit {
    /// Judges the reports that `vote` names anew and compares.
    ///
    /// A vote that names none must have no measurements; those from before there were pingers have none.
    /// - Parameter reports: documents that hold these reports, in any order; others among them do not matter.
    public static func check(_ vote: Vote, reports: [[UInt8]], network: NetworkFile) -> VoteAuditVerdict {
        var documents: [Digest: UnverifiedReport] = [:]
        for bytes in reports { if let report = try? UnverifiedReport(bytes) { documents[report.digest] = report } }
        let contents = vote.contents
        var named: [MeasurementReport] = []
        for digest in contents.reports {
            guard let document = documents[digest] else { return .missingReport(digest) }
            do throws(ReportError) { named.append(try document.verify(in: network)) } catch {
                return .badReport(digest, error.description)
            }
        }
        let verdict = ReportTally.judge(
            named, network: network.name, at: network.slots.start(of: contents.slot))
        if let (digest, why) = verdict.leftOut.min(by: { $0.key < $1.key }) { return .unusedReport(digest, why) }
        for node in contents.nodes {
            let found = verdict.measurements[node.id]
            let isUnreliable = verdict.unreliable.contains(node.id)
            guard node.measurement == found, node.flags.contains(.unreliable) == isUnreliable else {
                return .differs(
                    "node \(node.nickname)",
                    vote: words(node.measurement, isUnreliable: node.flags.contains(.unreliable)),
                    reports: words(found, isUnreliable: isUnreliable))
            }
        }
        let (said, given) = (Set(contents.brokenLinks), Set(verdict.brokenLinks))
        guard let link = said.symmetricDifference(given).min() else { return .follows }
        return .differs(
            "the link from \(link.from.hex) to \(link.to.hex)", vote: said.contains(link) ? "broken" : "nothing",
            reports: given.contains(link) ? "broken" : "nothing")
    }

    private static func words(_ measurement: NodeMeasurement?, isUnreliable: Bool) -> String {
        let words = measurement?.words ?? ["unmeasured"]
        return (words + (isUnreliable ? [NodeFlag.unreliable.rawValue] : [])).joined(separator: " ")
    }
}
