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

@Suite("Analysis rounds", .serialized)
struct AnalysisRoundsTests {
    @Test("what the probes show goes to the days, the planner, the report and the pages")
    func everything() throws {
        let stage = try RoundsStage("rounds everything")
        stage.lose(stage.fixture.ids[0], 0.4)
        try stage.measure(.hours(30), back: true)
        stage.rounds.roundNow()
        #expect(stage.rounds.silence == nil && stage.told.value == 1 && stage.health.current.isEmpty)
        let report = try #require(stage.publisher.current)
        #expect(report.nodes.count == 6 && report.published == stage.clock.now())
        #expect(report.key == stage.fixture.key.verificationKey)
        // What is on disk can be verified by anybody.
        let file = try AtomicFile.read(stage.fixture.files.report, limit: MeasurementReport.maximumSize)
        #expect(try UnverifiedReport(file).verify(in: stage.network.value.root) == report)
        #expect(stage.output("report") == String(decoding: file, as: UTF8.self))
        let lossy = try #require(report.nodes.first { $0.id == stage.fixture.ids[0] }?.relay)
        for node in report.nodes where node.id != stage.fixture.ids[0] {
            #expect(try #require(node.relay).value > lossy.value + 100)
        }
        #expect(report.contents.from >= stage.clock.now() - .hours(30))
        // Two days, or three.
        let days = try stage.store.days(from: stage.clock.now() - .days(3), to: stage.clock.now())
        #expect(Set(days.map(\.day)).count >= 2 && Set(days.map(\.node)) == Set(stage.fixture.ids))
        let facts = try #require(stage.rounds.last)
        #expect(facts.history.count == 6 && facts.nicknames.count == 6 && facts.silence == nil)
        for name in ["index.html", "measurements.json", "nodes.csv", "mlist2.txt"] {
            #expect(stage.output(name) != nil, "\(name)")
        }
    }

    @Test("with nothing new there is no new analysis and no new report: the last one ages out")
    func nothingNew() throws {
        let stage = try RoundsStage("rounds nothing new")
        try stage.measure(.hours(12), back: true)
        stage.rounds.roundNow()
        let first = try #require(stage.publisher.current)
        stage.clock.advance(by: .minutes(40))
        stage.rounds.roundNow()
        #expect(stage.told.value == 1 && stage.publisher.current == first)
        try stage.measure(.minutes(30))
        stage.rounds.roundNow()
        #expect(stage.told.value == 2)
        let second = try #require(stage.publisher.current)
        #expect(second.published > first.published)
        // Not twice in one slot, and not in a burst.
        stage.clock.advance(by: .minutes(1))
        try stage.measure(.minutes(1), perHour: 240)
        stage.rounds.roundNow()
        #expect(stage.publisher.current == second)
    }

    @Test("blind: no report, no day, one line each way; the pages and the files say why and since when")
    func blind() throws {
        let stage = try RoundsStage("rounds blind")
        try stage.measure(.hours(12), back: true)
        stage.rounds.roundNow()
        let before = try #require(stage.publisher.current)
        let days = try stage.store.days(from: stage.clock.now() - .days(3), to: stage.clock.now())
        let since = stage.clock.now()
        // Its own network goes down: what it sends in vain is nobody's fault.
        stage.watch.value = .blind(since: since)
        for _ in 0..<6 {
            try stage.measure(.minutes(20))
            stage.rounds.glance(at: stage.clock.now())
            stage.rounds.roundNow()
        }
        #expect(stage.publisher.current == before && stage.told.value == 1)
        #expect(try stage.store.days(from: since - .days(3), to: stage.clock.now()) == days)
        #expect(stage.rounds.silence?.reason == .blind(since: since))
        #expect(stage.rounds.silence?.since == since)
        #expect(stage.health.current["measurement"]?.contains("no node could be reached since \(since)") == true)
        #expect(stage.output("index.html")?.contains("no node could be reached since \(since)") == true)
        #expect(stage.output("measurements.json")?.contains("no node could be reached since \(since)") == true)
        let record = try #require(
            PublicationRecord(try AtomicFile.read(stage.fixture.files.publication, limit: 1 << 20)))
        #expect(record.silence?.kind == "cut-off" && record.silence?.since == since.description)

        // The line is back. The gap goes to the database, as the watch does it; what was under way is void.
        stage.watch.value = .watching
        try stage.store.addGap(from: since, to: stage.clock.now(), reason: GapReason.cutOff.rawValue, voiding: true)
        let end = stage.clock.now()
        stage.rounds.glance(at: end)
        stage.rounds.roundNow()
        #expect(stage.rounds.silence?.reason.kind == "settling" && stage.publisher.current == before)
        stage.clock.advance(by: .minutes(9))
        stage.rounds.roundNow()
        #expect(stage.rounds.silence != nil)
        // Ten minutes are over and still nothing that was sent since has come back.
        stage.clock.advance(by: .minutes(20))
        stage.rounds.roundNow()
        #expect(stage.rounds.silence?.reason.kind == "settling" && stage.told.value == 1)
        try stage.measure(.hours(1))
        stage.rounds.roundNow()
        #expect(stage.rounds.silence == nil && stage.told.value == 2)
        let after = try #require(stage.publisher.current)
        #expect(after.published == stage.clock.now() && after.contents.counts.void > 0)
        // No node has suffered for it.
        #expect(after.nodes.allSatisfy { ($0.relay?.high ?? 0) >= 990 })
        #expect(stage.health.current["measurement"] == nil)
        #expect(stage.output("index.html")?.contains("could be reached") == false)
        // What the watch sees it says itself; the settling afterwards and the end are said here.
        #expect(stage.lines("nothing is said of the nodes").count <= 1)
        #expect(stage.lines("reported on again").count == 1)
    }

    @Test("cut off while a round is on: the round that began before does not speak")
    func blindMeanwhile() throws {
        let stage = try RoundsStage("rounds blind meanwhile")
        try stage.measure(.hours(12), back: true)
        stage.rounds.roundNow()
        let before = try #require(stage.publisher.current)
        try stage.measure(.hours(2))
        let since = stage.clock.now()
        // The first look at the watch is the round's; before its end somebody else has looked.
        stage.onLook.value = {
            stage.onLook.value = {}
            stage.watch.value = .blind(since: since)
            stage.rounds.glance(at: since)
            #expect(stage.rounds.silence?.reason == .blind(since: since))
        }
        stage.rounds.roundNow()
        #expect(stage.watch.value == .blind(since: since))
        #expect(stage.rounds.silence?.reason == .blind(since: since))
        #expect(stage.publisher.current == before && stage.told.value == 1)
        #expect(stage.publisher.record.silence?.kind == "cut-off" && stage.lines("reported on again").isEmpty)
    }

    @Test("a clock that is set forth and back: nothing is said until it has kept time, and nothing false afterwards")
    func clock() throws {
        let stage = try RoundsStage("rounds clock")
        try stage.measure(.hours(12), back: true)
        stage.rounds.roundNow()
        let before = try #require(stage.publisher.current)
        let (right, wrong) = (stage.clock.now(), stage.clock.now() + .days(30))
        stage.clock.advance(to: wrong)
        stage.watch.value = .clockWrong(since: wrong)
        try stage.store.addGap(from: right, to: wrong, reason: GapReason.clock.rawValue, voiding: true)
        stage.rounds.glance(at: wrong)
        stage.rounds.roundNow()
        #expect(stage.rounds.silence?.reason == .clockWrong(since: wrong) && stage.publisher.current == before)
        // Even when the watch believes the clock by and by, the consensus has expired for it.
        stage.watch.value = .watching
        stage.clock.advance(by: .hours(7))
        stage.rounds.glance(at: stage.clock.now())
        stage.rounds.roundNow()
        #expect(stage.rounds.silence?.reason.kind == "expired-consensus" && stage.publisher.current == before)
        // Set right.
        let back = right + .hours(7)
        try stage.store.addGap(from: back, to: stage.clock.now(), reason: GapReason.clock.rawValue, voiding: true)
        try stage.store.noteAlive(back, now: back)
        stage.clock.advance(to: back)
        stage.watch.value = .clockWrong(since: back)
        stage.rounds.glance(at: back)
        stage.rounds.roundNow()
        #expect(stage.rounds.silence != nil && stage.publisher.current == before)
        stage.watch.value = .watching
        stage.rounds.glance(at: back)
        try stage.measure(.hours(1))
        stage.rounds.roundNow()
        #expect(stage.rounds.silence == nil)
        let after = try #require(stage.publisher.current)
        #expect(after.published == back + .hours(1) && after.contents.to <= after.published)
        #expect(after.nodes.allSatisfy { ($0.relay?.high ?? 0) >= 990 })
        let days = try stage.store.days(from: right - .days(2), to: wrong + .days(2))
        #expect(days.allSatisfy { $0.day <= PingStore.day(of: stage.clock.now()) })
    }

    @Test("a pinger whose probes mostly came to nothing for its own reasons says nothing of others")
    func voided() throws {
        let stage = try RoundsStage("rounds void")
        try stage.measure(.hours(12), back: true)
        let now = stage.clock.now()
        try stage.store.addGap(
            from: now - .hours(9), to: now - .hours(1), reason: GapReason.off.rawValue, voiding: true)
        stage.rounds.roundNow()
        #expect(stage.rounds.silence?.reason.kind == "void")
        #expect(stage.publisher.current == nil && stage.told.value == 0)
        #expect(try stage.store.days(from: now - .days(3), to: now).isEmpty)
        #expect(stage.lines("because the pinger was off").count == 1)
        // What there is can be seen all the same, with the reason.
        #expect(stage.output("index.html")?.contains("because the pinger was off") == true)
        try stage.measure(.hours(14))
        stage.rounds.roundNow()
        #expect(stage.rounds.silence == nil && stage.publisher.current != nil)
    }

    @Test("a new database says how young it is, and until a node has thirty probes there is no report")
    func young() throws {
        let stage = try RoundsStage("rounds young")
        try stage.measure(.hours(1), perHour: 20, back: true)
        stage.rounds.roundNow()
        #expect(stage.rounds.silence == nil && stage.publisher.current == nil)
        try stage.measure(.hours(12))
        stage.rounds.roundNow()
        let report = try #require(stage.publisher.current)
        #expect(report.contents.from > PublishingFixture.now - .hours(2))
    }

    @Test("a database that breaks while it runs makes it silent, and is told")
    func broken() throws {
        let stage = try RoundsStage("rounds broken")
        try stage.measure(.hours(12), back: true)
        stage.rounds.roundNow()
        let before = try #require(stage.publisher.current)
        stage.store.close()
        stage.clock.advance(by: .minutes(30))
        stage.rounds.roundNow()
        stage.rounds.roundNow()
        #expect(stage.rounds.silence?.reason.kind == "database" && stage.publisher.current == before)
        #expect(stage.lines("the database cannot be used").count == 1)
        #expect(stage.health.current["measurement"]?.contains("database") == true)
        #expect(stage.output("index.html")?.contains("database") == true)
    }

    @Test("an output directory that cannot be written is told once, and the rest goes on")
    func outputs() throws {
        let stage = try RoundsStage("rounds outputs")
        try stage.measure(.hours(12), back: true)
        try Data().write(to: URL(fileURLWithPath: stage.fixture.outputs))
        stage.rounds.roundNow()
        stage.rounds.roundNow()
        #expect(stage.lines("output-directory").count == 1 && stage.publisher.current != nil)
        #expect(stage.health.current["output-directory"]?.contains("is not a directory") == true)
        try FileManager.default.removeItem(atPath: stage.fixture.outputs)
        stage.rounds.roundNow()
        #expect(stage.health.current.isEmpty && stage.output("index.html") != nil)
    }

    @Test("days stay open until their last probe is decided, and are not worked out again from a part of their probes")
    func days() {
        let noon = AnalysisInput.start(of: 20_000) + .hours(12)
        func open(_ now: Timestamp, kept: Interval = .days(30), first: Bool = false) -> Set<Int> {
            DayResults.open(at: now, deadline: .hours(6), kept: kept, isFirst: first)
        }
        #expect(open(noon - .milliseconds(1)) == [20_000, 19_999])
        #expect(open(noon) == [20_000])
        #expect(open(noon, first: true) == [20_000, 19_999, 19_998, 19_997])
        #expect(open(noon, kept: .days(2), first: true) == [20_000, 19_999])
        #expect(open(noon - .hours(2), kept: .days(1)) == [20_000])
    }
}
