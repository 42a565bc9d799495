import Daemon
import Directory
import DirectoryService
import Foundation
import Measurement
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// A pinger on disk, as the commands find it: measured until now.
struct PingerOnDisk {
    let fixture: PublishingFixture
    var config: String { fixture.directory.file("pinger.toml") }
    let now: Timestamp

    /// - Parameter hours: how long it has measured; nil for not yet.
    init(_ name: String, hours: Int64?, urls: [String] = [], age: Interval = .minutes(10)) throws {
        var generator = SeededRandom(name: name)
        now = Timestamp(seconds: ScaledClock.systemTime().seconds)
        fixture = try PublishingFixture(urls: urls, published: now - age, authoritySince: now - .days(10))
        try AtomicFile.write(
            text: """
                name = "lighthouse"
                data-directory = "\(fixture.settings.dataDirectory)"
                network-file = "\(fixture.settings.networkFile)"
                output-directory = "\(fixture.outputs)"
                """, to: fixture.directory.file("pinger.toml"))
        try SecretFile.create(fixture.files.key, .random(count: HybridSigningKey.seedSize))
        guard let hours else { return }
        let store = try PingStore.open(path: fixture.files.database)
        defer { store.close() }
        var fill = PingFill(fixture.ids)
        fill.drop[fixture.ids[0]] = 0.5
        try fill.run(store, from: now - .hours(hours), to: now, perHour: 60, using: &generator)
        let cache = DirectoryCache(directory: fixture.files.directoryCache)
        _ = try cache.install(root: fixture.network.root.bytes)
        let consensus = try #require(fixture.network.consensus)
        _ = try cache.install(consensus: consensus.bytes, descriptors: fixture.nodes.map(\.bytes), now: now - age)
    }

    func run(_ words: String...) throws -> PingerUser.Answer { try PingerUser.run(words + ["--config", config]) }
}

@Suite("Commands report and export", .serialized, .timeLimit(.minutes(4)))
struct ReportCommandTests {
    @Test("report shows every node beside a running pinger, as a table and as JSON, and changes nothing")
    func report() throws {
        let place = try PingerOnDisk("command report", hours: 14)
        // As a running pinger has it: open for writing.
        let store = try PingStore.open(path: place.fixture.files.database)
        defer { store.close() }
        let before = try FileManager.default.contentsOfDirectory(atPath: place.fixture.settings.dataDirectory)
        let table = try place.run("report")
        #expect(table.code == 0, "\(table.messages)")
        for number in 0..<6 { #expect(table.output.contains("node\(number) ")) }
        for word in ["RELIABILITY", "SAMPLES", "840 probes", "no report has been made yet", "the pinger does not run"] {
            #expect(table.output.contains(word), "\(word) in \(table.output)")
        }
        #expect(table.output.split(separator: "\n").allSatisfy { $0.count < 180 })
        let json = try place.run("report", "--json")
        #expect(json.code == 0)
        let read = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect((read?["nodes"] as? [Any])?.count == 6 && read?["silence"] is NSNull)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.fixture.settings.dataDirectory) == before)
    }

    @Test("what is missing or broken is said, with a code that says whether waiting helps")
    func errors() throws {
        let none = try PingerOnDisk("command errors", hours: nil)
        let early = try none.run("report")
        #expect(early.code == 3 && early.messages.contains("there is no database yet"))
        #expect(try none.run("export", "--format", "json", "--output", "-").code == 3)
        let upload = try none.run("report", "--upload")
        #expect(upload.code == 3 && upload.messages.contains("no report has been made yet"))
        let noFile = try PingerUser.run("report", "--config", none.fixture.directory.file("nothing.toml"))
        #expect(noFile.code != 0 && !noFile.messages.isEmpty)

        // A database cut in half.
        let place = try PingerOnDisk("command errors", hours: 12)
        let path = place.fixture.files.database
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        let whole = try #require(FileManager.default.contents(atPath: path))
        try whole.prefix(size / 2).write(to: URL(fileURLWithPath: path))
        let cut = try place.run("report")
        #expect(cut.code == 1 && cut.messages.contains("is damaged") && cut.output.isEmpty, "\(cut)")
        #expect(cut.messages.contains("Restore it from a backup"))
        try Data("no database at all, whatever it is".utf8).write(to: URL(fileURLWithPath: path))
        let foreign = try place.run("export", "--format", "json", "--output", "-")
        #expect(foreign.code == 1 && foreign.output.isEmpty)
        try whole.write(to: URL(fileURLWithPath: path))
        #expect(try place.run("report").code == 0)

        // No network file at all.
        try FileManager.default.removeItem(atPath: place.fixture.files.directoryCache)
        try FileManager.default.removeItem(atPath: place.fixture.settings.networkFile)
        let lost = try place.run("report")
        #expect(lost.code == 2 && lost.messages.contains("cannot read the network file"))
    }

    @Test("while nothing can be said, the table comes with the reason and code 3")
    func silent() throws {
        // The consensus expired an hour ago.
        let place = try PingerOnDisk("command silent", hours: 12, age: .days(3) + .hours(1))
        let old = try place.run("report")
        #expect(old.code == 3 && old.messages.contains("the newest consensus expired"), "\(old.messages)")
        #expect(old.output.contains("node0 "))
        // What a running pinger has written down counts more.
        let fresh = try PingerOnDisk("command silent", hours: 12)
        let record = PublicationRecord(
            silence: .init(kind: "cut-off", words: "no node could be reached", since: fresh.now.description),
            plan: PublicationPlan())
        try AtomicFile.write(record.encoded, to: fresh.fixture.files.publication)
        #expect(try fresh.run("report").code == 0)
        try AtomicFile.write(text: "\(getpid())\n", to: fresh.fixture.files.running)
        let blind = try fresh.run("report", "--json")
        #expect(blind.code == 3 && blind.messages.contains("no node could be reached"))
        #expect(blind.output.contains("no node could be reached"))
        // Mostly void.
        let void = try PingerOnDisk("command silent", hours: 12)
        let store = try PingStore.open(path: void.fixture.files.database)
        try store.addGap(
            from: void.now - .hours(10), to: void.now - .hours(1), reason: GapReason.off.rawValue, voiding: true)
        store.close()
        let voided = try void.run("report")
        #expect(voided.code == 3 && voided.messages.contains("came to nothing because the pinger was off"))
    }

    @Test("report --upload gives the last report to the authorities and says what each answers")
    func upload() async throws {
        let server = ReportServer()
        let place = try PingerOnDisk("command upload", hours: 2, urls: [try await server.start()])
        let key = try place.fixture.files.loadKey()
        let contents = try #require(
            ReportDecision.contents(
                place.fixture.analysis(at: place.now), pinger: place.fixture.settings.name, deadline: .hours(6),
                at: place.now))
        let report = try MeasurementReport.make(contents, network: place.fixture.network.root, key: key)
        try AtomicFile.write(report.bytes, to: place.fixture.files.report)
        func run(_ words: String...) async throws -> PingerUser.Answer {
            let config = place.config
            return try await Task.detached {
                try PingerUser.run(["report", "--upload"] + words + ["--config", config])
            }
            .value
        }
        let good = try await run()
        #expect(good.code == 0 && good.output.contains("sole has the report"), "\(good)")
        #expect(server.posted == [report.bytes])
        server.takes(.refused("this authority does not name a pinger lighthouse"))
        let refused = try await run("--json")
        #expect(refused.code == 4 && refused.messages.contains("[pingers]"))
        #expect(refused.output.contains("does not name a pinger lighthouse"))
        server.takes(.busy(retryAfter: .seconds(90)))
        #expect(try await run().code == 3)
        await server.stop()
        let dead = try await run()
        #expect(dead.code == 3 && dead.output.contains("sole was not reached"))
        // One that is too old is not worth sending.
        var old = contents
        (old.published, old.to, old.from) = (place.now - .hours(7), place.now - .hours(8), place.now - .days(2))
        let stale = try MeasurementReport.make(old, network: place.fixture.network.root, key: key)
        try AtomicFile.write(stale.bytes, to: place.fixture.files.report)
        let late = try await run()
        #expect(late.code == 3 && late.messages.contains("which no authority counts any more"))
        try AtomicFile.write(Array(report.bytes.dropLast(100)), to: place.fixture.files.report)
        #expect(try await run().code == 3)
    }

    @Test("export writes each form to a file, a directory or standard output")
    func export() throws {
        let place = try PingerOnDisk("command export", hours: 12)
        let out = place.fixture.directory
        for (form, beginning) in [
            ("json", "{"), ("mlist", ""), ("rlist", ""), ("mlist2", "Stats-Version: 2.0"),
            ("rlist2", "Stats-Version: 2.0"),
        ] {
            let printed = try place.run("export", "--format", form, "--output", "-")
            #expect(printed.code == 0 && printed.output.hasPrefix(beginning) && !printed.output.isEmpty, "\(form)")
            let file = try place.run("export", "--format", form, "--output", out.file("x.\(form)"))
            #expect(file.code == 0 && file.output.isEmpty)
            #expect(FileManager.default.contents(atPath: out.file("x.\(form)"))?.isEmpty == false)
        }
        let many = try place.run("export", "--format", "csv", "--output", "-")
        #expect(many.code == 2 && many.messages.contains("name a directory"))
        #expect(try place.run("export", "--format", "csv", "--output", out.file("x.json")).code == 2)
        #expect(try place.run("export", "--format", "csv", "--output", out.file("tables")).code == 0)
        let tables = try FileManager.default.contentsOfDirectory(atPath: out.file("tables"))
        #expect(Set(tables) == ["nodes.csv", "links.csv", "history.csv"])
        #expect(try place.run("export", "--format", "html", "--output", out.file("site")).code == 0)
        #expect(FileManager.default.fileExists(atPath: out.file("site/index.html")))
        #expect(try place.run("export", "--format", "xml", "--output", "-").code == 2)
        // Half of the time, about half of the probes.
        func probes(_ words: [String]) throws -> Int {
            let answer = try PingerUser.run(
                ["export", "--format", "json", "--output", "-", "--config", place.config] + words)
            let read = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
            let kinds = read?["probes"] as? [String: [String: Int]] ?? [:]
            return kinds.values.reduce(0) { $0 + $1.values.reduce(0, +) }
        }
        #expect(try probes([]) == 720)
        let half = try probes(["--since", (place.now - .hours(6)).description])
        #expect((300...420).contains(half))
        let wrong = try place.run("export", "--format", "json", "--output", "-", "--since", "yesterday")
        #expect(wrong.code == 2 && wrong.messages.contains("2026-11-21"))
    }
}
