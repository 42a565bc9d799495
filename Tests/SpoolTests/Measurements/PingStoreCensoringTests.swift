import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// What the pinger could not see must make no node look better or worse. A network that loses every fifth probe is looked at
/// through gaps, through mailboxes that are not emptied, and through one that never says that there is no more; what is
/// kept of it is estimated by Kaplan and Meier's rule, which needs nothing but censoring that does not depend on what happened.
@Suite struct PingStoreCensoringTests {
    /// A world in steps of five minutes.
    private struct World {
        var fixture: PingFixture
        var random: SeededRandom
        private var underWay: [(due: Interval, ping: NewPing)] = []
        private(set) var minute: Int64 = 0
        private var emptied = Interval.zero

        /// - Parameter seed: fixed, because what is expected of so few probes holds for most seeds and not for all.
        init(_ seed: UInt64) throws {
            fixture = try PingFixture(3)
            random = SeededRandom(seed: seed)
        }

        /// Sends `count` probes in each step, of which 80 % arrive 10 minutes to 3 hours later.
        /// - Parameters:
        ///   - seeing: whether the mailbox is polled.
        ///   - saying: whether it says that it is empty.
        mutating func run(_ minutes: Int64, count: Int = 3, seeing: Bool = true, saying: Bool = true) throws {
            let end = minute + minutes
            while minute < end {
                for _ in 0..<count {
                    let time = Interval.minutes(minute) + .seconds(Int64.random(in: 0..<300, using: &random))
                    let (_, ping) = try fixture.send(time)
                    if Int.random(in: 0..<5, using: &random) > 0 {
                        underWay.append((time + .seconds(Int64.random(in: 600...10_800, using: &random)), ping))
                    }
                }
                minute += 5
                if seeing { try poll(saying: saying) }
                if minute.isMultiple(of: 30) { _ = try fixture.judge(.minutes(minute)) }
            }
        }

        private mutating func poll(saying: Bool) throws {
            let now = Interval.minutes(minute)
            for (due, ping) in underWay where due <= now { _ = try fixture.arrive(ping, now, notBefore: emptied) }
            underWay.removeAll { $0.due <= now }
            guard saying else { return }
            try fixture.store.noteEmptied(fixture.nodes[3], at: fixture.at(now))
            emptied = now
        }

        /// The pinger is off for three minutes.
        func gap() throws {
            let now = fixture.at(.minutes(minute))
            try fixture.store.addGap(from: now, to: now + .minutes(3), reason: "off", voiding: true)
        }

        /// The share that arrives within the deadline, of probes sent between two times, and how many rows of each state.
        func estimate(
            from: Interval = .zero, to: Interval = .days(100)
        ) throws -> (share: Double, states: [PingState: Int]) {
            var ends: [(age: Int64, isArrival: Bool)] = []
            var states: [PingState: Int] = [:]
            for row in try fixture.rows().values where row.sent >= fixture.at(from) && row.sent < fixture.at(to) {
                let state = try #require(PingState(rawValue: row.state))
                states[state, default: 0] += 1
                switch state {
                case .arrived:
                    // Some are found after a long time in which they may have come at any moment.
                    let age = min(try #require(row.arrived) - row.sent, PingFixture.deadline)
                    ends.append((age.milliseconds, true))
                case .lost: ends.append((PingFixture.deadline.milliseconds, false))
                case .void: if let watched = row.watched { ends.append(((watched - row.sent).milliseconds, false)) }
                case .sent: if let emptied = row.emptied { ends.append(((emptied - row.sent).milliseconds, false)) }
                case .planned: break
                }
            }
            ends.sort { ($0.age, $0.isArrival ? 0 : 1) < ($1.age, $1.isArrival ? 0 : 1) }
            var missing = 1.0
            for (place, end) in ends.enumerated() where end.isArrival {
                missing *= 1 - 1 / Double(ends.count - place)
            }
            return (1 - missing, states)
        }
    }

    @Test("a gap every six hours forgets no loss: the share that arrives is what it is")
    func gaps() throws {
        var world = try World(1)
        for _ in 0..<12 {
            try world.run(360)
            try world.gap()
        }
        let (share, states) = try world.estimate()
        #expect(abs(share - 0.8) < 0.03, "\(share)")
        // Counting alone shows what was wrong: the losses of six hours before each gap are not among the lost.
        #expect(states[.void] ?? 0 > 300 && states[.arrived] ?? 0 > 1000, "\(states)")
        // And of those that were watched to the end each is lost or arrived.
        #expect(states[.sent] == nil, "\(states)")
    }

    @Test("gaps much shorter than the deadline apart: no loss is ever certain, and still none is forgotten")
    func manyGaps() throws {
        var world = try World(2)
        for _ in 0..<14 {
            try world.run(300)
            try world.gap()
        }
        let (share, states) = try world.estimate()
        #expect(states[.lost] == nil && abs(share - 0.8) < 0.03, "\(share) \(states)")
    }

    @Test("a mailbox that is not emptied for 13 hours: its losses are not forgotten while its arrivals stay")
    func unemptied() throws {
        var world = try World(3)
        try world.run(24 * 60, count: 4)
        try world.run(13 * 60, count: 4, seeing: false)
        try world.run(24 * 60, count: 4)
        let before = try world.estimate(from: .hours(18), to: .hours(24))
        #expect(abs(before.share - 0.8) < 0.07, "\(before)")
        #expect(before.states[.void] ?? 0 > 70 && before.states[.arrived] ?? 0 > 100, "\(before)")
        // Of what was sent in its first hour afterwards nothing was seen within the time that counts.
        let during = try world.estimate(from: .hours(24), to: .hours(25))
        #expect(during.states.keys.allSatisfy { $0 == .void }, "\(during)")
        let all = try world.estimate()
        #expect(abs(all.share - 0.8) < 0.03, "\(all)")
    }

    @Test("a mailbox that hands out what it has and never says that there is no more delivers nothing")
    func neverEmpty() throws {
        var world = try World(4)
        try world.run(12 * 60, count: 4)
        try world.run(24 * 60, count: 4, saying: false)
        _ = try world.fixture.judge(.hours(60))
        let silent = try world.estimate(from: .hours(13), to: .hours(36))
        #expect(silent.states.keys.allSatisfy { $0 == .void }, "\(silent)")
        let all = try world.estimate()
        #expect(abs(all.share - 0.8) < 0.05, "\(all)")
        // When it was last known not to be there stays known.
        let rows = try world.fixture.rows().values.filter { $0.state == PingState.void.rawValue }
        #expect(rows.contains { $0.watched == world.fixture.at(.hours(12)) && $0.arrived != nil })
        #expect(rows.contains { $0.watched == world.fixture.at(.hours(12)) && $0.arrived == nil })
        #expect(rows.allSatisfy { ($0.watched ?? $0.sent) <= world.fixture.at(.hours(12)) || $0.watched == nil })
    }

    /// One probe for each way in which a gap can touch it.
    @Test func whatAGapLeaves() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        let node = fixture.nodes[3]
        // Judged by nobody yet when the gap is written down, but certain before it.
        let (lost, _) = try fixture.send(.zero)
        try store.noteEmptied(node, at: fixture.at(.hours(7)))
        _ = try store.judge(deadline: PingFixture.deadline, at: fixture.at(.minutes(1)))
        let (seen, seenPing) = try fixture.send(.hours(7))
        let (unsure, unsurePing) = try fixture.send(.hours(7))
        let (within, withinPing) = try fixture.send(.hours(7))
        let (open, _) = try fixture.send(.hours(7))
        #expect(try fixture.arrive(seenPing, .hours(8), notBefore: .hours(7)) == .first(seen))
        try store.noteEmptied(node, at: fixture.at(.hours(8)))
        // A poll that was cut off by the gap.
        #expect(try fixture.arrive(unsurePing, .hours(9) - .seconds(1), notBefore: .hours(8)) == .first(unsure))
        #expect(try fixture.arrive(withinPing, .hours(10), notBefore: .hours(8)) == .first(within))
        try store.noteEmptied(node, at: fixture.at(.hours(10)))
        let (young, _) = try fixture.send(.hours(9) - .seconds(2))
        func gap(_ from: Interval) throws -> Int {
            try store.addGap(from: fixture.at(from), to: fixture.at(.hours(11)), reason: "cutOff", voiding: true)
        }
        #expect(try gap(.hours(9)) == 4)
        let rows = try fixture.rows()
        #expect(rows[lost]?.state == PingState.lost.rawValue && rows[seen]?.state == PingState.arrived.rawValue)
        #expect(rows[lost]?.watched == nil && rows[seen]?.watched == nil)
        for id in [unsure, within, open] {
            #expect(rows[id]?.state == PingState.void.rawValue && rows[id]?.watched == fixture.at(.hours(8)))
        }
        #expect(rows[young]?.state == PingState.void.rawValue && rows[young]?.watched == nil)
        // It is found out that the gap began before: nothing was seen after that.
        #expect(try gap(.hours(7) + .minutes(30)) == 1)
        #expect(try fixture.state(seen) == .void && fixture.rows()[seen]?.watched == fixture.at(.hours(7)))
        #expect(try fixture.rows()[open]?.watched == fixture.at(.hours(7)))
        #expect(try gap(.hours(7) + .minutes(30)) == 0)
        // Acknowledgements that are noted after the gap.
        let late = try store.add(fixture.ping(planned: .hours(10)))
        try store.noteSent(late, at: fixture.at(.hours(10)))
        #expect(try fixture.state(late) == .void && fixture.rows()[late]?.watched == nil)
        let early = try store.add(fixture.ping(planned: .hours(7)))
        try store.noteSent(early, at: fixture.at(.hours(7)))
        #expect(try fixture.state(early) == .void && fixture.rows()[early]?.watched == fixture.at(.hours(7)))
    }

    /// A clock that was ahead when probes were judged has thrown old emptyings away; arrivals must not fall with them.
    @Test func arrivalsOutliveTheirEmptyings() throws {
        var fixture = try PingFixture()
        let (id, ping) = try fixture.send(.zero)
        #expect(try fixture.arrive(ping, .hours(1)) == .first(id))
        try fixture.store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(1)))
        _ = try fixture.judge(.hours(1))
        _ = try fixture.judge(.days(3))
        for hour in 1...30 { _ = try fixture.judge(.hours(Int64(hour))) }
        #expect(try fixture.state(id) == .arrived)
        // The same with another deadline, longer or shorter.
        _ = try fixture.store.judge(deadline: .hours(48), at: fixture.at(.days(5)))
        _ = try fixture.store.judge(deadline: .minutes(10), at: fixture.at(.days(6)))
        #expect(try fixture.state(id) == .arrived)
    }

    @Test("connections that were tried in a gap are the pinger's own trouble")
    func handshakes() throws {
        let fixture = try PingFixture()
        for minute in 0..<10 {
            try fixture.store.noteHandshake(
                fixture.nodes[0], at: fixture.at(.minutes(Int64(minute))),
                took: (3...6).contains(minute) ? nil : .milliseconds(50))
        }
        try fixture.store.addGap(
            from: fixture.at(.minutes(3)), to: fixture.at(.minutes(6)), reason: "cutOff", voiding: true)
        #expect(try fixture.store.handshakes(since: PingFixture.start)[fixture.nodes[0]] ?? (0, 0) == (6, 6))
    }
}
