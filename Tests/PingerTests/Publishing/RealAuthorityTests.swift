import Daemon
import Directory
import DirectoryService
import Foundation
import Logging
import MMTP
import Measurement
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import AuthorityProgram
@testable import PingerProgram

/// What a pinger publishes meets what an authority takes: both as they run, over HTTP.
@Suite("Reports to a real authority", .serialized, .timeLimit(.minutes(4)))
struct RealAuthorityTests {
    private struct Stage {
        let directory: TemporaryDirectory
        let network: NetworkFile
        var authority: AuthoritySettings
        var pinger: PingerSettings
        let key: HybridSigningKey

        init() async throws {
            directory = try TemporaryDirectory("real-authority")
            // A port that is free, as far as one can know.
            let finder = ReportServer()
            let url = try await finder.start()
            await finder.stop()
            let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            let now = Timestamp(seconds: ScaledClock.systemTime().seconds)
            let identity = try HybridSigningKey.generate()
            let name = try #require(Nickname("alice"))
            network = try NetworkFile.draft(
                name: "testing", version: 1, isTest: true, published: now,
                authorities: [Authority(name: name, identity: identity.verificationKey, urls: [url])]
            ).signed(by: identity).verify()
            try AtomicFile.write(network.bytes, to: directory.file("network"))
            let files = AuthorityFiles(directory: directory.file("authority"))
            _ = try PrivateDirectory(directory.file("authority"))
            try SecretFile.create(files.signingKey, .random(count: HybridSigningKey.seedSize))
            let signing = try AuthorityFiles.loadSigningKey(files.signingKey)
            try AtomicFile.write(
                AuthorityCertificate.make(
                    network: "testing", name: name, identity: identity, key: signing.verificationKey, published: now,
                    validUntil: now + .days(30)), to: files.certificate)
            authority = AuthoritySettings(
                name: name, dataDirectory: directory.file("authority"), networkFile: directory.file("network"),
                listen: .init(host: "127.0.0.1", port: port), signingKey: files.signingKey,
                certificate: files.certificate)
            authority.checksReachability = false
            pinger = PingerSettings(
                name: try #require(Nickname("lighthouse")), dataDirectory: directory.file("pinger"),
                networkFile: directory.file("network"))
            _ = try PrivateDirectory(directory.file("pinger"))
            let place = PingerFiles(directory: directory.file("pinger"))
            try SecretFile.create(place.key, .random(count: HybridSigningKey.seedSize))
            key = try place.loadKey()
        }

        var files: PingerFiles { PingerFiles(directory: pinger.dataDirectory) }

        func publisher(_ log: LoggedLines) -> ReportPublisher {
            let upload = ReportUpload(pinger)
            let network = Network(root: network)
            return ReportPublisher(
                settings: pinger, files: files, key: key, network: { network }, clock: ScaledClock.real,
                logger: log.logger, health: Health(), upload: { await upload($0, $1) })
        }
    }

    private static func wait(_ what: String, _ condition: () async throws -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(90)
        while try await !condition() {
            guard ContinuousClock.now < limit else {
                Issue.record("not in time: \(what)")
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test("an authority that does not name the pinger refuses in words that help; one that does votes by the report")
    func authority() async throws {
        let stage = try await Stage()
        let authority = try RunningAuthority(
            stage.authority, clock: .real, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let (listening, continuation) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            defer { continuation.finish() }
            try await authority.run(
                ready: { _ in continuation.yield() },
                until: { while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) } })
        }
        var iterator = listening.makeAsyncIterator()
        #expect(await iterator.next() != nil)

        let now = ScaledClock.systemTime()
        var analysis = Analysis(made: now, first: now - .days(1), last: now - .minutes(1))
        let node = try PublishingFixture.node("node0").id
        var result = NodeResult()
        result.relay = Estimate(value: 0.8, low: 0.76, high: 0.84, samples: 400)
        analysis.nodes[node] = result
        let log = LoggedLines()
        let publisher = stage.publisher(log)
        let report = try #require(try publisher.publish(analysis, network: Network(root: stage.network), at: now))
        // By hand: it is told what the authority's operator has to do.
        let commands = PingerCommands()
        let refusal = await #expect(throws: CommandFailure.self) {
            try await commands.uploadReport(stage.pinger, json: true) { await ReportUpload(stage.pinger)($0, $1) }
        }
        #expect(refusal?.code == .refused)
        let publishing = Task { try await publisher.run() }
        try await Self.wait("the refusal") { publisher.record.authorities.first?.outcome == "refused" }
        let words = publisher.record.authorities.first?.words ?? ""
        #expect(words.contains("does not name a pinger lighthouse") && words.contains("[pingers]"), "\(words)")
        publishing.cancel()
        _ = await publishing.result

        var fresh = stage.authority
        fresh.pingers = [TrustedPinger(name: stage.pinger.name, key: stage.key.verificationKey.digest)]
        try await authority.reload(fresh)
        // A pinger that starts again gives the same report away.
        let again = stage.publisher(log)
        let second = Task { try await again.run() }
        try await Self.wait("the report") { again.record.authorities.first?.isTaken == true }
        second.cancel()
        _ = await second.result
        let slots = stage.network.slots
        let next = slots.start(of: try #require(slots.slot(at: now)?.advanced(by: 1)))
        let verdict = await authority.reports.verdict(at: next)
        #expect(verdict.used == [report.digest] && verdict.unreliable == [node])
        #expect(verdict.measurements[node]?.reliability == 800)
        task.cancel()
        _ = await task.result
    }
}
