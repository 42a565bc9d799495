import Daemon
import Directory
import DirectoryService
import Foundation
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram

/// Which reports an authority takes, over HTTP, and that what it refuses changes nothing.
@Suite(.serialized) struct ReportIntakeTests {
    @Test(.timeLimit(.minutes(3))) func whatIsRefusedChangesNothingAndSaysWhy() async throws {
        let pingers = try PingerStage(3)
        let fleet = try AuthorityFleet(1, slotLength: .minutes(20)) { _, settings in
            settings.pingers = pingers.trusted([0, 1])
        }
        try await fleet.start([0])
        let store = try fleet.authority(0).parts.store
        let id = try fleet.node("alpha").id
        func report(
            _ pinger: Int, _ reliability: Int = 990, network: NetworkFile? = nil, age: Interval = .zero
        ) throws -> MeasurementReport {
            try pingers.report(
                pinger, [PingerStage.node(id, reliability)], network: network ?? fleet.network, age: age)
        }
        let good = try report(0, age: .minutes(1))
        #expect(try await fleet.post(good.bytes, as: .report, to: 0).status == 200)
        // Signed again it is the same report.
        let again = try report(0, age: .minutes(1))
        if again.digest == good.digest {
            #expect(try await fleet.post(again.bytes, as: .report, to: 0).status == 202)
        }
        #expect(try await fleet.post(good.bytes, as: .report, to: 0).status == 202)
        var forged = try report(1).bytes
        let end = forged.count - 60
        forged[end] = forged[end] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        // Another's name does not help: it is the key that is known.
        var contents = try report(1).contents
        contents.pinger = try PingerStage.name(1)
        let impostor = try MeasurementReport.make(contents, network: fleet.network, key: pingers.keys[2])
        let other = try AuthorityFleet(2, slotLength: .minutes(20))
        var draft = try NetworkFile.draft(
            name: "elsewhere", version: 1, isTest: true, published: other.network.published,
            authorities: other.network.authorities)
        for identity in other.identities { draft = try draft.signed(by: identity) }
        let elsewhere = try draft.verify()
        let large = good.bytes + [UInt8](repeating: 10, count: MeasurementReport.maximumSize)
        let cases: [(bytes: [UInt8], status: Int, words: String)] = [
            (try report(2).bytes, 403, "does not name a pinger pinger2 with the key"),
            (impostor.bytes, 403, "ask its operator to add it to [pingers]"),
            (forged, 403, "the report of pinger pinger1 is not signed by the key in it: it was damaged or forged"),
            (try report(1, age: .hours(7)).bytes, 403, "after six hours none counts: make a new one"),
            (try report(1, age: .minutes(-30)).bytes, 403, "check the clocks"),
            (try report(1, network: elsewhere).bytes, 403, "the report is of another network, elsewhere"),
            (try report(0, age: .minutes(5)).bytes, 403, "only newer ones are taken"),
            (try report(0).bytes, 503, "busy; try again later"),
            (Array(good.bytes.dropLast()), 400, "not a measurement report: the document does not end with a line feed"),
            (Array("nightjar-report 2\n".utf8), 400, "not a measurement report: line 1"),
            (large, 413, "too large"),
        ]
        for (bytes, status, words) in cases {
            let answer = try await fleet.post(bytes, as: .report, to: 0)
            #expect(answer.status == status, "\(words): \(answer.status) \(answer.words)")
            // The words may be lost when so much is under way in the other direction.
            #expect(answer.words.contains(words) || status == 413 && answer.words.isEmpty, "\(answer.words)")
        }
        let known = try await fleet.authority(0).reports.known()
        #expect(known.map { $0.newest?.report.digest } == [good.digest, nil])
        for pinger in pingers.keys {
            let key = pinger.verificationKey.digest
            #expect(try store.reports(of: key.hex, limit: 10).count == (key == good.keyDigest ? 1 : 0))
        }
        // Two at the same time: one of them.
        let rivals = try (0..<6).map { try report(1, 900 + 10 * $0) }
        let answers = try await withThrowingTaskGroup(of: Int.self) { group in
            for rival in rivals { group.addTask { try await fleet.post(rival.bytes, as: .report, to: 0).status } }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(answers.count { $0 == 200 } == 1, "\(answers)")
        #expect(try store.reports(of: pingers.keys[1].verificationKey.digest.hex, limit: 10).count == 1)
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(3))) func whatNoVoteNamedGoesWithTheNextReport() async throws {
        let pingers = try PingerStage(1)
        let fleet = try AuthorityFleet(1, slotLength: .seconds(4)) { _, settings in
            settings.pingers = pingers.trusted([0])
        }
        try await fleet.start([0])
        let store = try fleet.authority(0).parts.store
        let id = try fleet.node("alpha").id
        let key = pingers.keys[0].verificationKey.digest.hex
        var newest: Digest?
        // Several in a slot: a quarter of it later the next one is taken, and dates are whole seconds.
        for number in 0..<8 {
            try await fleet.wait("report \(number) is taken") {
                let report = try pingers.report(0, [PingerStage.node(id, 800 + 5 * number)], network: fleet.network)
                newest = report.digest
                return try await fleet.post(report.bytes, as: .report, to: 0).status == 200
            }
        }
        let kept = try store.reports(of: key, limit: 100)
        // The newest, and one that was judged a moment ago for a vote that is being made.
        #expect(kept.count { $0.slot == nil } <= 2, "\(kept.map(\.slot))")
        #expect(kept.first?.digest == newest)
        // What votes have named stays.
        let named = try await fleet.waitForConsensus([0], seconds: 60) { certified in
            guard let vote = try? store.document(certified.consensus.votes[0].digest) else { return false }
            return (try? UnverifiedVote(vote.bytes))?.claimed.reports == [newest].compactMap { $0 }
        }
        #expect(named.count == 1)
        #expect(try store.reports(of: key, limit: 100).first?.slot != nil)
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(3))) func aNewListHoldsAtOnceAndAReportSurvivesARestart() async throws {
        let pingers = try PingerStage(2)
        let fleet = try AuthorityFleet(1, slotLength: .minutes(20)) { _, settings in
            settings.pingers = pingers.trusted([0])
        }
        try await fleet.start([0])
        let id = try fleet.node("alpha").id
        let reports = try (0..<2).map {
            try pingers.report($0, [PingerStage.node(id, 990)], network: fleet.network)
        }
        #expect(try await fleet.post(reports[0].bytes, as: .report, to: 0).status == 200)
        #expect(try await fleet.post(reports[1].bytes, as: .report, to: 0).status == 403)
        var fresh = fleet.settings[0]
        fresh.pingers = pingers.trusted([0, 1])
        try await fleet.authority(0).reload(fresh)
        #expect(try await fleet.post(reports[1].bytes, as: .report, to: 0).status == 200)
        let start = fleet.network.slots.start(
            of: try AuthorityFleet.require(fleet.network.slots.slot(at: ScaledClock.systemTime())))
        func used() async throws -> Set<Digest> {
            Set(try await fleet.authority(0).reports.verdict(at: start + .minutes(20)).used)
        }
        #expect(try await used() == Set(reports.map(\.digest)))
        fresh.pingers = pingers.trusted([1])
        try await fleet.authority(0).reload(fresh)
        #expect(try await used() == [reports[1].digest])
        try await fleet.stop(0)
        // A program that another test has started may hold the port for a moment.
        try await fleet.wait("it listens again") { (try? await fleet.start([0])) != nil }
        // The settings of the start name the first one only.
        #expect(try await used() == [reports[0].digest])
        #expect(try await fleet.post(reports[0].bytes, as: .report, to: 0).status == 202)
        // Who is named again has what he sent before.
        fresh.pingers = pingers.trusted([0, 1])
        try await fleet.authority(0).reload(fresh)
        #expect(try await used() == Set(reports.map(\.digest)))
        try await fleet.stopAll()
    }

    @Test(.timeLimit(.minutes(3))) func aReportThatWasTakenSurvivesSIGKILL() async throws {
        let pingers = try PingerStage(1)
        let fleet = try AuthorityFleet(1, slotLength: .minutes(20))
        let settings = fleet.settings[0]
        let configuration = fleet.directory.file("authority.toml")
        try """
        name = "\(settings.name)"
        data-directory = "\(settings.dataDirectory)"
        network-file = "\(settings.networkFile)"
        listen = "\(settings.listen)"
        check-reachability = false
        [pingers]
        pinger0 = "\(pingers.keys[0].verificationKey.digest.hex)"
        """.write(toFile: configuration, atomically: true, encoding: .utf8)
        let report = try pingers.report(
            0, [PingerStage.node(try fleet.node("alpha").id, 990)], network: fleet.network)
        func start() throws -> Process {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
                .deletingLastPathComponent().appendingPathComponent("nightjar-authority")
            process.arguments = ["run", "--config", configuration]
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            return process
        }
        var process = try start()
        var status: Int?
        try await fleet.wait("the report is answered") {
            status = try? await fleet.post(report.bytes, as: .report, to: 0).status
            return status != nil
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(status == 200)
        process = try start()
        var list: [UInt8]?
        try await fleet.wait("it answers again") {
            list = try? await fleet.get(.reports, from: 0)
            return list != nil
        }
        #expect(
            String(decoding: list ?? [], as: UTF8.self)
                == "report pinger0 \(report.digest.hex) \(report.published)\n")
        #expect(try await fleet.get(.document(report.digest), from: 0) == report.bytes)
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
