import Foundation
import GRDB
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Mailboxes: what is put in comes out once, in order, and stays until it is acknowledged or too old.
@Suite struct SpoolMailboxTests {
    private static let start = SpoolFixture.start

    private func fixture(_ name: String) throws -> SpoolFixture {
        let fixture = try SpoolFixture(name)
        fixture.configuration.maxMailboxes = 3
        return fixture
    }

    private func block(
        _ body: [UInt8], release: Timestamp = start, expires: Timestamp = start + .days(28)
    ) -> NewMailBlock { NewMailBlock(kind: 1, release: release, expires: expires, body: body) }

    private func accept(_ body: [UInt8], _ mailbox: MailboxID, _ fixture: SpoolFixture) -> SpoolOperation {
        .acceptMail(tag: fixture.tag(), period: SpoolFixture.period, mailbox: mailbox, block: block(body))
    }

    private func mailbox(_ fixture: SpoolFixture) -> MailboxID { MailboxID.random(using: &fixture.random) }

    private func state(_ result: SpoolResult?) -> MailboxState? {
        if case .mailbox(let state)? = result { state } else { nil }
    }

    private func poll(
        _ spool: Spool, _ mailbox: MailboxID, _ ids: [UInt64] = [], now: Timestamp = start
    ) throws -> MailboxState? { state(try spool.one(.pollMailbox(mailbox, acknowledging: ids, now: now))) }

    @Test func whatIsPutInComesOutInOrder() throws {
        let fixture = try fixture("mail in order")
        let id = mailbox(fixture)
        let bodies = (0..<5).map { _ in fixture.body(30_000) }
        do {
            let (spool, _) = try fixture.open()
            #expect(try spool.mailboxPolicy(id) == nil)
            #expect(try poll(spool, id) == nil)
            let made = state(try spool.one(.createMailbox(id, policy: [1, 2, 3], quota: 10, now: Self.start)))
            #expect(made == MailboxState(blocks: 0, quota: 10, expires: Self.start + .days(60), oldest: nil))
            #expect(try spool.mailboxPolicy(id) == [1, 2, 3])
            for body in bodies { #expect(try spool.one(accept(body, id, fixture)) == .mailStored) }
            spool.close()
        }
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.isEmpty)
        #expect(spool.statistics.mailboxes == 1 && spool.statistics.mailBlocks == 5)
        for (index, body) in bodies.enumerated() {
            let number = UInt64(index + 1)
            let found = try poll(spool, id, index == 0 ? [] : [number - 1])
            #expect(found?.oldest == number && found?.blocks == 5 - index)
            let read = try spool.readMailBlock(number, of: id)
            #expect(read == StoredMailBlock(number: number, kind: 1, body: body))
            #expect(try spool.readMailBlock(number, of: id) == read, "reading takes nothing away")
        }
        #expect(try poll(spool, id, [5, 5, 9, .max])?.blocks == 0)
        #expect(throws: SpoolError.unknown) { try spool.readMailBlock(5, of: id) }
        #expect(try spool.one(accept(bodies[0], id, fixture)) == .mailStored)
        #expect(try poll(spool, id)?.oldest == 6, "numbers are not given twice")
        #expect(spool.statistics.mailBlocks == 1)
    }

    @Test func tagsAreRememberedWithWhateverBecomesOfTheBlock() throws {
        let fixture = try fixture("mail tags")
        let id = mailbox(fixture)
        let (spool, _) = try fixture.open()
        _ = try spool.one(.createMailbox(id, policy: [], quota: 1, now: Self.start))
        let first = accept(fixture.body(), id, fixture)
        #expect(try spool.one(first) == .mailStored)
        #expect(try spool.one(first) == .replay)
        let second = accept(fixture.body(), id, fixture)
        #expect(try spool.one(second) == .mailboxFull)
        #expect(try spool.one(second) == .replay)
        let third = accept(fixture.body(), mailbox(fixture), fixture)
        #expect(try spool.one(third) == .noSuchMailbox)
        #expect(try spool.one(third) == .replay)
        #expect(try poll(spool, id)?.blocks == 1)
    }

    /// Answers are dropped then: sent back, they would hold up all that their senders have for the node.
    @Test func mailboxesThatAreFullTogetherTakeNoMore() throws {
        let fixture = try fixture("mail and a full spool")
        fixture.configuration.maxMailBlocks = 2
        let id = mailbox(fixture)
        let (spool, _) = try fixture.open()
        _ = try spool.one(.createMailbox(id, policy: [], quota: 100, now: Self.start))
        #expect(try spool.one(accept(fixture.body(), id, fixture)) == .mailStored)
        #expect(try spool.one(accept(fixture.body(), id, fixture)) == .mailStored)
        let third = accept(fixture.body(), id, fixture)
        #expect(try spool.one(third) == .mailboxFull)
        #expect(spool.statistics.isNearlyFull)
        #expect(try poll(spool, id, [1])?.blocks == 1)
        #expect(try spool.one(third) == .replay)
        #expect(try spool.one(accept(fixture.body(), id, fixture)) == .mailStored)
    }

    @Test func mailboxesAreBounded() throws {
        let fixture = try fixture("mailboxes bounded")
        let ids = (0..<4).map { _ in mailbox(fixture) }
        let (spool, _) = try fixture.open()
        for (index, id) in ids.enumerated() {
            let result = try spool.one(.createMailbox(id, policy: [9], quota: 5, now: Self.start))
            #expect((state(result) != nil) == (index < 3))
        }
        #expect(try spool.one(.createMailbox(ids[0], policy: [8], quota: 6, now: Self.start)) != .full, "again")
        #expect(try spool.mailboxPolicy(ids[0]) == [8])
        #expect(state(try spool.one(.configureMailbox(ids[1], policy: [7], now: Self.start)))?.quota == 5)
        #expect(try spool.mailboxPolicy(ids[1]) == [7])
        #expect(try spool.one(.configureMailbox(ids[3], policy: [7], now: Self.start)) == .noSuchMailbox)
        for _ in 0..<2 { #expect(try spool.one(accept(fixture.body(), ids[0], fixture)) == .mailStored) }
        #expect(try spool.one(.deleteMailbox(ids[0])) == .removed(2))
        #expect(try spool.one(.deleteMailbox(ids[0])) == .noSuchMailbox)
        #expect(spool.statistics.mailboxes == 2 && spool.statistics.mailBlocks == 0)
        #expect(try state(spool.one(.createMailbox(ids[3], policy: [], quota: 5, now: Self.start))) != nil)
    }

    @Test func releaseExpiryAndUnpolledBoxes() throws {
        let fixture = try fixture("mail and time")
        let id = mailbox(fixture)
        let (spool, _) = try fixture.open()
        _ = try spool.one(.createMailbox(id, policy: [], quota: 5, now: Self.start))
        let late = block(fixture.body(), release: Self.start + .hours(2), expires: Self.start + .days(28))
        _ = try spool.one(.acceptMail(tag: fixture.tag(), period: SpoolFixture.period, mailbox: id, block: late))
        #expect(try poll(spool, id)?.blocks == 0, "not before its release")
        #expect(try poll(spool, id, now: Self.start + .hours(2))?.oldest == 1)
        #expect(try poll(spool, id, now: Self.start + .hours(2))?.expires == Self.start + .hours(2) + .days(60))
        guard case .expired(let first)? = try spool.one(.expire(now: Self.start + .days(28))) else {
            Issue.record("no expiry")
            return
        }
        #expect(first.mailBlocks == 1 && first.mailboxes == 0)
        #expect(try spool.one(accept(fixture.body(), id, fixture)) == .mailStored)
        guard case .expired(let second)? = try spool.one(.expire(now: Self.start + .hours(2) + .days(60))) else {
            Issue.record("no expiry")
            return
        }
        #expect(second.mailBlocks == 1 && second.mailboxes == 1)
        #expect(try poll(spool, id) == nil)
        #expect(spool.statistics.mailboxes == 0 && spool.statistics.mailBlocks == 0 && spool.statistics.liveBytes == 0)
    }

    @Test func deliveriesEndInMailboxes() throws {
        let fixture = try fixture("deliveries into mailboxes")
        let id = mailbox(fixture)
        let (spool, _) = try fixture.open()
        _ = try spool.one(.createMailbox(id, policy: [], quota: 3, now: Self.start))
        var file = try spool.makeFile()
        try file.append([1, 2, 3])
        let finished = try file.finish()
        let delivery = NewDelivery(
            recipient: "box:x", file: finished, deadline: SpoolFixture.deadline, nextAttempt: Self.start)
        guard case .completed(let ids)? = try spool.one(.addDeliveries([delivery, delivery])) else {
            Issue.record("no deliveries")
            return
        }
        let blocks = (0..<2).map { _ in block(fixture.body()) }
        let other = mailbox(fixture)
        func deliver(_ delivery: Int, to mailbox: MailboxID) throws -> SpoolResult? {
            try spool.one(.deliverToMailbox(ids[delivery], state: 2, mailbox: mailbox, blocks: blocks))
        }
        #expect(try deliver(0, to: other) == .noSuchMailbox)
        #expect(try deliver(0, to: id) == .mailStored)
        #expect(try deliver(0, to: id) == .mailStored, "again, but not twice")
        #expect(try deliver(1, to: id) == .mailboxFull)
        #expect(spool.statistics.deliveries == 2 && spool.statistics.mailBlocks == 2)
        for delivery in ids { #expect(try spool.one(.finishDelivery(delivery)) == .removed(1)) }
        #expect(try deliver(0, to: id) == .unknown)
        #expect(throws: SpoolError.unknown) { try spool.openFile(finished.name) }
    }

    /// Blocks are copied on like everything else, and what is damaged is lost alone.
    @Test func segmentsAreEmptiedAndDamageIsCounted() throws {
        let fixture = try fixture("mail in old segments")
        fixture.configuration.segmentBytes = 4 * 32_784
        let id = mailbox(fixture)
        let bodies = (0..<10).map { _ in fixture.body() }
        do {
            let (spool, _) = try fixture.open()
            _ = try spool.one(.createMailbox(id, policy: [4], quota: 100, now: Self.start))
            for body in bodies { _ = try spool.one(accept(body, id, fixture)) }
            let later = Self.start + .hours(2)
            #expect(try spool.settle(now: later) { spool.statistics.copiedRecords == 10 })
            for (index, body) in bodies.enumerated() {
                #expect(try spool.readMailBlock(UInt64(index + 1), of: id).body == body)
            }
            spool.close()
        }
        let segments = try FileManager.default.contentsOfDirectory(atPath: fixture.path + "/segments")
        let first = fixture.path + "/segments/" + (segments.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) }.first ?? "")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: first))
        bytes[100] ^= 1
        try bytes.write(to: URL(fileURLWithPath: first))
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.mailBlocks == 1)
        #expect(recovery.damage.summary?.contains("1 blocks of mailboxes") == true)
        #expect(spool.statistics.mailBlocks == 9)
        #expect(try poll(spool, id)?.blocks == 9)
        #expect(try spool.mailboxPolicy(id) == [4])
    }

    /// Neither the names of mailboxes nor their policies can be read on the disk.
    @Test func theDiskNamesNoMailbox() throws {
        let fixture = try fixture("mailboxes on disk")
        let id = mailbox(fixture)
        let policy = fixture.body(40)
        let (spool, _) = try fixture.open()
        _ = try spool.one(.createMailbox(id, policy: policy, quota: 5, now: Self.start))
        spool.close()
        for name in ["spool.sqlite", "spool.sqlite-wal"] {
            guard let data = FileManager.default.contents(atPath: fixture.path + "/" + name) else { continue }
            #expect(data.range(of: Data(id.bytes)) == nil && data.range(of: Data(policy)) == nil)
        }
    }

    /// A spool of format 1 is brought up to date with everything in it, also after a crash in between.
    @Test(arguments: [false, true]) func formatOneIsBroughtUp(crashedBeforeTheMark: Bool) throws {
        let fixture = try fixture("format 1")
        let bodies = (0..<3).map { _ in fixture.body() }
        let tag = fixture.tag()
        do {
            let (spool, _) = try fixture.open()
            _ = try fixture.store(bodies, in: spool)
            _ = try spool.one(.acceptNothing(tag: tag, period: SpoolFixture.period))
            spool.close()
        }
        if !crashedBeforeTheMark {
            // What was added since, taken away: exactly the tables that format 1 had.
            let database = try DatabaseQueue(path: fixture.path + "/spool.sqlite")
            try database.writeWithoutTransaction {
                try $0.execute(sql: "DROP TABLE mailbox; DROP TABLE mailblock; PRAGMA user_version = 1")
            }
        }
        let mark = URL(fileURLWithPath: fixture.path + "/spool.lock")
        try Data("nightjar spool 1\n".utf8).write(to: mark)
        let (spool, recovery) = try fixture.open()
        #expect(recovery.damage.isEmpty)
        #expect(try recovery.packets.map { try spool.readPacket($0.id) } == bodies)
        #expect(try spool.one(.acceptNothing(tag: tag, period: SpoolFixture.period)) == .replay)
        let id = mailbox(fixture)
        #expect(try state(spool.one(.createMailbox(id, policy: [], quota: 5, now: Self.start))) != nil)
        #expect(try spool.one(accept(fixture.body(), id, fixture)) == .mailStored)
        spool.close()
        #expect(try Data(contentsOf: mark) == Data("nightjar spool 2\n".utf8))
        let again = try fixture.open()
        #expect(again.recovery.packets.count == 3 && again.spool.statistics.mailBlocks == 1)
    }
}
