import Daemon
import Directory
import DirectoryService
import Foundation
import MixCrypto
import TestSupport
import WireFormat

@testable import AuthorityProgram

/// Pingers that say what they are told to, and the authorities that name them.
struct PingerStage {
    let keys: [HybridSigningKey]

    /// - Parameter count: pingers, of whom the authorities name `pinger0`, `pinger1` ...
    init(_ count: Int) throws { keys = try (0..<count).map { _ in try HybridSigningKey.generate() } }

    static func name(_ index: Int) throws -> Nickname { try AuthorityFleet.require(Nickname("pinger\(index)")) }

    /// As `[pingers]` has them.
    func trusted(_ indices: some Sequence<Int>) -> Set<TrustedPinger> {
        Set(
            indices.compactMap { index in
                (try? Self.name(index)).map { TrustedPinger(name: $0, key: keys[index].verificationKey.digest) }
            })
    }

    static func node(_ id: NodeID, _ reliability: Int, latency: Interval = .seconds(30)) -> ReportedNode {
        ReportedNode(
            id: id,
            relay: ReportedEstimate(
                value: reliability, low: max(0, reliability - 15), high: min(1000, reliability + 15), samples: 400),
            latency: latency)
    }

    /// A report made now, or `age` ago.
    func report(
        _ pinger: Int, _ nodes: [ReportedNode], links: [NodeLink] = [], network: NetworkFile, age: Interval = .zero
    ) throws -> MeasurementReport {
        let now = Timestamp(seconds: ScaledClock.systemTime().seconds) - age
        let contents = ReportContents(
            pinger: try Self.name(pinger), published: now, from: now - .days(3), to: now, deadline: .hours(6),
            software: "test", counts: ReportedCounts(sent: 900, arrived: 850, lost: 30), nodes: nodes,
            brokenLinks: links)
        return try MeasurementReport.make(contents, network: network, key: keys[pinger])
    }
}

extension AuthorityFleet {
    /// Posts a report to these authorities, again while the last one of its pinger is too fresh.
    func post(_ report: MeasurementReport, to indices: some Sequence<Int>) async throws {
        for index in indices {
            let answer = try await post(report.bytes, as: .report, to: index)
            guard answer.status == 200 else { throw Failure("authority \(index): \(answer.status) \(answer.words)") }
        }
    }

    /// Audits what an authority serves.
    func audit(from index: Int, count: Int = 1) async throws -> [AuditedConsensus] {
        var audit = Audit(source: try HTTPSource(url: url(index), client: client), network: network)
        var found: [AuditedConsensus] = []
        try await audit.run(count) { found.append($0) }
        return found
    }

    /// An audit that lacks nothing: an authority that took a consensus from another serves it before it has fetched the
    /// votes that it names.
    func wholeAudit(from index: Int, count: Int = 1) async throws -> [AuditedConsensus] {
        var found: [AuditedConsensus] = []
        try await wait("authority \(index) serves all that an audit needs") {
            found = try await audit(from: index, count: count)
            return !found.contains { result in
                if case .unavailable = result.finding { true } else { false }
            }
        }
        return found
    }
}
