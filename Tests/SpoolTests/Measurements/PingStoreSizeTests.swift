import Dispatch
import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Many rows: bounds, forgetting, and how long it takes.
@Suite struct PingStoreSizeTests {
    /// Makes probes in bulk, one each minute from the start on: of ten, seven arrived, one is lost, one void and one open.
    private func fill(_ store: PingStore, _ nodes: [NodeID], count: Int) throws {
        try store.write { database in
            for node in nodes {
                let number = try store.number(of: node, in: database)
                try database.execute(sql: "INSERT INTO mailbox VALUES (?, ?, NULL)", arguments: [number, number])
            }
            try database.execute(
                sql: """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
                    INSERT INTO ping (kind, state, hop1, hop2, hop3, hop4, hop5, mailbox, drawn, planned, sent, arrived,
                        slack, decided, tag, content)
                    SELECT 1 + i % 2, CASE i % 10 WHEN 7 THEN 3 WHEN 8 THEN 4 WHEN 9 THEN 1 ELSE 2 END,
                        1 + i % 6, 1 + (i + 1) % 6, 1 + (i + 2) % 6, 1 + (i + 3) % 6, NULL, 1 + (i + 3) % 6, 1000,
                        :start + i * 60000, :start + i * 60000, IIF(i % 10 < 7, :start + i * 60000 + 300000, NULL),
                        60000, IIF(i % 10 = 9, NULL, :start + i * 60000 + 300000), randomblob(16), randomblob(32)
                    FROM n
                    """, arguments: ["count": count, "start": PingFixture.start.milliseconds])
        }
    }

    private func size(_ path: String) -> Int { PosixDirectory.size(of: path) ?? 0 }

    @Test func readingManyRows() throws {
        let fixture = try PingFixture()
        let count = Int(ProcessInfo.processInfo.environment["NIGHTJAR_PINGS"] ?? "") ?? 100_000
        try fill(fixture.store, fixture.nodes, count: count)
        var rows = 0
        var arrived = 0
        var hops = 0
        let clock = ContinuousClock()
        let time = try clock.measure {
            try fixture.store.forEachPing(since: PingFixture.start) { row in
                rows += 1
                if row.state == PingState.arrived.rawValue { arrived += 1 }
                for hop in row.hops { hops += hop }
            }
        }
        print("reading \(count) probes: \(time)")
        #expect(rows == count && arrived == count / 10 * 7 && hops > count * 4)
        // Twenty times what it takes without optimisation on an idle machine; two seconds for a million with it.
        #expect(time < .seconds(Int64(max(5, count / 2500))))
        var late = 0
        try fixture.store.forEachPing(since: fixture.at(.minutes(Int64(count) - 1000))) { _ in late += 1 }
        #expect(late == 1000)
        let short = try clock.measure { _ = try fixture.judge(.minutes(Int64(count))) }
        print("judging them: \(short)")
        #expect(try fixture.judge(.minutes(Int64(count))) == Judged())
    }

    @Test func whatIsOldGoesAndTheFileShrinks() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        let (first, ping) = try fixture.send(.zero)
        #expect(try fixture.arrive(ping, .minutes(1), item: 1) == .first(first))
        #expect(try fixture.arrive(ping, .minutes(1), item: 2) == .again(first))
        try store.noteHandshake(fixture.nodes[0], at: PingFixture.start, took: nil)
        try store.noteHandshake(fixture.nodes[0], at: fixture.at(.days(30)), took: nil)
        try store.addGap(from: PingFixture.start, to: fixture.at(.minutes(1)), reason: "off", voiding: false)
        try store.noteEmptied(fixture.nodes[0], at: PingFixture.start)
        for day in [0, 30] {
            let number = PingStore.day(of: PingFixture.start) + day
            try store.saveDays([DayRow(day: number, node: fixture.nodes[0])])
            try store.saveLinkDays([
                LinkDayRow(day: number, from: fixture.nodes[0], to: fixture.nodes[1], arrived: 1, lost: 1)
            ])
        }
        try bulk(store, count: 43_200)
        let before = try settled(fixture)
        let path = fixture.path
        // Others go on meanwhile; none of them waits for long.
        let writer = try PingStore.open(path: path, bounds: PingStore.Bounds(), patience: 5)
        let longest = LongestTime()
        let stop = LongestTime()
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            while stop.value == .zero {
                longest.note(ContinuousClock().measure { try? writer.noteAlive(PingFixture.start) })
                usleep(500)
            }
            writer.close()
            ended.signal()
        }
        thread.start()
        let gone = try store.expire(pingsBefore: fixture.at(.days(27)), daysBefore: fixture.at(.days(1)))
        stop.note(.seconds(1))
        ended.wait()
        print("the longest wait while forgetting: \(longest.value)")
        #expect(longest.value < .seconds(10))
        #expect(gone == 27 * 1440 + 1 + 2)
        #expect(try fixture.rows().count == 3 * 1440)
        #expect(try settled(fixture) < before / 4)
        #expect(try store.evidence(since: PingFixture.start).isEmpty)
        #expect(try store.gaps(since: PingFixture.start).isEmpty)
        #expect(try store.handshakes(since: PingFixture.start)[fixture.nodes[0]]?.total == 1)
        #expect(try store.days(from: PingFixture.start, to: fixture.at(.days(60))).count == 1)
        #expect(try store.linkDays(from: PingFixture.start, to: fixture.at(.days(60))).count == 1)
        #expect(try store.expire(pingsBefore: fixture.at(.days(27)), daysBefore: fixture.at(.days(1))) == 0)
        try check(store)
    }

    /// More probes beside those that are there.
    private func bulk(_ store: PingStore, count: Int) throws {
        try store.maintain { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
                    INSERT INTO ping (kind, state, hop1, mailbox, drawn, planned, sent, decided, tag, content)
                    SELECT 1, 4, 1, 0, 0, :start + i * 60000, :start + i * 60000, :start + i * 60000, randomblob(16),
                        randomblob(32) FROM n
                    """, arguments: ["count": count, "start": PingFixture.start.milliseconds])
        }
    }

    private func check(_ store: PingStore) throws {
        let findings = try store.maintain { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check")
                + Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { "\($0)" }
        }
        #expect(findings == ["ok"])
    }

    /// Bytes of the file when nothing is left in the log.
    private func settled(_ fixture: PingFixture) throws -> Int {
        _ = try fixture.store.maintain { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        return size(fixture.path)
    }

    @Test func theNewestAreKept() throws {
        var bounds = PingStore.Bounds()
        bounds.pings = 40
        bounds.handshakes = 10
        bounds.gaps = 5
        bounds.evidence = 12
        bounds.linkDays = 6
        bounds.nodes = 7
        bounds.deletion = 3
        var fixture = try PingFixture(bounds: bounds)
        let store = fixture.store
        var ids: [Int64] = []
        for number in 0..<200 {
            let time = Interval.minutes(Int64(number))
            let (id, ping) = try fixture.send(time)
            ids.append(id)
            for item in 0..<3 { _ = try fixture.arrive(ping, time, item: UInt64(item)) }
            try store.noteHandshake(NodeID.random(using: &fixture.random), at: fixture.at(time), took: nil)
            let gap = fixture.at(time + .seconds(1))
            try store.addGap(from: gap, to: gap, reason: "clock", voiding: true)
            try store.saveLinkDays([
                LinkDayRow(day: number, from: fixture.nodes[0], to: fixture.nodes[1], arrived: 1, lost: 0)
            ])
        }
        #expect(try fixture.rows().keys.sorted() == Array(ids.suffix(40)))
        #expect(try store.evidence(since: PingFixture.start).values.map(\.duplicates).reduce(0, +) <= 12)
        #expect(try store.handshakes(since: PingFixture.start).count == 10)
        #expect(try store.gaps(since: Timestamp(milliseconds: 0)).count == 5)
        #expect(try store.nodes().count > 200)
        try store.expire(pingsBefore: PingFixture.start, daysBefore: Timestamp(milliseconds: 0))
        let days = try store.linkDays(from: Timestamp(milliseconds: 0), to: PingFixture.start).map(\.day)
        #expect(days == Array(194..<200))
        // Four of the probes' path, ten of the handshakes: all that anything refers to.
        #expect(try store.nodes().count == 14)
        try check(store)
        // A smaller bound takes effect little by little.
        #expect(try fixture.rows().count == 40)
    }

    /// With the power goes what was not flushed: whatever prefix of the log is left, no probe that came is taken for lost.
    @Test func afterAPowerFailure() throws {
        var fixture = try PingFixture()
        let store = fixture.store
        var random = SeededRandom(name: "afterAPowerFailure")
        try store.maintain { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
        var probes: [Int64: NewPing] = [:]
        /// Bytes of the log that are on the disk for certain, and what was deleted from the mailbox by then.
        var flushed: [(bytes: Int, deleted: Set<Int64>)] = [(0, [])]
        var deleted: Set<Int64> = []
        for step in 0..<60 {
            let time = Interval.minutes(Int64(step))
            let (id, ping) = try fixture.send(time)
            probes[id] = ping
            if step % 3 == 0, let (id, ping) = probes.randomElement(using: &random), !deleted.contains(id) {
                _ = try fixture.arrive(ping, time + .seconds(1), item: UInt64(step))
                deleted.insert(id)
                flushed.append((size(fixture.path + "-wal"), deleted))
            }
            try store.noteEmptied(fixture.nodes[3], at: fixture.at(time))
        }
        let file = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        let log = try Data(contentsOf: URL(fileURLWithPath: fixture.path + "-wal"))
        for _ in 0..<40 {
            let cut = Int.random(in: 0...log.count, using: &random)
            let gone = flushed.last { $0.bytes <= cut }?.deleted ?? []
            let directory = try TemporaryDirectory("nightjar-pings")
            let path = directory.file("pings.db")
            try file.write(to: URL(fileURLWithPath: path))
            try log.prefix(cut).write(to: URL(fileURLWithPath: path + "-wal"))
            let after = try PingStore.open(path: path)
            let end = fixture.at(.hours(7))
            // What was not deleted for certain is found again.
            for (id, ping) in probes where deleted.contains(id) && !gone.contains(id) {
                _ = try after.noteReturn(
                    tag: ping.tag, content: ping.content, at: end, notBefore: fixture.at(.hours(1)))
            }
            try after.noteEmptied(fixture.nodes[3], at: end)
            _ = try after.judge(deadline: PingFixture.deadline, at: end)
            for (id, row) in try PingFixture.rows(after) where deleted.contains(id) {
                #expect(row.state == PingState.arrived.rawValue, "\(id) after \(cut) bytes")
            }
            for id in gone { #expect(try PingFixture.rows(after)[id] != nil) }
            after.close()
        }
    }
}

/// The longest of several times.
private final class LongestTime: @unchecked Sendable {
    private let lock = NSLock()
    private var longest = Duration.zero

    var value: Duration { lock.withLock { longest } }

    func note(_ time: Duration) { lock.withLock { longest = max(longest, time) } }
}
