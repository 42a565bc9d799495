// The measurement reports of the pingers that this authority trusts: the newest of each in memory, all that came in the store.
// What is stored is there before the answer, so that a report that was taken survives any crash.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Spool
internal import WireFormat

/// What is known of a pinger.
struct KnownPinger: Sendable {
    let pinger: TrustedPinger
    /// Its newest report, and when it came.
    let newest: (report: MeasurementReport, received: Timestamp)?
    /// Since when it is named here, or this authority runs.
    let since: Timestamp
}

/// Takes reports, and says what follows from them. It runs on a thread of its own and waits there for the disk.
actor ReportDesk {
    /// Stored reports of a pinger among which the newest is looked for at the start.
    private static let lookedAt = 8

    private let executor = WorkExecutor("reports")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let parts: AuthorityParts
    private let rules: ReportRules
    private var pingers: [Digest: (pinger: TrustedPinger, since: Timestamp)] = [:]
    private var newest: [Digest: (report: MeasurementReport, received: Timestamp)] = [:]
    /// Reports of the last verdict: the vote that will name them may not be made yet.
    private var judged: Set<Digest> = []

    init(parts: AuthorityParts, pingers: Set<TrustedPinger>) throws(AuthorityStoreError) {
        self.parts = parts
        rules = ReportRules(network: parts.network)
        let now = parts.clock.now()
        for pinger in pingers {
            self.pingers[pinger.key] = (pinger, now)
            newest[pinger.key] = try Self.newest(pinger.key, parts)
        }
    }

    /// The newest report of a pinger in the store.
    private static func newest(
        _ key: Digest, _ parts: AuthorityParts
    ) throws(AuthorityStoreError) -> (report: MeasurementReport, received: Timestamp)? {
        try parts.store.reports(of: key.hex, limit: lookedAt).compactMap { stored in
            parts.parsed("report", stored.bytes) { try UnverifiedReport($0).verify(in: parts.network) }
                .map { ($0, stored.received) }
        }.max { $0.0.published < $1.0.published }
    }

    /// The pingers that are trusted from now on.
    func setPingers(_ fresh: Set<TrustedPinger>) {
        let now = parts.clock.now()
        let old = pingers
        pingers = Dictionary(
            fresh.map { ($0.key, ($0, old[$0.key]?.since ?? now)) }, uniquingKeysWith: { first, _ in first })
        for key in Set(old.keys).union(pingers.keys) {
            if pingers[key] == nil {
                newest[key] = nil
            } else if old[key] == nil {
                // It may have come with another authority's vote.
                do throws(AuthorityStoreError) { newest[key] = try Self.newest(key, parts) } catch {
                    parts.storeFailed(error)
                }
            }
        }
    }

    // MARK: Taking

    /// Takes a report that was posted.
    nonisolated func receive(_ bytes: [UInt8]) async -> UploadVerdict {
        let network = parts.network
        let parsed = await parts.work.run { Result { () throws(DocumentError) in try UnverifiedReport(bytes) } }
        let unverified: UnverifiedReport
        switch parsed {
        case .success(let report): unverified = report
        case .failure(let error):
            parts.counters.count("reports", kind: "malformed")
            return .malformed("not a measurement report: \(error)")
        }
        if let verdict = await verdict(on: unverified) { return verdict }
        let checked = await parts.work.run {
            Result { () throws(ReportError) in try unverified.verify(in: network) }
        }
        switch checked {
        case .failure(.otherNetwork(let name)): return refused(.otherNetwork(name))
        case .failure(.badSignature(let name)): return refused(.badSignature(name))
        case .success(let report): return await take(report, unverified)
        }
    }

    /// What is said of a report that need not be checked; nil for one that must be.
    private func verdict(on report: UnverifiedReport) -> UploadVerdict? {
        let key = report.keyDigest
        let decision = rules.decide(
            report, isTrusted: pingers[key] != nil, newest: newest[key], now: parts.clock.now())
        switch decision {
        case .take: return nil
        case .known:
            parts.counters.count("reports", kind: "known")
            return .known
        case .refused(.tooSoon(let time)):
            // Not refused for good: an upload that was held up must not keep the next report away.
            parts.counters.count("reports", kind: "too-soon")
            // Others wait by their own clocks, in real time.
            let left = (time - parts.clock.now()).inSeconds / parts.clock.scale
            return .busy(retryAfter: max(.seconds(1), .seconds(fraction: left)))
        case .refused(let refusal): return refused(refusal)
        }
    }

    private nonisolated func refused(_ refusal: ReportRefusal) -> UploadVerdict {
        parts.counters.count("reports", kind: refusal.label)
        return .refused(refusal.words)
    }

    private func take(_ report: MeasurementReport, _ unverified: UnverifiedReport) -> UploadVerdict {
        // Another one may have come meanwhile.
        if let verdict = verdict(on: unverified) { return verdict }
        let now = parts.clock.now()
        do throws(AuthorityStoreError) {
            let slot = parts.network.slots.slot(at: now)?.number ?? 0
            if try !parts.store.keep(Self.document(report, slot: nil, received: now)) {
                // It is there since another authority's vote named it.
                try parts.store.noteNamed(reports: [report.digest], in: slot)
            }
            // One that was replaced before any vote named it is no evidence of anything.
            try parts.store.forgetUnnamedReports(of: report.keyDigest.hex, besides: judged.union([report.digest]))
            parts.storeWorks()
        } catch {
            parts.storeFailed(error)
            return .busy(retryAfter: .seconds(30))
        }
        newest[report.keyDigest] = (report, now)
        parts.counters.count("reports", kind: "stored")
        return .stored
    }

    /// A report as the store has it.
    /// - Parameter slot: whose votes name it; nil if none does.
    static func document(_ report: MeasurementReport, slot: UInt64?, received: Timestamp) -> StoredDocument {
        StoredDocument(
            digest: report.digest, kind: .report, slot: slot, authority: report.keyDigest.hex, received: received,
            bytes: report.bytes)
    }

    // MARK: For votes and pages

    /// What the reports say in the slot that begins at `time`.
    func verdict(at time: Timestamp) -> ReportVerdict {
        let verdict = ReportTally.judge(newest.values.map(\.report), network: parts.network.name, at: time)
        judged = Set(verdict.used)
        return verdict
    }

    /// All pingers, by name.
    func known() -> [KnownPinger] {
        pingers.values.sorted { $0.pinger.name.text < $1.pinger.name.text }.map {
            KnownPinger(pinger: $0.pinger, newest: newest[$0.pinger.key], since: $0.since)
        }
    }

    /// Lines `report NAME DIGEST PUBLISHED`, as they are served.
    func list() -> [UInt8] {
        let lines = known().compactMap { known in
            known.newest.map { newest in
                "report \(known.pinger.name) \(newest.report.digest.hex) \(newest.report.published)\n"
            }
        }
        return Array(lines.joined().utf8)
    }
}
