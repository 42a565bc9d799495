import Directory
import Measurement
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// From the database to the estimate: what the pinger itself could not see changes no node's figures.
@Suite("Estimates through gaps")
struct CensoredEstimateTests {
    private static let now = PublishingFixture.now

    private func relays(_ store: PingStore, _ ids: [NodeID], at time: Timestamp) throws -> [Estimate] {
        let input = try AnalysisInput(store, window: .days(12), at: time)
        let analysis = Estimator(settings: EstimationSettings()).analyse(input.probes, at: time)
        return try ids.map { try #require(analysis.nodes[$0]?.relay) }
    }

    @Test("a node that loses every fifth packet does so with a gap every six hours, and with one every five")
    func gaps() throws {
        let fixture = try PublishingFixture()
        // The same probes without gaps, and with them.
        var plain = 0.0
        for (isCut, hours): (Bool, Int64) in [(false, 6), (true, 6), (true, 5)] {
            var generator = SeededRandom(seed: 65)
            let store = try PingStore.open(path: fixture.directory.file("pings-\(isCut)-\(hours).db"))
            defer { store.close() }
            var fill = PingFill(fixture.ids)
            fill.drop[fixture.ids[2]] = 0.2
            var time = Self.now
            for _ in 0..<(30 / hours) {
                try fill.run(store, from: time, to: time + .hours(hours), perHour: 160, using: &generator)
                time = time + .hours(hours)
                guard isCut else { continue }
                try store.addGap(
                    from: time, to: time + .minutes(3), reason: GapReason.off.rawValue, voiding: true)
            }
            let relays = try relays(store, fixture.ids, at: time)
            print("gap every \(hours) h: \(isCut)", relays.map { ($0.low, $0.value, $0.high, $0.samples) })
            #expect(abs(relays[2].value - 0.8) < 0.03 && relays[2].low < 0.8 && relays[2].high > 0.8)
            if !isCut { plain = relays[2].value }
            #expect(abs(relays[2].value - plain) < 0.02)
            for (number, relay) in relays.enumerated() where number != 2 { #expect(relay.value > 0.98) }
        }
    }

    @Test("a mailbox that is not emptied for thirteen hours hides no loss on the way to it")
    func mailbox() throws {
        var generator = SeededRandom(seed: 66)
        let fixture = try PublishingFixture()
        let store = try PingStore.open(path: fixture.files.database)
        defer { store.close() }
        var fill = PingFill(fixture.ids)
        fill.drop[fixture.ids[2]] = 0.2
        var time = Self.now
        for (hours, closed): (Int64, Int) in [(10, 0), (13, 5), (10, 0)] {
            fill.closed = Set(fixture.ids.prefix(closed))
            try fill.run(store, from: time, to: time + .hours(hours), perHour: 180, using: &generator)
            time = time + .hours(hours)
        }
        let relays = try relays(store, fixture.ids, at: time)
        print("closed for 13 h:", relays.map { ($0.low, $0.value, $0.high, $0.samples) })
        #expect(abs(relays[2].value - 0.8) < 0.03 && relays[2].low < 0.8 && relays[2].high > 0.8)
        for (number, relay) in relays.enumerated() where number != 2 { #expect(relay.value > 0.98) }
    }
}
