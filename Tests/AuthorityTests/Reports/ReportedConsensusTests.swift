import Daemon
import Directory
import DirectoryService
import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Three authorities, two pingers: what the pingers post is in the next consensus.
@Suite(.serialized) struct ReportedConsensusTests {
    /// Authorities that name the pingers that `names` gives them, and six nodes that all know: two of them can be bad
    /// and the brake on measurements does not act.
    private func stage(
        _ pingers: PingerStage, names: (Int) -> [Int] = { _ in [0, 1] }
    ) async throws -> (AuthorityFleet, [NodeID]) {
        let fleet = try AuthorityFleet(3, slotLength: .seconds(3)) { index, settings in
            settings.pingers = pingers.trusted(names(index))
        }
        try await fleet.start(0..<3)
        var ids: [NodeID] = []
        for name in ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"] {
            let node = try fleet.node(name, address: "127.0.0.1:\(4000 + ids.count)")
            for index in 0..<3 { _ = try await fleet.post(node.bytes, as: .descriptor, to: index) }
            ids.append(node.id)
        }
        try await fleet.waitForConsensus(0..<3, seconds: 60) { $0.consensus.nodes.count == 6 }
        return (fleet, ids)
    }

    @Test(.timeLimit(.minutes(4))) func whatPingersSayIsInTheConsensusAndAuditsPass() async throws {
        let pingers = try PingerStage(2)
        let (fleet, ids) = try await stage(pingers)
        let before = try await fleet.wholeAudit(from: 0)
        guard case .identical? = before.first?.finding else { throw AuthorityFleet.Failure("\(before)") }
        let broken = NodeLink(from: ids[0], to: ids[2])
        let reports = try (0..<2).map { pinger in
            try pingers.report(
                pinger,
                [
                    PingerStage.node(ids[0], 995 - 10 * pinger), PingerStage.node(ids[1], 700 + 50 * pinger),
                    PingerStage.node(ids[2], 990, latency: .hours(2)),
                ], links: [broken], network: fleet.network)
        }
        for report in reports { try await fleet.post(report, to: 0..<3) }
        let posted = try AuthorityFleet.require(fleet.network.slots.slot(at: ScaledClock.systemTime()))
        // A quarter of a slot later nothing of the same is news.
        for report in reports {
            #expect(try await fleet.post(report.bytes, as: .report, to: 1).status == 202)
        }
        // Posts may come between two votes, and a late vote may be missing: what all have said in time is waited for.
        let found = try await fleet.waitForConsensus(0..<3, seconds: 60) { certified in
            certified.slot > posted && certified.consensus.votes.count == 3 && !certified.consensus.brokenLinks.isEmpty
                && certified.consensus.nodes.contains { $0.id == ids[0] && $0.reliability == 985 }
        }
        for certified in found {
            let consensus = certified.consensus
            #expect(consensus.brokenLinks == [broken])
            let nodes = Dictionary(uniqueKeysWithValues: consensus.nodes.map { ($0.id, $0) })
            let (alpha, beta, gamma) = (nodes[ids[0]], nodes[ids[1]], nodes[ids[2]])
            #expect(alpha?.reliability == 985 && alpha?.latency == .seconds(30))
            #expect(alpha?.flags == [.running])
            #expect(beta?.reliability == 700 && beta?.flags == [.running, .unreliable])
            #expect(gamma?.latency == .hours(2) && gamma?.flags == [.running, .unreliable])
            #expect(alpha?.weight ?? 0 > beta?.weight ?? 0 && alpha?.weight ?? 0 > gamma?.weight ?? 0)
            // The votes name the reports, and everybody serves them.
            for vote in consensus.votes {
                var bytes: [UInt8]?
                try await fleet.wait("the vote of \(vote.name) is served") {
                    bytes = try? await fleet.get(.document(vote.digest), from: 0)
                    return bytes != nil
                }
                let contents = try UnverifiedVote(AuthorityFleet.require(bytes)).claimed
                #expect(Set(contents.reports) == Set(reports.map(\.digest)))
            }
        }
        for index in 0..<3 {
            let audited = try await fleet.wholeAudit(from: index, count: 3)
            for result in audited {
                guard case .identical = result.finding else { throw AuthorityFleet.Failure("\(result)") }
            }
            let list = String(decoding: try await fleet.get(.reports, from: index), as: UTF8.self)
            #expect(
                list.split(separator: "\n").map(String.init)
                    == reports.enumerated().map { "report pinger\($0) \($1.digest.hex) \($1.published)" })
            #expect(try await fleet.get(.document(reports[0].digest), from: index) == reports[0].bytes)
        }
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(4))) func reportsOfAnothersPingersAreFetchedForTheAudit() async throws {
        let pingers = try PingerStage(3)
        // Each believes another one.
        let (fleet, ids) = try await stage(pingers) { [$0] }
        var reports: [MeasurementReport] = []
        for pinger in 0..<3 {
            let report = try pingers.report(
                pinger, [PingerStage.node(ids[0], 900 + 20 * pinger)], network: fleet.network)
            try await fleet.post(report, to: [pinger])
            reports.append(report)
        }
        let refused = try await fleet.post(reports[1].bytes, as: .report, to: 0)
        #expect(refused.status == 403 && refused.words.contains("does not name a pinger pinger1"), "\(refused.words)")
        let found = try await fleet.waitForConsensus([0], seconds: 60) {
            $0.consensus.nodes.contains { $0.reliability == 920 }
        }
        // The low median of what the three found, and all three reports at each of them.
        let node = found[0].consensus.nodes.first { $0.id == ids[0] }
        #expect(node?.flags == [.running] && node?.latency == .seconds(30))
        for index in 0..<3 {
            try await fleet.wait("authority \(index) has all reports") {
                try fleet.authority(index).parts.store.present(among: reports.map(\.digest)).count == 3
            }
            try await fleet.wait("an audit of what authority \(index) serves passes") {
                guard case .identical? = try await fleet.audit(from: index).first?.finding else { return false }
                return true
            }
        }
        // Without one of them the audit says which it lacks.
        let store = try fleet.authority(0).parts.store
        let folder = try TemporaryDirectory("nightjar-audit")
        // The newest may have come from another authority, with its votes still on their way, or while the files were
        // written.
        try await fleet.wait("the files have a consensus with the votes of all") {
            var files = MirrorFiles(directory: folder.path)
            try files.write(store, network: fleet.network, last: 1)
            let newest = try AtomicFile.read(
                folder.file(DirectoryRoute.consensus.name), limit: Consensus.maximumSize)
            let votes = try UnverifiedConsensus(newest).claimed.votes
            return votes.count == 3
                && votes.allSatisfy { vote in
                    FileManager.default.fileExists(atPath: folder.file(DirectoryRoute.document(vote.digest).name))
                }
        }
        try FileManager.default.removeItem(
            atPath: folder.file(DirectoryRoute.document(reports[1].digest).name))
        var audit = Audit(source: AuditFolder(name: folder.path), network: fleet.network)
        var words = ""
        try await audit.run(1) { result in
            if case .unavailable(let text) = result.finding { words = text }
        }
        #expect(
            words.contains(
                "the report \(reports[1].digest.hex), on which the vote of authority1 rests, could not be had"),
            "\(words)")
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(4))) func pingersThatLieDecideOnlyWhatTheirAuthoritiesMay() async throws {
        // Authorities 0 and 1 each believe a pinger that slanders alpha; 2 believes one that does not.
        let pingers = try PingerStage(3)
        let (fleet, ids) = try await stage(pingers) { [$0] }
        let link = NodeLink(from: ids[1], to: ids[2])
        for pinger in 0..<3 {
            let isLiar = pinger < 1
            let report = try pingers.report(
                pinger,
                [PingerStage.node(ids[0], isLiar ? 100 : 995)] + ids[1...].map { PingerStage.node($0, 990) },
                links: isLiar ? [link] : [], network: fleet.network)
            try await fleet.post(report, to: [pinger])
        }
        // One of three: the median stands with the two, no majority flags it, and one authority alone breaks no link.
        let one = try await fleet.waitForConsensus(0..<3, seconds: 60) { certified in
            certified.consensus.nodes.contains { $0.id == ids[0] && $0.reliability != nil }
                && certified.consensus.votes.count == 3
        }
        for certified in one {
            let alpha = certified.consensus.nodes.first { $0.id == ids[0] }
            #expect(alpha?.reliability == 995 && alpha?.flags == [.running])
            #expect(certified.consensus.brokenLinks.isEmpty)
        }
        // Two of three are a majority of this network, and more than may fail: then the lie is what the network says, and
        // the votes, which all can read, show whose pingers it rests on.
        let lie = try pingers.report(
            1, [PingerStage.node(ids[0], 100)] + ids[1...].map { PingerStage.node($0, 990) }, links: [link],
            network: fleet.network)
        try await fleet.wait("the second report is taken") {
            try await fleet.post(lie.bytes, as: .report, to: 1).status == 200
        }
        let two = try await fleet.waitForConsensus(0..<3, seconds: 60) { certified in
            certified.consensus.votes.count == 3 && !certified.consensus.brokenLinks.isEmpty
                && certified.consensus.nodes.contains { $0.id == ids[0] && $0.reliability == 100 }
        }
        for certified in two {
            let alpha = certified.consensus.nodes.first { $0.id == ids[0] }
            #expect(alpha?.reliability == 100 && alpha?.flags == [.running, .unreliable])
            #expect(certified.consensus.brokenLinks == [link])
        }
        // Whoever took the consensus from another fetches its votes after that.
        let store = try fleet.authority(0).parts.store
        let named = two[0].consensus.votes.map(\.digest)
        try await fleet.wait("authority 0 has the votes") { try store.present(among: named).count == 3 }
        let votes = try named.map { digest in
            try UnverifiedVote(try AuthorityFleet.require(store.document(digest)).bytes).claimed
        }
        #expect(votes.first { $0.authority.text == "authority1" }?.reports == [lie.digest])
        #expect(votes.first { $0.authority.text == "authority2" }?.brokenLinks.isEmpty == true)
        try await fleet.stopAll()
    }
}
