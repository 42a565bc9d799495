// The measurement reports that others' votes rest on: fetched and kept as long as the votes, so that whoever audits has all from
// one authority.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// Most bytes of reports that are fetched for one vote.
    private static let reportBytesPerVote = 4 << 20

    /// Fetches the reports that the votes of a consensus name, from whoever voted and then from the others.
    nonisolated func fetchNamedReports(_ certified: CertifiedConsensus) async {
        let slot = certified.slot.number
        for counted in certified.consensus.votes where !Task.isCancelled {
            guard let stored = try? parts.store.document(counted.digest),
                let vote = await parts.work.run({ try? UnverifiedVote(stored.bytes) })
            else { continue }
            let named = Array(vote.claimed.reports.prefix(ReportRules.maximumPingers))
            guard !named.isEmpty else { continue }
            do throws(AuthorityStoreError) {
                let missing = try parts.store.noteNamed(reports: named, in: slot)
                await fetch(reports: missing, of: counted.name, slot: slot)
            } catch { parts.storeFailed(error) }
        }
    }

    private nonisolated func fetch(reports missing: [Digest], of author: Nickname, slot: UInt64) async {
        var room = Self.reportBytesPerVote
        for digest in missing where !Task.isCancelled {
            for peer in peers.filter({ $0.name == author.text }) + peers.filter({ $0.name != author.text }).shuffled() {
                let limit = min(room, MeasurementReport.maximumSize)
                guard let report = await report(digest, from: peer, limit: limit) else { continue }
                room -= report.bytes.count
                do throws(AuthorityStoreError) {
                    let now = parts.clock.now()
                    try parts.store.keep(ReportDesk.document(report, slot: slot, received: now))
                    parts.counters.count("reports_fetched")
                } catch { parts.storeFailed(error) }
                break
            }
        }
    }

    private nonisolated func report(_ digest: Digest, from peer: Peer, limit: Int) async -> MeasurementReport? {
        let found: [UInt8]? = await limited {
            try? await peer.ask { source throws(FetchError) in
                try await source.bytes(.document(digest), limit: limit)
            }
        }
        guard let found else { return nil }
        let network = parts.network
        let report = await parts.work.run { try? UnverifiedReport(found).verify(in: network) }
        return report?.digest == digest ? report : nil
    }
}
