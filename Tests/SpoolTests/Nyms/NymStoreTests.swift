import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// What a nymserver's database holds and does.
@Suite struct NymStoreTests {
    private let start = NymStoreFixture.start

    @Test func accountsAndNames() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        #expect(try store.create(NymStoreFixture.changes("x", names: ["alice"])) { _ in start } == nil)
        #expect(
            try store.account(named: "alice") == alice && store.account(named: "bob") == nil && store.accounts() == 1)
        let account = try #require(try store.account(alice))
        #expect(
            account.content == Array("alice".utf8) && account.nextSlot == start
                && account.closesOn == NymStoreFixture.day + 90)
        #expect(account.load.blocks == 3 && account.load.blocksUntil == start + .days(14) + .seconds(2))
        var changes = NymStoreFixture.changes("alice two", names: ["al"], blocks: 2, generation: 2)
        changes.wipeBlocksBefore = 2
        try store.apply(changes, to: alice, revision: account.revision)
        #expect(throws: NymStoreError.conflict) { try store.apply(changes, to: alice, revision: account.revision) }
        let now = try #require(try store.account(alice))
        #expect(now.load.blocks == 2 && now.content == Array("alice two".utf8) && now.nextSlot == start)
        #expect(try store.account(named: "al") == alice)
        // A name that is given back is given to nobody.
        var back = NymStoreFixture.changes("alice three")
        back.removeNames = ["al", "alice's?"]
        try store.apply(back, to: alice, revision: now.revision)
        #expect(try store.account(named: "al") == nil)
        #expect(try store.taken(of: ["al", "alice", "bob"]) == ["al", "alice"])
        #expect(throws: NymStoreError.conflict) {
            try store.apply(NymStoreFixture.changes("x", names: ["al"]), to: alice, revision: now.revision + 1)
        }
        #expect(try store.account(alice)?.content == Array("alice three".utf8), "undone as a whole")
        #expect(try store.ending(by: NymStoreFixture.day + 89, limit: 10).isEmpty)
        #expect(try store.ending(by: NymStoreFixture.day + 90, limit: 10) == [alice])
    }

    @Test func arrivalsKeepTheQuotaAndComeOnce() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        let bob = try fixture.create("bob")
        #expect(try store.arrive(NymStoreFixture.item(1), for: alice) == .stored(1))
        #expect(try store.arrive(NymStoreFixture.item(1), for: alice) == .duplicate)
        #expect(try store.arrive(NymStoreFixture.item(1), for: bob) == .stored(1), "to two nyms is twice")
        #expect(try store.arrive(NymStoreFixture.item(2, isWhole: false), for: alice) == .stored(2))
        #expect(try store.arrive(NymStoreFixture.item(3, items: 2), for: alice) == .full)
        #expect(try store.arrive(NymStoreFixture.item(3, bytes: 3 * 6648 - 1), for: alice) == .full)
        #expect(
            try store.arrive(NymStoreFixture.item(3, items: 3, bytes: 3 * 6648), for: alice) == .stored(3),
            "a refusal is no arrival")
        #expect(try store.arrive(NymStoreFixture.item(4), for: 99) == .noAccount)
        let load = try #require(try store.account(alice)).load
        #expect(
            load.items == 3 && load.bytes == 3 * 6648 && load.waitingItems == 3
                && load.waitingBytes == 5000 + 1648 + 5000)
        #expect(load.heldItems == 1)
        var changes = NymStoreFixture.changes("alice")
        changes.forget = [1, 77, .max]
        try store.apply(changes, to: alice, revision: 1)
        let after = try #require(try store.account(alice)).load
        #expect(after.items == 2 && after.bytes == 2 * 6648)
        #expect(throws: NymStoreError.conflict) { try store.bytes(of: 1, kind: 1, account: alice, in: 0..<1) }
        #expect(try store.expire(now: start, arrivalsBefore: NymStoreFixture.day) == 0)
        #expect(try store.arrive(NymStoreFixture.item(1), for: alice) == .duplicate)
        _ = try store.expire(now: start, arrivalsBefore: NymStoreFixture.day + 1)
        #expect(try store.arrive(NymStoreFixture.item(1), for: alice) == .stored(4))
    }

    @Test func piecesOfItems() throws {
        let fixture = try NymStoreFixture()
        let alice = try fixture.create("alice")
        var random = SeededRandom(name: "piecesOfItems")
        let size = 100_000
        #expect(try fixture.store.arrive(NymStoreFixture.item(1, size: size), for: alice) == .stored(1))
        let content = NymStoreFixture.content(1, 1, size)
        for _ in 0..<200 {
            let first = Int.random(in: 0..<size, using: &random)
            let end = Int.random(in: first...size, using: &random)
            let bytes = try fixture.store.bytes(of: 1, kind: 1, account: alice, in: UInt32(first)..<UInt32(end))
            #expect(bytes == Array(content[first..<end]))
        }
        #expect(
            try fixture.store.bytes(of: 1, kind: 2, account: alice, in: 0..<1648) == NymStoreFixture.content(1, 2, 1648)
        )
        #expect(throws: NymStoreError.conflict) {
            try fixture.store.bytes(of: 1, kind: 1, account: alice, in: 0..<UInt32(size + 1))
        }
        #expect(throws: NymStoreError.malformed) {
            try fixture.store.arrive(NewNymItem(parts: [], digest: nil, day: 1, mostItems: 9, mostBytes: 9), for: alice)
        }
    }

    @Test func aSlotIsSpentOnce() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        for number in 1...3 { _ = try store.arrive(NymStoreFixture.item(number), for: alice) }
        #expect(try store.dueSlots(start - .milliseconds(1), limit: 9).isEmpty && store.nextSlot() == start)
        let slot = try #require(try store.dueSlots(start, limit: 9).first)
        let material = try fixture.material(alice)
        let block = try #require(material.block)
        #expect(material.items.map(\.state.item) == [1, 2, 3] && block.content.count == 7224 && block.generation == 1)
        #expect(block.expiry == start + .days(14), "the first to expire goes first")
        var spending = NymSpending(
            slot: slot, revision: material.account.revision, next: start + .hours(1), block: block.id,
            states: [
                NymItemState(item: 1, kind: 1, wanted: [], waiting: 0, sent: start),
                NymItemState(item: 2, kind: 1, wanted: [2], waiting: 1000),
            ], packet: NymStoreFixture.packet(1))
        let packet = try store.spendSlot(spending)
        #expect(packet != nil)
        #expect(throws: NymStoreError.conflict) { try store.spendSlot(spending) }
        // The same slot again, or a block that is spent, with a fresh revision.
        spending.revision += 1
        #expect(throws: NymStoreError.conflict) { try store.spendSlot(spending) }
        spending.slot = NymSlot(account: alice, time: start + .hours(1))
        #expect(throws: NymStoreError.conflict) { try store.spendSlot(spending) }
        let after = try fixture.material(alice)
        #expect(after.account.load.blocks == 2 && after.items.map(\.state.waiting) == [1000, 5000])
        #expect(try fixture.material(alice, limit: 1, sentBefore: start + .days(1)).items.map(\.state.item) == [2, 1])
        let waiting = try store.packets(limit: 9)
        #expect(waiting.map(\.id) == [packet] && waiting[0].packet == NymStoreFixture.packet(1))
        try store.tookPackets(waiting.map(\.id))
        #expect(try store.packets(limit: 9).isEmpty)
        try store.moveSlots([NymSlot(account: alice, time: start + .days(9))])
        #expect(try store.nextSlot() == start + .days(9) && store.dueSlots(start + .days(1), limit: 9).isEmpty)
        // Blocks that expire too early are passed over, and are erased in time.
        #expect(
            try store.material(for: alice, blockUntil: start + .days(15), sentBefore: start, limit: 1)?.block == nil)
        #expect(try store.expire(now: start + .days(15), arrivalsBefore: 0) == 2)
    }

    @Test("of each generation that is erased one block stays, and is the next to be spent")
    func farewells() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        func renew(_ generation: UInt32, until: Timestamp?, blocks: Int = 2) throws {
            var changes = NymStoreFixture.changes("alice", blocks: blocks, generation: generation)
            (changes.wipeBlocksBefore, changes.keepsBlockUntil) = (generation, until)
            try store.apply(changes, to: alice, revision: try #require(try store.account(alice)).revision)
        }
        func next() throws -> StoredNymBlock? {
            try store.material(for: alice, blockUntil: start, sentBefore: start, limit: 1)?.block
        }
        let first = try #require(try next())
        // One that expires before the slot is of no use.
        try renew(2, until: first.expiry + .milliseconds(1))
        #expect(try next()?.generation == 1 && next()?.expiry == start + .days(14) + .seconds(1))
        #expect(try store.account(alice)?.load.blocks == 3)
        for generation in 3...7 as ClosedRange<UInt32> { try renew(generation, until: start) }
        // Of four, and the stock.
        #expect(try next()?.generation == 3 && store.account(alice)?.load.blocks == 6)
        try renew(9, until: nil)
        #expect(try next()?.generation == 9 && store.account(alice)?.load.blocks == 2)
    }

    /// A block that is used twice is a replay at its first node.
    @Test func noBlockComesTwice() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        var changes = NymStoreFixture.changes("alice", blocks: 4)
        changes.addBlocks += changes.addBlocks
        try store.apply(changes, to: alice, revision: 1)
        #expect(try store.account(alice)?.load.blocks == 4, "three came at the creation")
        var material = try fixture.material(alice)
        let block = try #require(material.block)
        try store.spendSlot(
            NymSpending(
                slot: NymSlot(account: alice, time: start), revision: 2, next: start + .hours(1), block: block.id,
                states: [],
                packet: nil))
        try store.apply(changes, to: alice, revision: 3)
        material = try fixture.material(alice)
        #expect(material.account.load.blocks == 3 && material.block?.content != block.content)
        let bob = try fixture.create("bob", blocks: 0)
        try store.apply(changes, to: bob, revision: 1)
        #expect(try store.account(bob)?.load.blocks == 0)
        let new = NewNymBlock(generation: 1, expiry: start + .days(1), content: [9])
        #expect(try store.addPacket(NymStoreFixture.packet(1), through: new) != nil)
        #expect(try store.addPacket(NymStoreFixture.packet(1), through: new) == nil && store.counts().packets == 1)
        // Other keys beside the same header are the same replay.
        var other = changes.addBlocks[0]
        other.content[0] ^= 1
        other.content[7223] ^= 1
        other.content[40] ^= 1
        #expect(try store.addPacket(NymStoreFixture.packet(1), through: other) == nil)
        other.content[44] ^= 1
        #expect(try store.addPacket(NymStoreFixture.packet(1), through: other) != nil)
        _ = try store.expire(now: start + .days(62), arrivalsBefore: 0)
        #expect(try store.addPacket(NymStoreFixture.packet(1), through: new) != nil, "it would have expired anyway")
    }

    @Test func aNameTakenAndGivenBackInOneStep() throws {
        let fixture = try NymStoreFixture()
        let alice = try fixture.create("alice")
        var changes = NymStoreFixture.changes("alice", names: ["al"])
        changes.removeNames = ["al"]
        try fixture.store.apply(changes, to: alice, revision: 1)
        #expect(try fixture.store.account(named: "al") == nil && fixture.store.taken(of: ["al"]) == ["al"])
    }

    /// One bad row stops no account.
    @Test func damagedRowsAreErased() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        for number in 1...2 { _ = try store.arrive(NymStoreFixture.item(number, size: 40_000), for: alice) }
        try store.maintain { database in
            try database.execute(sql: "UPDATE block SET bytes = x'0102' WHERE id <= 2")
            try database.execute(sql: "DELETE FROM chunk WHERE item = 1 AND number = 1")
        }
        let material = try fixture.material(alice)
        #expect(material.block?.id == 3 && store.damagedRows == 2)
        #expect(try store.bytes(of: 1, kind: 1, account: alice, in: 0..<9).count == 9)
        #expect(throws: NymStoreError.conflict) { try store.bytes(of: 1, kind: 1, account: alice, in: 20_000..<20_001) }
        let after = try fixture.material(alice)
        #expect(after.items.map(\.state.item) == [2] && after.account.load.items == 1 && store.damagedRows == 3)
        #expect(after.account.load.bytes == 41_648 && after.account.revision != material.account.revision)
    }

    @Test func slotsAheadAndHeldItems() throws {
        let fixture = try NymStoreFixture()
        let alice = try fixture.create("alice", slot: start + .days(400))
        _ = try fixture.create("bob")
        #expect(
            try fixture.store.slots(after: start + .days(1), limit: 9) == [
                NymSlot(account: alice, time: start + .days(400))
            ])
        for number in 1...4 {
            _ = try fixture.store.arrive(NymStoreFixture.item(number, isWhole: number % 2 == 0), for: alice)
        }
        #expect(try fixture.store.partsOfHeld(of: alice, kind: 2, limit: 9).map(\.state.item) == [1, 3])
    }

    /// One bad mail keeps nobody else's back.
    @Test func damagedMailsAreErased() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        var changes = NymStoreFixture.changes("alice")
        changes.mails = (1...3).map { NewNymMail(content: [$0], next: start, deadline: start + .days(2)) }
        try store.apply(changes, to: alice, revision: 1)
        let kept = try #require(try store.account(alice)?.load.outgoingBytes)
        #expect(kept > 3 && kept < 1000)
        try store.maintain { try $0.execute(sql: "UPDATE mail SET bytes = x'0102' WHERE id = 1") }
        #expect(try store.dueMails(start, limit: 9).map(\.content) == [[2], [3]] && store.damagedRows == 1)
        #expect(try store.counts().mails == 2)
    }

    @Test func aDatabaseHasOneDomainAndCountsClosures() throws {
        let fixture = try NymStoreFixture()
        #expect(try fixture.store.belongs(to: "nym.example") == "nym.example")
        #expect(try fixture.store.belongs(to: "other.example") == "nym.example")
        #expect(try fixture.store.closures() == 0)
        let alice = try fixture.create("alice")
        for number in 1...2 {
            var changes = NymStoreFixture.changes("alice")
            changes.isClosure = true
            try fixture.store.apply(changes, to: alice, revision: Int64(number))
            #expect(try fixture.store.closures() == number)
        }
    }

    /// When a request came is not on the disk.
    @Test func timesOfOutgoingMailsAreHours() throws {
        let fixture = try NymStoreFixture()
        let alice = try fixture.create("alice")
        var changes = NymStoreFixture.changes("alice")
        let now = start + .milliseconds(1_234_567)
        changes.mails = [NewNymMail(content: [1], next: now, deadline: now + .days(2))]
        try fixture.store.apply(changes, to: alice, revision: 1)
        let mail = try #require(try fixture.store.dueMails(now, limit: 1).first)
        #expect(mail.next == start && mail.deadline == start + .days(2) + .hours(1))
    }

    @Test func mailsAndNotices() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice")
        var changes = NymStoreFixture.changes("alice")
        changes.mails = [NewNymMail(content: [1, 2, 3], next: start, deadline: start + .days(5))]
        try store.apply(changes, to: alice, revision: 1)
        #expect(try store.dueMails(start - .seconds(1), limit: 9).isEmpty && store.nextMail() == start)
        var mail = try #require(try store.dueMails(start, limit: 9).first)
        #expect(mail.content == [1, 2, 3] && mail.attempts == 0 && mail.account == alice)
        try store.retryMail(mail, content: [3], attempts: 1, next: start + .hours(1))
        #expect(try store.dueMails(start, limit: 9).isEmpty)
        mail = try #require(try store.dueMails(start + .hours(1), limit: 9).first)
        #expect(mail.content == [3] && mail.attempts == 1 && mail.deadline == start + .days(5))
        var notice = NymStoreFixture.item(9)
        notice.digest = nil
        #expect(try store.finishMail(mail, notice: notice) == .stored(1))
        #expect(try store.finishMail(mail, notice: notice) == nil, "a bounce comes once")
        #expect(try store.counts().mails == 0 && store.counts().items == 1)
    }

    @Test func nothingIsLeftOfAnErasedAccount() throws {
        let fixture = try NymStoreFixture()
        let store = fixture.store
        let alice = try fixture.create("alice", blocks: 20)
        let bob = try fixture.create("bob")
        var changes = NymStoreFixture.changes("the content of alice")
        changes.mails = [NewNymMail(content: [1, 2, 3], next: start, deadline: start)]
        try store.apply(changes, to: alice, revision: 1)
        for number in 1...5 {
            _ = try store.arrive(NymStoreFixture.item(number, size: 50_000), for: alice)
            _ = try store.arrive(NymStoreFixture.item(number), for: bob)
        }
        try store.erase(alice)
        #expect(
            try store.account(alice) == nil && store.account(named: "alice") == nil
                && store.taken(of: ["alice"]) == ["alice"])
        #expect(try store.create(NymStoreFixture.changes("x", names: ["alice"])) { _ in start } == nil)
        #expect(
            try store.account(bob)?.load.items == 5 && store.arrive(NymStoreFixture.item(6), for: alice) == .noAccount)
        try store.maintain { database in
            for table in ["account", "content", "block", "item", "chunk", "mail", "name"] {
                let column = table == "account" ? "id" : "account"
                let count = try Int.fetchOne(
                    database, sql: "SELECT COUNT(*) FROM \(table) WHERE \(column) = ?", arguments: [alice])
                #expect(count == 0, "\(table)")
            }
        }
        // Secure deletion: the file has none of it any more, once the log is in it.
        let piece = Data(NymStoreFixture.content(3, 1, 50_000)[20_000..<20_064])
        _ = try store.expire(now: start, arrivalsBefore: 0)
        store.close()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        #expect(bytes.range(of: piece) == nil)
        // Nothing that is sealed here is in it in the clear.
        for text in ["alice", "bob", "the content"] { #expect(bytes.range(of: Data(text.utf8)) == nil, "\(text)") }
        #expect(bytes.range(of: Data(NymStoreFixture.block("bob 1 0").prefix(64))) == nil, "a block in the clear")
    }
}
