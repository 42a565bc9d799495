import Foundation
import GRDB
import Testing
import WireFormat

@testable import Spool

/// A probe's way through the database, and the rules by which it is decided.
@Suite struct PingStoreTests {
    @Test func theWayOfAProbe() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        let ping = fixture.ping(.reply, hops: [0, 1, 2, 4, 5], mailbox: 5)
        let id = try store.add(ping)
        #expect(try fixture.rows().isEmpty, "a planned one was not sent")
        try store.noteSent(id, at: fixture.at(.seconds(1)))
        #expect(try fixture.state(id) == .sent)
        #expect(try fixture.arrive(ping, .minutes(30), notBefore: .minutes(25), item: 7) == .first(id))
        try store.noteEmptied(fixture.nodes[5], at: fixture.at(.minutes(30)))
        let row = try #require(try fixture.rows()[id])
        let numbers = Dictionary(uniqueKeysWithValues: try store.nodes().map { ($0.number, $0.id) })
        #expect(row.kind == PingKind.reply.rawValue && row.state == PingState.arrived.rawValue)
        #expect(row.hops.map { numbers[$0] } == ping.hops)
        #expect(row.sent == fixture.at(.seconds(1)) && row.drawn == .minutes(20))
        #expect(row.arrived == fixture.at(.minutes(30)) && row.slack == .minutes(5))
        #expect(row.emptied == fixture.at(.minutes(30)))
        #expect(try fixture.rows(since: .seconds(2)).isEmpty)
    }

    @Test func pathsOfEveryLength() throws {
        var fixture = try PingFixture()
        for count in 1...5 {
            let (id, ping) = try fixture.send(.seconds(Int64(count)), hops: Array(0..<count), mailbox: nil)
            #expect(try fixture.rows()[id]?.hops.count == count && ping.hops.count == count)
        }
        #expect(try fixture.rows().count == 5)
    }

    @Test func whatIsNoProbeIsRefused() throws {
        var fixture = try PingFixture()
        let good = fixture.ping()
        func refused(_ change: (inout NewPing) -> Void) {
            var ping = good
            change(&ping)
            #expect(throws: PingStoreError.malformed) { try fixture.store.add(ping) }
        }
        refused { $0.kind = 0 }
        refused { $0.kind = 5 }
        refused { $0.hops = [] }
        refused { $0.hops.append($0.hops[0]) }
        refused { $0.hops += [fixture.nodes[4], fixture.nodes[5]] }
        refused { $0.tag.removeLast() }
        refused { $0.drawn = .seconds(-1) }
        _ = try fixture.store.add(good)
        refused { _ in }
        #expect(throws: PingStoreError.malformed) { try fixture.store.judge(deadline: .zero, at: PingFixture.start) }
        #expect(throws: PingStoreError.malformed) {
            try fixture.store.addGap(from: fixture.at(.hours(1)), to: fixture.at(.zero), reason: "off", voiding: true)
        }
    }

    @Test func unsentOnesAreForgotten() throws {
        var fixture = try PingFixture()
        let planned = try fixture.store.add(fixture.ping())
        let (sent, ping) = try fixture.send(.zero)
        try fixture.store.noteUnsent(planned)
        try fixture.store.noteUnsent(sent)
        try fixture.store.noteSent(planned, at: PingFixture.start)
        #expect(try Array(fixture.rows().keys) == [sent])
        #expect(try fixture.arrive(ping, .minutes(1)) == .first(sent))
    }

    /// In a fast lab a probe can be back before its acknowledgement is noted.
    @Test func aReturnBeforeItsAcknowledgement() throws {
        var fixture = try PingFixture()
        let ping = fixture.ping()
        let id = try fixture.store.add(ping)
        #expect(try fixture.arrive(ping, .minutes(4), item: 1) == .first(id))
        try fixture.store.noteUnsent(id)
        try fixture.store.noteSent(id, at: fixture.at(.minutes(1)))
        let row = try #require(try fixture.rows()[id])
        #expect(row.state == PingState.arrived.rawValue && row.slack == .minutes(3))
        // Of one that came back and was never acknowledged nobody can say anything: had it not, it would not be there.
        let other = fixture.ping()
        let void = try fixture.store.add(other)
        #expect(try fixture.arrive(other, .minutes(4)) == .first(void))
        #expect(try fixture.judge(.hours(12)).void == 1)
        #expect(try fixture.state(void) == nil)
    }

    @Test func duplicatesAndDamageCountAgainstThePath() throws {
        var fixture = try PingFixture()
        let (id, ping) = try fixture.send(.zero, hops: [0, 1, 3])
        let store = fixture.store
        func returned(_ content: Digest?, _ item: UInt64?) throws -> PingReturn {
            try store.noteReturn(
                tag: ping.tag, content: content, at: fixture.at(.minutes(9)), notBefore: PingFixture.start, item: item)
        }
        #expect(try returned(nil, 1) == .damaged(id))
        #expect(try returned(nil, 1) == .noted(id))
        #expect(try returned(Digest(), 2) == .damaged(id))
        #expect(try fixture.state(id) == .sent, "what came was not the probe")
        #expect(try returned(ping.content, 3) == .first(id))
        #expect(try returned(ping.content, 3) == .noted(id), "it could not be deleted from the mailbox")
        #expect(try returned(ping.content, 4) == .again(id))
        #expect(try returned(ping.content, 4) == .noted(id))
        #expect(try returned(ping.content, nil) == .again(id))
        #expect(
            try store.noteReturn(
                tag: Array(repeating: 0, count: 16), content: nil, at: PingFixture.start, notBefore: PingFixture.start)
                == .unknown)
        #expect(
            try store.noteReturn(tag: [], content: nil, at: PingFixture.start, notBefore: PingFixture.start)
                == .unknown)
        #expect(try store.evidence(since: PingFixture.start).isEmpty, "only one mailbox shows it")
        // However often somebody replays it.
        for item in 10..<40 { #expect(try returned(ping.content, UInt64(item)) == .again(id)) }
        #expect(try fixture.rows()[id]?.arrived == fixture.at(.minutes(9)))
        let rows = try store.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM evidence") }
        #expect(rows == 6, "one of a kind for each node of the path")
    }

    /// A node can make as many copies as it likes of what comes to its own mailbox.
    @Test func whatOneMailboxShowsCountsAgainstNobody() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        func twice(_ hops: [Int], _ mailbox: Int, damaged: Bool = false) throws {
            let (_, ping) = try fixture.send(.zero, hops: hops, mailbox: mailbox)
            for item in 0..<5 {
                _ = try store.noteReturn(
                    tag: ping.tag, content: damaged && item == 0 ? nil : ping.content, at: fixture.at(.minutes(9)),
                    notBefore: PingFixture.start, item: UInt64(item))
            }
        }
        for _ in 0..<30 {
            try twice([0, 1, 3], 3)
            try twice([4, 2, 3], 3, damaged: true)
        }
        #expect(try store.evidence(since: PingFixture.start).isEmpty)
        // Another one shows two: those count, and as many of the first.
        for _ in 0..<2 { try twice([0, 5], 5) }
        let evidence = try store.evidence(since: PingFixture.start)
        #expect(Set(evidence.keys) == [fixture.nodes[0]])
        #expect(evidence[fixture.nodes[0]] ?? (0, 0) == (4, 0))
        #expect(try store.evidence(since: fixture.at(.hours(1))).isEmpty)
    }

    @Test func lostOnlyWhenItsMailboxWasEmptied() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        let (early, _) = try fixture.send(.zero)
        let (elsewhere, _) = try fixture.send(.zero, hops: [0, 1, 2, 4], mailbox: 4)
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(6) - .milliseconds(1)))
        #expect(try fixture.judge(.hours(7)) == Judged())
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(6)))
        // An emptying that is still to come proves nothing.
        #expect(try fixture.judge(.hours(6) - .milliseconds(1)) == Judged())
        #expect(try fixture.judge(.hours(7)) == Judged(lost: 1, void: 0))
        #expect(try fixture.state(early) == .lost && fixture.state(elsewhere) == .sent)
        #expect(try fixture.judge(.hours(7)) == Judged())
        try store.noteEmptied(fixture.nodes[4], at: fixture.at(.hours(12)))
        #expect(try fixture.judge(.hours(13)) == Judged(lost: 0, void: 1), "too late to say")
        #expect(try fixture.state(elsewhere) == .void)
    }

    /// The last emptying is after the window, an earlier one was within it.
    @Test func everyEmptyingCounts() throws {
        var fixture = try PingFixture()
        let (id, _) = try fixture.send(.zero)
        for hour in 1...20 { try fixture.store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(Int64(hour)))) }
        #expect(try fixture.judge(.hours(20)) == Judged(lost: 1, void: 0))
        #expect(try fixture.state(id) == .lost)
    }

    @Test func lateOnesAreLost() throws {
        var fixture = try PingFixture()
        let (late, latePing) = try fixture.send(.zero)
        let (slow, slowPing) = try fixture.send(.zero)
        let (unseen, unseenPing) = try fixture.send(.zero, hops: [0, 1, 4], mailbox: 4)
        for node in [3, 4] { try fixture.store.noteEmptied(fixture.nodes[node], at: fixture.at(.hours(5))) }
        try fixture.store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(7)))
        #expect(try fixture.arrive(latePing, .hours(7), notBefore: .hours(6)) == .first(late))
        #expect(try fixture.arrive(slowPing, .hours(7), notBefore: .hours(5)) == .first(slow))
        #expect(try fixture.arrive(unseenPing, .hours(13), notBefore: .hours(5)) == .first(unseen))
        #expect(try fixture.judge(.hours(14)) == Judged(lost: 1, void: 1))
        #expect(try fixture.state(late) == .lost && fixture.rows()[late]?.arrived == fixture.at(.hours(7)))
        #expect(try fixture.state(slow) == .arrived && fixture.state(unseen) == .void)
        #expect(try fixture.rows()[unseen]?.watched == fixture.at(.hours(5)))
        // After it was judged it stays lost.
        let (gone, gonePing) = try fixture.send(.hours(14))
        try fixture.store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(21)))
        #expect(try fixture.judge(.hours(21)).lost == 1)
        #expect(try fixture.arrive(gonePing, .hours(22), notBefore: .hours(21), item: 5) == .first(gone))
        #expect(try fixture.arrive(gonePing, .hours(23), notBefore: .hours(22), item: 6) == .again(gone))
        #expect(try fixture.state(gone) == .lost)
    }

    @Test func gapsVoidWhatTheyTouch() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        let (before, beforePing) = try fixture.send(.minutes(1))
        let (through, throughPing) = try fixture.send(.minutes(2))
        let (lost, _) = try fixture.send(.minutes(3))
        let (open, openPing) = try fixture.send(.minutes(4))
        #expect(try fixture.arrive(beforePing, .minutes(30)) == .first(before))
        #expect(try fixture.arrive(throughPing, .minutes(90)) == .first(through))
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.minutes(60 * 6 + 3)))
        #expect(try fixture.judge(.hours(7)).lost == 1)
        #expect(try fixture.state(lost) == .lost)
        let (after, afterPing) = try fixture.send(.hours(7))
        func gap(voiding: Bool) throws -> Int {
            try store.addGap(
                from: fixture.at(.minutes(30)), to: fixture.at(.hours(7)), reason: "cutOff", voiding: voiding)
        }
        // Emptied when the gap began: what was seen by then stays, and the others had not come by then.
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.minutes(30)))
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(7)))
        #expect(try gap(voiding: false) == 0)
        #expect(try gap(voiding: true) == 3)
        #expect(try gap(voiding: true) == 0)
        #expect(try store.gaps(since: PingFixture.start).map(\.isVoiding) == [false, true])
        #expect(try fixture.state(before) == .arrived && fixture.state(after) == .sent)
        for id in [through, lost, open] {
            #expect(try fixture.state(id) == .void && fixture.rows()[id]?.watched == fixture.at(.minutes(30)))
        }
        #expect(try fixture.arrive(openPing, .hours(8)) == .first(open), "known, and of no account")
        #expect(try fixture.state(open) == .void)
        #expect(try fixture.arrive(afterPing, .hours(8)) == .first(after))
        #expect(try fixture.state(after) == .arrived)
        // Noted only now, but sent within the gap.
        let late = try store.add(fixture.ping(planned: .hours(6)))
        try store.noteSent(late, at: fixture.at(.hours(6)))
        #expect(try fixture.state(late) == .void)
    }

    /// A clock that was a day ahead for a moment must leave no emptying behind that a probe could be judged by a day later.
    @Test func aClockThatWasAhead() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(24)))
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.zero))
        let (id, _) = try fixture.send(.hours(17))
        #expect(try fixture.judge(.hours(24)) == Judged())
        #expect(try fixture.state(id) == .sent && fixture.rows()[id]?.emptied == nil)
        // One that arrives before it was sent says nothing of the network.
        let (early, ping) = try fixture.send(.hours(20))
        #expect(try fixture.arrive(ping, .hours(19)) == .first(early))
        #expect(try fixture.state(early) == .void)
        // Judged a day ahead, and taken back by the gap.
        #expect(try fixture.judge(.hours(60)).void == 1)
        let (next, _) = try fixture.send(.hours(25))
        try store.noteEmptied(fixture.nodes[3], at: fixture.at(.hours(26)))
        #expect(try fixture.judge(.hours(26)) == Judged())
        #expect(try fixture.state(next) == .sent)
    }

    @Test func nodesHandshakesAndTheTimeOfLife() throws {
        let fixture = try PingFixture()
        let store = fixture.store
        #expect(try store.lastAlive == nil)
        try store.noteAlive(fixture.at(.minutes(2)))
        try store.noteAlive(fixture.at(.minutes(1)))
        #expect(try store.lastAlive == fixture.at(.minutes(1)))
        try store.noteHandshake(fixture.nodes[0], at: fixture.at(.zero), took: .milliseconds(80))
        try store.noteHandshake(fixture.nodes[0], at: fixture.at(.minutes(1)), took: nil)
        try store.noteHandshake(fixture.nodes[1], at: fixture.at(.minutes(2)), took: nil)
        let all = try store.handshakes(since: PingFixture.start)
        #expect(all[fixture.nodes[0]] ?? (0, 0) == (1, 2) && all[fixture.nodes[1]] ?? (9, 9) == (0, 1))
        #expect(try store.handshakes(since: fixture.at(.seconds(90))).count == 1)
        try store.noteNickname(fixture.nodes[0], "wren")
        try store.noteNickname(fixture.nodes[0], "robin")
        try store.noteNickname(fixture.nodes[5], "owl")
        let nodes = try store.nodes()
        #expect(nodes.map(\.nickname) == ["robin", nil, "owl"] && nodes.map(\.number) == [1, 2, 3])
        #expect(nodes.map(\.id) == [fixture.nodes[0], fixture.nodes[1], fixture.nodes[5]])
    }

    @Test func daysAreReplaced() throws {
        let fixture = try PingFixture()
        let store = fixture.store
        let day = PingStore.day(of: PingFixture.start)
        let full = DayRow(
            day: day, node: fixture.nodes[0], reliability: 985, low: 970, high: 1000, samples: 300,
            latency: .seconds(42), tenMinutes: 10, hour: 900, sixHours: 985, wholeDay: 985, handshakes: 24,
            handshakesGood: 23, deliveries: 6, deliveriesGood: 5)
        let unmeasured = DayRow(day: day + 1, node: fixture.nodes[1])
        try store.saveDays([DayRow(day: day, node: fixture.nodes[0], samples: 1), unmeasured])
        try store.saveDays([full])
        #expect(try store.days(from: PingFixture.start, to: fixture.at(.days(1))) == [full, unmeasured])
        #expect(try store.days(from: fixture.at(.days(1)), to: fixture.at(.days(9))) == [unmeasured])
        let link = LinkDayRow(day: day, from: fixture.nodes[0], to: fixture.nodes[1], arrived: 9, lost: 1)
        var back = link
        swap(&back.from, &back.to)
        try store.saveLinkDays([link, back])
        try store.saveLinkDays([link])
        #expect(try store.linkDays(from: PingFixture.start, to: PingFixture.start) == [link, back])
        #expect(PingStore.day(of: Timestamp(milliseconds: -1)) == -1)
    }
}
