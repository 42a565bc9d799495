import Directory
import Measurement
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("Analysis input")
struct AnalysisInputTests {
    private static let now = PublishingFixture.now

    private static func filled(
        _ fixture: PublishingFixture, hours: Int64, perHour: Int = 20, _ generator: inout SeededRandom
    ) throws -> PingStore {
        let store = try PingStore.open(path: fixture.files.database)
        var fill = PingFill(fixture.ids)
        fill.drop[fixture.ids[0]] = 0.5
        try fill.run(store, from: now - .hours(hours), to: now, perHour: perHour, using: &generator)
        return store
    }

    @Test("every row of the window becomes a probe with its outcome, and days get tables of their own")
    func rows() throws {
        var generator = SeededRandom(name: "analysis input rows")
        let fixture = try PublishingFixture()
        let store = try Self.filled(fixture, hours: 30, &generator)
        defer { store.close() }
        let today = PingStore.day(of: Self.now)
        let input = try AnalysisInput(store, window: .days(12), at: Self.now, days: [today, today - 1, today - 9])
        var states: [Int: Int] = [:]
        var days: [Int: Int] = [:]
        try store.forEachPing(since: Self.now - .days(12)) { row in
            states[row.state, default: 0] += 1
            days[PingStore.day(of: row.sent), default: 0] += 1
        }
        #expect(input.probes.count == 600 && Set(input.probes.nodes) == Set(fixture.ids))
        #expect(input.counts.arrived == states[PingState.arrived.rawValue])
        #expect(input.counts.lost == states[PingState.lost.rawValue] && input.counts.lost > 20)
        #expect(input.counts.pending == states[PingState.sent.rawValue] && input.counts.void == 0)
        #expect(input.days[today]?.count == days[today] && input.days[today - 1]?.count == days[today - 1] ?? 0)
        #expect(input.days[today - 9]?.count == 0)
        #expect(try #require(input.lastReturned) > Self.now - .hours(1))
        let again = try AnalysisInput(store, window: .days(12), at: Self.now)
        #expect(again.state == input.state)
        // A shorter window has what it says.
        let short = try AnalysisInput(store, window: .hours(2), at: Self.now)
        #expect(short.probes.count > 20 && short.probes.count <= 60)
    }

    @Test("as of a time past, what came later is under way, and what was sent later is not there")
    func past() throws {
        var generator = SeededRandom(name: "analysis input past")
        let fixture = try PublishingFixture()
        let store = try Self.filled(fixture, hours: 10, &generator)
        defer { store.close() }
        let then = Self.now - .hours(5)
        let input = try AnalysisInput(store, window: .days(12), at: then)
        #expect((80...120).contains(input.probes.count))
        #expect(input.counts.pending > 0)
        var came = 0
        try store.forEachPing(since: Self.now - .days(2)) { row in
            if row.state == PingState.arrived.rawValue, let arrived = row.arrived, arrived <= then { came += 1 }
        }
        #expect(input.counts.arrived == came)
    }

    @Test("a node that is known and has no probes takes nobody's place")
    func places() throws {
        var generator = SeededRandom(name: "analysis input places")
        let fixture = try PublishingFixture()
        let store = try PingStore.open(path: fixture.files.database)
        defer { store.close() }
        // They were here once, for a day or for an attack.
        let day = PingStore.day(of: Self.now) - 100
        try store.saveDays((0..<5000).map { _ in DayRow(day: day, node: NodeID.random(using: &generator)) })
        var fill = PingFill(fixture.ids)
        try fill.run(store, from: Self.now - .hours(4), to: Self.now, perHour: 60, using: &generator)
        let today = PingStore.day(of: Self.now)
        let input = try AnalysisInput(store, window: .days(12), at: Self.now, days: [today])
        #expect(Set(input.probes.nodes) == Set(fixture.ids) && input.probes.count == 240 && input.leftOut == 0)
        #expect(Set(input.days[today]?.nodes ?? []) == Set(fixture.ids))
        let nodes = Estimator(settings: EstimationSettings()).analyse(input.probes, at: Self.now).nodes
        #expect(fixture.ids.allSatisfy { nodes[$0]?.relay != nil })
        // Of more than a table holds, those that come first are measured, and it is known what is left out.
        var crowd = PingFill((0..<5000).map { _ in NodeID.random(using: &generator) })
        for _ in 0..<3000 { try crowd.send(store, at: Self.now, using: &generator) }
        let full = try AnalysisInput(store, window: .days(12), at: Self.now + .hours(1))
        #expect(full.probes.nodes.count > 4000 && full.leftOut > 0 && full.leftOut < 1000, "\(full.leftOut)")
        #expect(full.probes.count + full.leftOut == fill.sent + crowd.sent)
    }

    @Test("what came counts when its mailbox was emptied afterwards; a void probe says until when it had not come")
    func unconfirmed() throws {
        var generator = SeededRandom(name: "analysis input unconfirmed")
        let fixture = try PublishingFixture()
        let store = try PingStore.open(path: fixture.files.database)
        defer { store.close() }
        func probe() throws -> (Int64, [UInt8], Digest) {
            let tag = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let id = try store.add(
                NewPing(
                    kind: PingKind.loop.rawValue, hops: Array(fixture.ids.prefix(5)), drawn: .zero, tag: tag,
                    content: .sha256(tag),
                    mailbox: fixture.ids[4], planned: Self.now))
            try store.noteSent(id, at: Self.now)
            return (id, tag, .sha256(tag))
        }
        func counts() throws -> OutcomeCounts {
            try AnalysisInput(store, window: .days(12), at: Self.now + .hours(2)).counts
        }
        let (_, tag, content) = try probe()
        _ = try probe()
        try store.noteEmptied(fixture.ids[4], at: Self.now + .minutes(5))
        _ = try store.noteReturn(
            tag: tag, content: content, at: Self.now + .minutes(7), notBefore: Self.now + .minutes(5))
        #expect(try counts().pending == 2 && counts().arrived == 0)
        try store.noteEmptied(fixture.ids[4], at: Self.now + .minutes(8))
        #expect(try counts().pending == 1 && counts().arrived == 1)
        try store.addGap(
            from: Self.now + .minutes(6), to: Self.now + .minutes(9), reason: GapReason.off.rawValue, voiding: true)
        #expect(try counts().void == 2)
        try store.forEachPing(since: Self.now) { #expect($0.watched == Self.now + .minutes(5)) }
    }

    @Test("probes that a clock ahead dated into the future count for nothing")
    func future() throws {
        var generator = SeededRandom(name: "analysis input future")
        let fixture = try PublishingFixture()
        let store = try PingStore.open(path: fixture.files.database)
        defer { store.close() }
        var fill = PingFill(fixture.ids)
        try fill.run(
            store, from: Self.now + .days(300), to: Self.now + .days(300) + .hours(2), perHour: 20, using: &generator)
        let input = try AnalysisInput(store, window: .days(12), at: Self.now)
        #expect(input.probes.count == 0 && input.state.rows == 0)
    }
}
