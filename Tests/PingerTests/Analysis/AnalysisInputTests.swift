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
