import Foundation
import GRDB
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Directories that are not ours to use, and damage.
@Suite struct SpoolOpeningTests {
    private func message(_ body: () throws -> Void) -> String {
        do { try body() } catch { return String(describing: error) }
        return "no error"
    }

    @Test func refusesWhatIsNotItsOwn() throws {
        let fixture = try SpoolFixture("refusals")
        let (spool, _) = try fixture.open()
        #expect(message { _ = try fixture.open() }.hasPrefix("another process is using the spool in \(fixture.path)"))
        spool.close()
    }

    @Test func refusesAnotherKey() throws {
        let fixture = try SpoolFixture("another key")
        do { _ = try fixture.open() }
        let text = message {
            _ = try Spool.open(directory: fixture.path, storageKey: .random(), now: SpoolFixture.start)
        }
        #expect(text.hasPrefix("the storage key does not open the spool in"))
        _ = try fixture.open()
    }

    @Test func refusesForeignFiles() throws {
        let fixture = try SpoolFixture("foreign files")
        try Data().write(to: URL(fileURLWithPath: fixture.directory.file("letter.txt")))
        let directory = fixture.directory.path
        #expect(throws: SpoolError.notASpool(directory: directory)) {
            try Spool.open(directory: directory, storageKey: SpoolFixture.key, now: SpoolFixture.start)
        }
        let file = fixture.directory.file("letter.txt")
        #expect(throws: SpoolError.self) {
            try Spool.open(directory: file, storageKey: SpoolFixture.key, now: SpoolFixture.start)
        }
    }

    @Test func refusesOtherFormats() throws {
        let fixture = try SpoolFixture("other formats")
        do { _ = try fixture.open() }
        do {
            let database = try DatabaseQueue(path: fixture.path + "/spool.sqlite")
            try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 9") }
        }
        #expect(throws: SpoolError.otherVersion(directory: fixture.path, found: 9, wanted: 2)) { try fixture.open() }
        do {
            let database = try DatabaseQueue(path: fixture.path + "/spool.sqlite")
            try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA application_id = 9") }
        }
        #expect(throws: SpoolError.notASpool(directory: fixture.path)) { try fixture.open() }
        try Data("nightjar spool 3\n".utf8).write(to: URL(fileURLWithPath: fixture.path + "/spool.lock"))
        #expect(throws: SpoolError.otherVersion(directory: fixture.path, found: 3, wanted: 2)) { try fixture.open() }
        try Data("something else".utf8).write(to: URL(fileURLWithPath: fixture.path + "/spool.lock"))
        #expect(throws: SpoolError.notASpool(directory: fixture.path)) { try fixture.open() }
    }

    @Test func makesMissingDirectoriesAndClosesOpenOnes() throws {
        let fixture = try SpoolFixture("modes")
        let deep = fixture.directory.file("a/b/c")
        _ = try Spool.open(directory: deep, storageKey: SpoolFixture.key, now: SpoolFixture.start)
        let plain = fixture.directory.file("plain")
        try FileManager.default.createDirectory(
            atPath: plain, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        _ = try Spool.open(directory: plain, storageKey: SpoolFixture.key, now: SpoolFixture.start)
        for path in [deep, plain] {
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o700)
        }
    }

    /// A filled spool, closed; the bodies by number.
    private func filled(_ fixture: SpoolFixture, count: Int = 12) throws -> [PacketRowID: [UInt8]] {
        fixture.configuration.segmentBytes = 4 * 32_784
        let (spool, _) = try fixture.open()
        let bodies = (0..<count).map { _ in fixture.body() }
        let ids = try fixture.store(bodies, in: spool)
        spool.close()
        return Dictionary(uniqueKeysWithValues: zip(ids, bodies))
    }

    @Test(arguments: ["header", "middle", "missing", "short"])
    func aDamagedDatabaseIsSetAside(how: String) throws {
        let fixture = try SpoolFixture("damaged database \(how)")
        _ = try filled(fixture)
        let url = URL(fileURLWithPath: fixture.path + "/spool.sqlite")
        var data = try Data(contentsOf: url)
        switch how {
        case "header": data.replaceSubrange(0..<100, with: fixture.body(100))
        case "middle": data.replaceSubrange(4096..<data.count, with: fixture.body(data.count - 4096))
        case "short": data = data.prefix(data.count / 2)
        default: break
        }
        if how == "missing" { try FileManager.default.removeItem(at: url) } else { try data.write(to: url) }
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.lostReplayTags)
        #expect(recovery.damage.packets == 12)
        #expect(recovery.packets.isEmpty)
        #expect(recovery.damage.setAside.contains { $0.contains("/segments/1.damaged-1700000000") })
        #expect(recovery.damage.setAside.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        #expect(recovery.damage.summary?.contains("lost 12 packets") == true)
        let body = fixture.body()
        let ids = try fixture.store([body], in: spool)
        #expect(try ids.map { try spool.readPacket($0) } == [body])
        spool.close()
        #expect(try fixture.open().recovery.damage.isEmpty)
    }

    @Test func aDamagedTableOfTagsIsNotUsed() throws {
        let fixture = try SpoolFixture("damaged tags")
        do {
            let (spool, _) = try fixture.open()
            let tags = (0..<2000).map { _ in fixture.tag() }
            _ = try spool.performAndWait(tags.map { .acceptNothing(tag: $0, period: SpoolFixture.period) })
            spool.close()
        }
        let path = fixture.path + "/spool.sqlite"
        let root = try DatabaseQueue(path: path).read {
            try Int.fetchOne($0, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'replay_2810'")
        }
        let page = try #require(root) - 1
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        data.replaceSubrange(page * 4096..<(page + 1) * 4096, with: fixture.body(4096))
        try data.write(to: URL(fileURLWithPath: path))
        // Without the check at the start the damage is found when the tags are read.
        for bytes in [0, 512 << 20] {
            fixture.configuration.checkedDatabaseBytes = bytes
            try data.write(to: URL(fileURLWithPath: path))
            let (spool, recovery) = try fixture.open()
            #expect(recovery.damage.lostReplayTags)
            #expect(try spool.one(.acceptNothing(tag: fixture.tag(), period: SpoolFixture.period)) == .remembered)
            spool.close()
        }
    }

    @Test func damagedSegmentsCostWhatIsInThem() throws {
        let fixture = try SpoolFixture("damaged segments")
        let bodies = try filled(fixture)
        let segment = { (id: Int) in URL(fileURLWithPath: fixture.path + "/segments/\(id)") }
        // One is gone, of one the end is missing, of one the first record is overwritten.
        try FileManager.default.removeItem(at: segment(1))
        let second = try Data(contentsOf: segment(2))
        try second.prefix(2 * 32_784 + 100).write(to: segment(2))
        var third = try Data(contentsOf: segment(3))
        third[77] ^= 1
        try third.write(to: segment(3))
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.packets == 4 + 2 + 1)
        #expect(!recovery.damage.lostReplayTags)
        #expect(recovery.packets.map(\.id.number) == [5, 6, 10, 11, 12])
        for packet in recovery.packets { #expect(try spool.readPacket(packet.id) == bodies[packet.id]) }
        #expect(spool.statistics.packets == 5)
        spool.close()
        #expect(try fixture.open().recovery.damage.isEmpty)
    }

    @Test func aSegmentWithNothingLeftIsSetAside() throws {
        let fixture = try SpoolFixture("lost segment")
        _ = try filled(fixture, count: 4)
        let url = URL(fileURLWithPath: fixture.path + "/segments/1")
        try Data(fixture.body(4 * 32_784)).write(to: url)
        let (_, recovery) = try fixture.open()
        #expect(recovery.damage.packets == 4)
        #expect(recovery.damage.setAside == [url.path + ".damaged-1700000000"])
    }

    @Test func damageInTheMiddleShowsWhenRead() throws {
        let fixture = try SpoolFixture("damaged record")
        let bodies = try filled(fixture, count: 4)
        let url = URL(fileURLWithPath: fixture.path + "/segments/1")
        var data = try Data(contentsOf: url)
        data[32_784 + 5] ^= 1
        try data.write(to: url)
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.isEmpty)
        #expect(throws: SpoolError.damaged) { try spool.readPacket(PacketRowID(2)) }
        #expect(try spool.readPacket(PacketRowID(3)) == bodies[PacketRowID(3)])
        // Copying on loses it and goes on.
        #expect(
            try spool.settle(now: SpoolFixture.start + .hours(1)) { spool.statistics.copiedRecords == 3 })
        #expect(spool.statistics.damagedRecords == 1 && spool.statistics.packets == 3)
        #expect(throws: SpoolError.unknown) { try spool.readPacket(PacketRowID(2)) }
    }

    @Test func damagedSharesCanComeAgain() throws {
        let fixture = try SpoolFixture("damaged shares")
        let message = MessageID.random(using: &fixture.random)
        func part(_ index: Int) -> SpoolOperation {
            .acceptPart(
                tag: fixture.tag(), period: SpoolFixture.period,
                part: PartRow(message: message, group: 0, groups: 1, k: 2, n: 3, index: index, messageLength: 2),
                deadline: SpoolFixture.deadline, share: [UInt8(index)])
        }
        do {
            let (spool, _) = try fixture.open()
            #expect(
                try spool.performAndWait([part(0), part(1)]) == [
                    .partStored(complete: false), .partStored(complete: true),
                ])
        }
        let url = URL(fileURLWithPath: fixture.path + "/segments/1")
        try Data(contentsOf: url).prefix(32_784).write(to: url)
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.shares == 1 && recovery.completeMessages.isEmpty)
        #expect(try spool.one(part(1)) == .partStored(complete: true))
        #expect(try spool.readShares(message: message, group: 0).map(\.bytes) == [[0], [1]])
    }

    @Test func aLostFileCostsItsDeliveries() throws {
        let fixture = try SpoolFixture("lost file")
        do {
            let (spool, _) = try fixture.open()
            let file = try spool.makeFile().finish()
            _ = try spool.one(
                .addDeliveries(
                    (0..<2).map {
                        NewDelivery(
                            recipient: "box:\($0)", file: file, deadline: SpoolFixture.deadline,
                            nextAttempt: SpoolFixture.start)
                    }))
            spool.close()
            try FileManager.default.removeItem(atPath: "\(fixture.path)/files/\(file.name.hex)")
        }
        let (_, recovery) = try fixture.open()
        #expect(recovery.deliveries.isEmpty && recovery.damage.deliveries == 2)
    }
}
