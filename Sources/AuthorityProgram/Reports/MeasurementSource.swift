// What the pages say of measurements, from the report desk and the store.

internal import Directory
internal import Spool
internal import Synchronization
internal import WireFormat

/// Gathers it.
struct MeasurementSource: Sendable {
    let store: AuthorityStore
    let desk: ReportDesk
    /// Reports that have been read: they never change, and to read them takes long.
    private let known = KnownReports()

    init(store: AuthorityStore, desk: ReportDesk) {
        self.store = store
        self.desk = desk
    }

    /// This authority's pingers, and what they found of each node.
    func pingers() async -> (infos: [HealthReport.PingerInfo], findings: [NodeID: [HealthReport.Finding]]) {
        var infos: [HealthReport.PingerInfo] = []
        var findings: [NodeID: [HealthReport.Finding]] = [:]
        for known in await desk.known() {
            let name = known.pinger.name.text
            var info = HealthReport.PingerInfo(name: name, key: known.pinger.key, since: known.since)
            if let (report, received) = known.newest {
                info.report = report.digest
                info.published = report.published
                info.received = received
                info.measuredNodes = report.nodes.count { ($0.relay?.samples ?? 0) >= ReportTally.minimumSamples }
                info.brokenLinks = report.brokenLinks.count
                for node in report.nodes { findings[node.id, default: []].append(HealthReport.Finding(name, node)) }
            }
            infos.append(info)
        }
        return (infos, findings)
    }

    /// The reports that votes name.
    func reports(of votes: [Vote]) -> [HealthReport.ReportInfo] {
        var authorities: [Digest: [String]] = [:]
        for vote in votes {
            for digest in vote.contents.reports {
                authorities[digest, default: []].append(vote.contents.authority.text)
            }
        }
        return authorities.map { digest, names in
            let found = known.report(digest) {
                (try? store.document(digest)).flatMap { $0 }.flatMap { try? UnverifiedReport($0.bytes) }.map {
                    KnownReports.Found(pinger: $0.pinger.text, published: $0.published)
                }
            }
            return HealthReport.ReportInfo(
                digest: digest, pinger: found?.pinger, published: found?.published, authorities: names.sorted())
        }
    }
}

/// Whose reports are, and of when, by their digests.
private final class KnownReports: Sendable {
    struct Found: Sendable {
        var pinger: String
        var published: Timestamp
    }
    /// Reports that are remembered.
    private static let maximum = 1000
    private let found = Mutex<[Digest: Found]>([:])

    func report(_ digest: Digest, read: () -> Found?) -> Found? {
        if let known = found.withLock({ $0[digest] }) { return known }
        guard let report = read() else { return nil }
        found.withLock { found in
            if found.count >= Self.maximum { found.removeAll() }
            found[digest] = report
        }
        return report
    }
}
