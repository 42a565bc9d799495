import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

@Suite struct SpoolSegmentsTests {
    private func segments(_ fixture: SpoolFixture) throws -> Set<String> {
        Set(try PosixDirectory.names(in: fixture.path + "/segments"))
    }

    @Test func emptySegmentsGoWithTheirKeys() throws {
        let fixture = try SpoolFixture("empty segments")
        fixture.configuration.segmentBytes = 4 * 32_784
        let (spool, _) = try fixture.open()
        let ids = try fixture.store((0..<10).map { _ in fixture.body() }, in: spool)
        #expect(try segments(fixture) == ["1", "2", "3"])
        let key = try DatabaseQueue(path: fixture.path + "/spool.sqlite").read {
            try Data.fetchOne($0, sql: "SELECT key FROM segment WHERE id = 1")
        }
        let sealed = try #require(key)
        #expect(try spool.one(.removePackets(Array(ids[..<4]))) == .removed(4))
        #expect(
            try spool.settle(now: SpoolFixture.start) {
                (try? segments(fixture)) == ["2", "3"]
                    && ["spool.sqlite", "spool.sqlite-wal"].allSatisfy { name in
                        (try? Data(contentsOf: URL(fileURLWithPath: fixture.path + "/" + name)))?.range(of: sealed)
                            == nil
                    }
            }, "no file holds the erased key")
        // The current segment is let go when its time is over, though it was never full.
        _ = try spool.one(.removePackets(Array(ids[4...])))
        #expect(
            try spool.settle(now: SpoolFixture.start + .hours(1)) { (try? segments(fixture).isEmpty) == true })
        #expect(spool.statistics.segments == 0)
    }

    @Test func oldSegmentsAreCopiedOn() throws {
        let fixture = try SpoolFixture("old segments")
        fixture.configuration.segmentBytes = 8 * 32_784
        fixture.configuration.copyStep = 3
        fixture.configuration.cacheBytes = 0
        let (spool, _) = try fixture.open()
        let bodies = (0..<20).map { _ in fixture.body() }
        let ids = try fixture.store(bodies, in: spool)
        let message = MessageID.random(using: &fixture.random)
        let share = fixture.body(20_000)
        _ = try spool.performAndWait([
            .acceptPart(
                tag: fixture.tag(), period: SpoolFixture.period,
                part: PartRow(message: message, group: 0, groups: 1, k: 2, n: 3, index: 1, messageLength: 40_000),
                deadline: SpoolFixture.deadline, share: share),
            .acceptItem(
                tag: fixture.tag(), period: SpoolFixture.period, kind: 2,
                deadline: SpoolFixture.deadline, body: [5, 6]),
        ])
        let old = try segments(fixture)
        #expect(
            try spool.settle(now: SpoolFixture.start + .hours(1)) {
                (try? segments(fixture).isDisjoint(with: old)) == true
            })
        #expect(spool.statistics.copiedRecords == 22)
        for (id, body) in zip(ids, bodies) { #expect(try spool.readPacket(id) == body) }
        #expect(try spool.readShares(message: message, group: 0) == [StoredShare(index: 1, bytes: share)])
        #expect(try spool.readItem(ItemRowID(1)) == [5, 6])
        #expect(try spool.one(.removePackets(ids)) == .removed(20))
        spool.close()
        let (again, recovery) = try fixture.open()
        #expect(recovery.damage.isEmpty && recovery.packets.isEmpty && recovery.items.count == 1)
        #expect(try again.readItem(ItemRowID(1)) == [5, 6])
    }

    @Test func sparseSegmentsAreCopiedOnBeforeTheirTime() throws {
        let fixture = try SpoolFixture("sparse segments")
        fixture.configuration.segmentBytes = 10 * 32_784
        fixture.configuration.maxDeadBytes = 15 * 32_784
        let (spool, _) = try fixture.open()
        let bodies = (0..<50).map { _ in fixture.body() }
        let ids = try fixture.store(bodies, in: spool)
        // One in ten stays, so every segment is kept by one packet.
        _ = try spool.one(.removePackets(ids.enumerated().filter { $0.offset % 10 != 0 }.map(\.element)))
        #expect(
            try spool.settle(now: SpoolFixture.start) {
                spool.statistics.deadBytes <= 15 * 32_784 && spool.statistics.segments <= 3
            })
        for index in stride(from: 0, to: 50, by: 10) { #expect(try spool.readPacket(ids[index]) == bodies[index]) }
    }

    /// Readers see every body at all times while it is copied from segment to segment.
    @Test func readersAreNotDisturbed() throws {
        let fixture = try SpoolFixture("readers")
        fixture.configuration.segmentBytes = 4 * 32_784
        fixture.configuration.segmentAge = .seconds(1)
        fixture.configuration.cacheBytes = 0
        let (spool, _) = try fixture.open()
        let bodies = (0..<12).map { _ in fixture.body() }
        let ids = try fixture.store(bodies, in: spool)
        _ = try spool.performAndWait([
            .acceptItem(
                tag: fixture.tag(), period: SpoolFixture.period, kind: 2, deadline: SpoolFixture.deadline, body: [5])
        ])
        var now = SpoolFixture.start
        for _ in 0..<30 {
            now = now + .seconds(2)
            try spool.submit([.expire(now: now)]) { _ in }
            for (id, body) in zip(ids, bodies) { #expect(try spool.readPacket(id) == body) }
            #expect(try spool.readItem(ItemRowID(1)) == [5])
        }
        // What was not waited for is done then.
        #expect(try spool.settle(now: now) { spool.statistics.copiedRecords > 0 })
    }

    @Test func nothingOnDiskIsPlain() throws {
        let fixture = try SpoolFixture("plaintext")
        let marker = Array("the quick brown fox jumps over the lazy dog".utf8)
        func body(_ count: Int) -> [UInt8] { fixture.body(count - marker.count) + marker }
        let (spool, _) = try fixture.open()
        var file = try spool.makeFile()
        try file.append(body(100_000))
        let finished = try file.finish()
        _ = try spool.performAndWait([
            fixture.accept(body: body(32_768)),
            .acceptPart(
                tag: fixture.tag(), period: SpoolFixture.period,
                part: PartRow(
                    message: MessageID.random(using: &fixture.random), group: 0, groups: 1, k: 2, n: 3, index: 1,
                    messageLength: 40_000),
                deadline: SpoolFixture.deadline, share: body(20_000)),
            .acceptItem(
                tag: fixture.tag(), period: SpoolFixture.period, kind: 2,
                deadline: SpoolFixture.deadline, body: marker),
            .addDeliveries([
                NewDelivery(
                    recipient: String(decoding: marker, as: UTF8.self), file: finished, deadline: SpoolFixture.deadline,
                    nextAttempt: SpoolFixture.start)
            ]),
        ])
        var files = 0
        func search() throws {
            let paths = try FileManager.default.subpathsOfDirectory(atPath: fixture.path)
            for path in paths {
                var isDirectory: ObjCBool = false
                let full = fixture.path + "/" + path
                _ = FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory)
                let mode = try FileManager.default.attributesOfItem(atPath: full)[.posixPermissions] as? Int
                #expect(mode == (isDirectory.boolValue ? 0o700 : 0o600), "\(path)")
                if isDirectory.boolValue { continue }
                files += 1
                let bytes = try Data(contentsOf: URL(fileURLWithPath: full))
                #expect(bytes.range(of: Data(marker)) == nil, "\(path)")
                #expect(bytes.range(of: Data(Array("quick brown".utf8))) == nil, "\(path)")
            }
        }
        try search()
        #expect(files >= 5, "lock, database, log, segment, file")
        spool.close()
        try search()
        let sizes = try PosixDirectory.names(in: fixture.path + "/segments").map {
            PosixDirectory.size(of: fixture.path + "/segments/" + $0)
        }
        #expect(sizes == [3 * 32_784], "all records are of one size")
    }
}
