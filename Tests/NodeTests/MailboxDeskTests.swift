import Directory
import Messages
import MixCrypto
import Mixing
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// What the owner of a mailbox, and somebody who is not, get for an answer.
@Suite("Mailboxes at a node")
struct MailboxDeskTests {
    private static func policy(
        introducedOnly: Bool = false, introductions: [MailboxToken] = [], using generator: inout SeededRandom
    ) -> MailboxPolicy {
        MailboxPolicy(
            introducedOnly: introducedOnly, replyToken: .random(using: &generator), introductions: introductions)
    }

    private static func record(using generator: inout SeededRandom) throws -> ReplyRecord {
        try ReplyRecord(
            surb: .random(using: &generator), sealedKeys: generator.bytes(ReplyRecord.sealedKeysSize),
            payload: generator.bytes(ReplyRecord.payloadSize))
    }

    @Test("a mailbox is made, filled, polled, emptied and deleted")
    func life() async throws {
        var generator = SeededRandom(name: "a mailbox's life")
        let fixture = try DeskFixture()
        let box = try OwnBox()
        for operation in [
            .fetch(acknowledging: []), .status, .delete, .configure(Self.policy(using: &generator)),
        ] as [MailboxRequest.Operation] {
            #expect(try await fixture.ask(box, operation) == .refused(.noSuchMailbox))
        }
        let made = try await fixture.ask(box, .create(Self.policy(using: &generator)))
        #expect(
            made
                == .done(
                    MailboxStatus(waiting: 0, used: 0, quota: 1000, expires: DeskFixture.start + .days(60))))
        let records = try (0..<3).map { _ in try Self.record(using: &generator) }
        for record in records { #expect(try await fixture.put(record, into: box) == .mailStored) }
        var acknowledged: [UInt64] = []
        for (index, record) in records.enumerated() {
            let block = try await fixture.ask(box, .fetch(acknowledging: acknowledged))
            #expect(block.record == record)
            #expect(block.status?.waiting == UInt32(2 - index) && block.status?.used == UInt32(3 - index))
            acknowledged = block.blockID.map { [$0] } ?? []
        }
        let last = try await fixture.ask(box, .fetch(acknowledging: acknowledged))
        #expect(last == .empty(MailboxStatus(waiting: 0, used: 0, quota: 1000, expires: DeskFixture.start + .days(60))))
        #expect(try await fixture.put(records[0], into: box) == .mailStored)
        #expect(try await fixture.ask(box, .status).status?.waiting == 1)
        guard case .done = try await fixture.ask(box, .delete) else {
            Issue.record("not deleted")
            return
        }
        #expect(try await fixture.ask(box, .status) == .refused(.noSuchMailbox))
        #expect(fixture.spool.statistics.mailBlocks == 0)
        #expect(fixture.count("mailbox_requests fetch") == 5 && fixture.count("mailbox_blocks fetched") == 3)
        #expect(fixture.count("mailbox_refusals noSuchMailbox") == 5)
    }

    @Test("nobody but the owner, at this node, now, gets an answer")
    func strangers() async throws {
        var generator = SeededRandom(name: "strangers at a mailbox")
        let fixture = try DeskFixture()
        let (box, other) = (try OwnBox(), try OwnBox())
        _ = try await fixture.ask(box, .create(Self.policy(using: &generator)))
        #expect(try await fixture.put(Self.record(using: &generator), into: box) == .mailStored)
        let fetch = MailboxRequest.Operation.fetch(acknowledging: [])
        // Another node's request, sent on to this one.
        let elsewhere = NodeID.random(using: &generator)
        #expect(try await fixture.ask(box.request(fetch, node: elsewhere, at: fixture.now)) == .refused(.malformed))
        // Old and early ones.
        for offset in [-601, 601] as [Int64] {
            let body = try box.request(fetch, node: fixture.node, at: fixture.now + .seconds(offset))
            #expect(try await fixture.ask(body) == .refused(.wrongTime))
        }
        // The owner's key under another's signature, and any bit changed.
        let good = try box.request(.delete, node: fixture.node, at: fixture.now)
        let forger = try other.request(.delete, node: fixture.node, at: fixture.now)
        var forged = forger
        forged.replaceSubrange(44..<76, with: good[44..<76])
        #expect(try await fixture.ask(forged) == .refused(.malformed))
        for _ in 0..<40 {
            var bent = good
            bent[Int.random(in: 0..<bent.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect([.malformed, .wrongTime].contains(try await fixture.ask(bent).refusal))
        }
        #expect(try await fixture.ask(generator.bytes(32_768)) == .refused(.malformed))
        #expect(try await fixture.ask(other, fetch) == .refused(.noSuchMailbox))
        #expect(try await fixture.ask(box, .status).status?.waiting == 1, "nothing was taken")
    }

    @Test("mailboxes and blocks are bounded")
    func quotas() async throws {
        var generator = SeededRandom(name: "mailbox quotas")
        var settings = MailboxSettings()
        settings.boxes = 2
        settings.blocksPerBox = 2
        let fixture = try DeskFixture(settings)
        let boxes = try (0..<3).map { _ in try OwnBox() }
        let policy = Self.policy(using: &generator)
        for box in boxes[..<2] { #expect(try await fixture.ask(box, .create(policy)).status?.quota == 2) }
        #expect(try await fixture.ask(boxes[2], .create(policy)) == .refused(.full))
        #expect(try await fixture.ask(boxes[0], .create(policy)).status != nil, "again is no third")
        for expected in [.mailStored, .mailStored, .mailboxFull] as [SpoolResult] {
            #expect(try await fixture.put(Self.record(using: &generator), into: boxes[0]) == expected)
        }
        #expect(try await fixture.put(Self.record(using: &generator), into: boxes[1]) == .mailStored)
    }

    @Test("what is not polled for sixty days ends, what is not fetched for twenty-eight too")
    func expiry() async throws {
        var generator = SeededRandom(name: "mailbox expiry")
        let fixture = try DeskFixture()
        let (kept, forgotten) = (try OwnBox(), try OwnBox())
        for box in [kept, forgotten] { _ = try await fixture.ask(box, .create(Self.policy(using: &generator))) }
        #expect(try await fixture.put(Self.record(using: &generator), into: kept) == .mailStored)
        let later = try Self.record(using: &generator)
        #expect(try await fixture.put(later, into: kept, release: fixture.now + .hours(1)) == .mailStored)
        #expect(try await fixture.ask(kept, .status).status?.waiting == 1, "one is not released")
        fixture.now = fixture.now + .days(27)
        _ = try await fixture.spool.perform([.expire(now: fixture.now)])
        #expect(try await fixture.ask(kept, .status).status?.waiting == 2)
        fixture.now = fixture.now + .days(1)
        _ = try await fixture.spool.perform([.expire(now: fixture.now)])
        #expect(try await fixture.ask(kept, .status).status?.waiting == 0)
        fixture.now = fixture.now + .days(32)
        _ = try await fixture.spool.perform([.expire(now: fixture.now)])
        #expect(try await fixture.ask(kept, .status).status?.quota == 1000)
        #expect(try await fixture.ask(forgotten, .status) == .refused(.noSuchMailbox))
    }

    @Test("answers need the box's token if only introduced senders are let in")
    func door() async throws {
        var generator = SeededRandom(name: "a mailbox's door")
        let fixture = try DeskFixture()
        let nickname = try #require(Nickname("Letters"))
        let mailboxes = Mailboxes(spool: fixture.spool, names: NodeNames(nickname: nickname, id: fixture.node))
        let door = ReplyDoor(mailboxes: mailboxes, addresses: { _, _, _, _ in nil })
        let (open, closed) = (try OwnBox(), try OwnBox())
        let policy = Self.policy(introducedOnly: true, using: &generator)
        _ = try await fixture.ask(open, .create(Self.policy(using: &generator)))
        _ = try await fixture.ask(closed, .create(policy))
        func verdict(_ address: String) -> DropReason? {
            let info = generator.bytes(SURBID.byteCount + ReplyRecord.sealedKeysSize) + Array(address.utf8)
            switch door.decide(
                info: info, payload: generator.bytes(ReplyRecord.payloadSize), release: fixture.now, now: fixture.now)
            {
            case .mailbox: return nil
            case .item: return .cancelled
            case .drop(let reason): return reason
            }
        }
        let other = MailboxToken.random(using: &generator)
        #expect(verdict(open.address(at: "letters")) == nil)
        #expect(verdict(open.address(at: fixture.node.hex)) == nil)
        #expect(verdict(open.address(at: "letters") + "?\(other.hex)") == nil)
        #expect(verdict(open.address(at: "elsewhere")) == .unknownMailbox)
        #expect(verdict(closed.address(at: "letters")) == .recipientRefused)
        #expect(verdict(closed.address(at: "letters") + "?\(other.hex)") == .recipientRefused)
        #expect(verdict(closed.address(at: "letters") + "?\(policy.replyToken.hex)") == nil)
        #expect(verdict(try OwnBox().address(at: "letters")) == .unknownMailbox)
        #expect(verdict("smtp:alice@example.org") == .unknownMailbox)
        #expect(verdict("nonsense") == .unknownMailbox)
        #expect(door.decide(info: [1, 2], payload: [], release: fixture.now, now: fixture.now).isDrop)
        // A change of mind takes effect at once.
        _ = try await fixture.ask(closed, .configure(Self.policy(using: &generator)))
        #expect(verdict(closed.address(at: "letters")) == nil)
    }
}

extension ReplyDoor.Verdict {
    fileprivate var isDrop: Bool {
        if case .drop = self { true } else { false }
    }
}
