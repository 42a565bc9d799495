// The measurement reports that others' votes rest on: fetched and kept as long as the votes, so that whoever audits has all from
// one authority.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

extension SlotDriver {
    /// Most bytes of reports that are fetched for one vote: as many as it can name, of the largest.
    private static let reportBytesPerVote = VoteContents.maximumReports * MeasurementReport.maximumSize
    /// Most bytes of reports that are fetched for the votes of one authority in a slot, on average. Whoever votes can sign
    /// reports with keys of his own: they must not fill the disks of all others.
    static let reportBytesPerSlot = 2 << 20
    /// The same at once, after slots in which less was fetched.
    static let reportBytesAtOnce = 2 * reportBytesPerVote

    /// Fetches the reports that the votes of a consensus name, from whoever voted and then from the others.
    nonisolated func fetchNamedReports(_ certified: CertifiedConsensus) async {
        let slot = certified.slot.number
        for counted in certified.consensus.votes where !Task.isCancelled {
            do throws(AuthorityStoreError) {
                // One that is not here is fetched in another slot.
                guard let stored = try parts.store.document(counted.digest) else { continue }
                let parts = parts
                guard
                    let vote = await parts.work.run({ parts.parsed("vote", stored.bytes) { try UnverifiedVote($0) } })
                else { continue }
                let named = vote.claimed.reports
                guard !named.isEmpty else { continue }
                let missing = try parts.store.noteNamed(reports: named, in: slot)
                await fetch(reports: missing, of: counted.name, slot: slot)
            } catch { parts.storeFailed(error) }
        }
    }

    private nonisolated func fetch(reports missing: [Digest], of author: Nickname, slot: UInt64) async {
        var room = Self.reportBytesPerVote
        for digest in missing where !Task.isCancelled {
            var isFetched = false
            for peer in peers.filter({ $0.name == author.text }) + peers.filter({ $0.name != author.text }).shuffled() {
                let limit = min(room, MeasurementReport.maximumSize)
                guard limit > 0, let report = await report(digest, from: peer, limit: limit) else { continue }
                room -= report.bytes.count
                guard await allow(report.bytes.count, of: author) else {
                    parts.counters.count("reports_beyond_limit")
                    return
                }
                do throws(AuthorityStoreError) {
                    let now = parts.clock.now()
                    try parts.store.keep(ReportDesk.document(report, slot: slot, received: now))
                    parts.counters.count("reports_fetched")
                } catch { parts.storeFailed(error) }
                isFetched = true
                break
            }
            // An audit here will say so; whoever votes by it may be asked again in the next slot.
            if !isFetched { parts.counters.count("reports_not_fetched") }
        }
    }

    /// Whether so many bytes of reports may still be kept for an authority's votes. An authority that has used up its share
    /// gets some of it back with every slot.
    private func allow(_ bytes: Int, of author: Nickname) -> Bool {
        let now = parts.clock.now()
        let hour = Interval.hours(1).milliseconds
        let perHour = Int64(Self.reportBytesPerSlot) * hour / max(1, parts.network.slots.length.milliseconds)
        var bucket =
            reportRoom[author] ?? TokenBucket(perHour: Int(perHour), most: Self.reportBytesAtOnce, now: now)
        defer { reportRoom[author] = bucket }
        return bucket.take(bytes, at: now)
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
