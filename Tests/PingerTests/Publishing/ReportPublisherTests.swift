import Daemon
import Directory
import DirectoryService
import Foundation
import Measurement
import MixCrypto
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// Several authorities over real HTTP, and publishers of one pinger, on a clock six hundred times as fast as time.
private final class PublisherStage: Sendable {
    let directory: TemporaryDirectory
    let servers: [ReportServer]
    let network: Network
    let settings: PingerSettings
    let key: HybridSigningKey
    let clock: ScaledClock
    let log = LoggedLines()
    let health = Health()
    let ids: [NodeID]

    init(_ count: Int) async throws {
        directory = try TemporaryDirectory("publisher")
        servers = (0..<count).map { _ in ReportServer() }
        key = try HybridSigningKey.generate()
        let start = ScaledClock.systemTime()
        clock = ScaledClock(origin: start, scale: 600)
        var authorities: [Authority] = []
        var identities: [HybridSigningKey] = []
        for (number, server) in servers.enumerated() {
            let identity = try HybridSigningKey.generate()
            let name = try #require(Nickname("authority\(number)"))
            authorities.append(
                Authority(name: name, identity: identity.verificationKey, urls: [try await server.start()]))
            identities.append(identity)
        }
        var draft = try NetworkFile.draft(
            name: "testing", version: 1, isTest: true, published: Timestamp(seconds: start.seconds) - .days(1),
            authorities: authorities)
        for identity in identities { draft = try draft.signed(by: identity) }
        network = Network(root: try draft.verify())
        var settings = PingerSettings(
            name: try #require(Nickname("lighthouse")), dataDirectory: directory.file("data"),
            networkFile: directory.file("network"))
        settings.timeScale = 600
        self.settings = settings
        _ = try PrivateDirectory(settings.dataDirectory)
        ids = try (0..<3).map { try PublishingFixture.node("node\($0)").id }
    }

    var files: PingerFiles { PingerFiles(directory: settings.dataDirectory) }

    func publisher() -> ReportPublisher {
        let upload = ReportUpload(settings)
        return ReportPublisher(
            settings: settings, files: files, key: key, network: { self.network }, clock: clock, logger: log.logger,
            health: health, upload: { await upload($0, $1) })
    }

    func analysis() -> Analysis {
        let now = clock.now()
        var analysis = Analysis(made: now, first: now - .days(1), last: now - .minutes(1))
        for id in ids {
            var result = NodeResult()
            result.relay = Estimate(value: 0.99, low: 0.97, high: 0.995, samples: 200)
            analysis.nodes[id] = result
        }
        return analysis
    }

    /// Waits for what must come true.
    func wait(_ what: String, _ condition: () -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < limit else {
                Issue.record("not within a minute: \(what); \(log.all)")
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func stop() async { for server in servers { await server.stop() } }
}

@Suite("Report publisher", .serialized, .timeLimit(.minutes(4)))
struct ReportPublisherTests {
    @Test(
        "each authority is given the report by itself: one takes it, one refuses, one is busy, one is dead, one comes back"
    )
    func authorities() async throws {
        let stage = try await PublisherStage(4)
        stage.servers[1].takes(.refused("this authority does not name a pinger lighthouse"))
        stage.servers[2].takes(.busy(retryAfter: .seconds(1)))
        await stage.servers[3].stop()
        let publisher = stage.publisher()
        let task = Task { try await publisher.run() }
        defer { task.cancel() }
        let report = try #require(
            try publisher.publish(stage.analysis(), network: stage.network, at: stage.clock.now()))
        func outcome(_ number: Int) -> PublicationRecord.Entry? {
            publisher.record.authorities.first { $0.name == "authority\(number)" }
        }
        try await stage.wait("the first is served") { outcome(0)?.isTaken == true }
        try await stage.wait("the refusal") { outcome(1)?.outcome == "refused" }
        try await stage.wait("the pause") { outcome(2)?.outcome == "later" }
        try await stage.wait("the dead one") { outcome(3)?.outcome == "unreachable" }
        #expect(stage.servers[0].posted == [report.bytes])
        #expect(outcome(1)?.words.contains("does not name a pinger lighthouse") == true)
        // Others have it: no trouble.
        #expect(stage.health.current["reports"] == nil)
        // The busy one is asked again when it wanted to be; then it takes it. What it took it is not given again.
        stage.servers[2].takes(.stored)
        try await stage.wait("the busy one takes it") { outcome(2)?.isTaken == true }
        // The refused one is tried again, but its words are told once.
        try await stage.wait("a second refusal") { stage.servers[1].posted.count >= 2 }
        #expect(stage.log.all.count { $0.contains("refuses the report") } == 1)
        #expect(stage.servers[0].posted.count == 1)
        // What the file says is what a command can read.
        let record = PublicationRecord(try AtomicFile.read(stage.files.publication, limit: 1 << 20))
        #expect(record?.report == report.digest.hex && record?.authorities.count == 4)
        task.cancel()
        _ = await task.result
        await stage.stop()
    }

    @Test(
        "a pinger that is killed between making a report and giving it away gives away the same one when it runs again")
    func killed() async throws {
        let stage = try await PublisherStage(2)
        let report = try #require(
            try stage.publisher().publish(stage.analysis(), network: stage.network, at: stage.clock.now()))
        #expect(stage.servers.allSatisfy { $0.posted.isEmpty })
        let second = stage.publisher()
        let task = Task { try await second.run() }
        try await stage.wait("both have it") { stage.servers.allSatisfy { $0.posted == [report.bytes] } }
        // And in the same slot there is no other.
        #expect(try second.publish(stage.analysis(), network: stage.network, at: report.published + .seconds(1)) == nil)
        task.cancel()
        _ = await task.result
        await stage.stop()
    }

    @Test("a report on disk that is damaged, foreign, from the future or too old is not given away")
    func unusable() async throws {
        let stage = try await PublisherStage(1)
        let now = stage.clock.now()
        func report(_ published: Timestamp, _ key: HybridSigningKey) throws -> MeasurementReport {
            let contents = ReportDecision.contents(
                stage.analysis(), pinger: stage.settings.name, deadline: .hours(6), at: published)
            var changed = try #require(contents)
            changed.from = published - .days(1)
            changed.to = published - .minutes(1)
            return try MeasurementReport.make(changed, network: stage.network.root, key: key)
        }
        let good = try report(now, stage.key)
        let cases: [(String, [UInt8])] = [
            ("cut in half", Array(good.bytes.prefix(good.bytes.count / 2))), ("empty", []),
            ("of another key", try report(now, HybridSigningKey.generate()).bytes),
            ("from the future", try report(now + .days(1), stage.key).bytes),
            ("too old", try report(now - .hours(7), stage.key).bytes),
        ]
        for (what, bytes) in cases {
            try AtomicFile.write(bytes, to: stage.files.report)
            let publisher = stage.publisher()
            // It has looked when it has written down how things stand.
            try? FileManager.default.removeItem(atPath: stage.files.publication)
            let task = Task { try await publisher.run() }
            try await stage.wait("a look at one \(what)") {
                FileManager.default.fileExists(atPath: stage.files.publication)
            }
            #expect(publisher.current == nil, "\(what)")
            // A new one is made in its place.
            let new = try publisher.publish(stage.analysis(), network: stage.network, at: now)
            #expect(new != nil, "\(what)")
            task.cancel()
            _ = await task.result
        }
        await stage.stop()
    }

    @Test("while nothing is said, what was made before is not given away either")
    func silent() async throws {
        let stage = try await PublisherStage(1)
        let publisher = stage.publisher()
        publisher.note(.noConsensus, since: stage.clock.now())
        _ = try publisher.publish(stage.analysis(), network: stage.network, at: stage.clock.now())
        let task = Task { try await publisher.run() }
        let until = stage.clock.now() + .minutes(5)
        try await stage.wait("five minutes of the network") { stage.clock.now() > until }
        #expect(stage.servers[0].posted.isEmpty)
        publisher.note(nil, since: until)
        try await stage.wait("the report") { stage.servers[0].posted.count == 1 }
        task.cancel()
        _ = await task.result
        await stage.stop()
    }

    @Test("reports that nobody takes are a trouble of ours")
    func nobody() async throws {
        let stage = try await PublisherStage(2)
        for server in stage.servers { server.takes(.refused("who are you")) }
        let publisher = stage.publisher()
        let task = Task { try await publisher.run() }
        _ = try publisher.publish(stage.analysis(), network: stage.network, at: stage.clock.now())
        try await stage.wait("the trouble") { stage.health.current["reports"] != nil }
        for server in stage.servers { server.takes(.stored) }
        try await stage.wait("it is over") { stage.health.current["reports"] == nil }
        task.cancel()
        _ = await task.result
        await stage.stop()
    }
}
