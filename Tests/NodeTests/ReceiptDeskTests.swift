import Messages
import Mixing
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Books of messages, receipts, questions.
@Suite("Receipts", .timeLimit(.minutes(1)))
struct ReceiptDeskTests {
    private static func id(_ fixture: ReplyFixture) -> MessageID { .random(using: &fixture.rings.generator) }

    @Test("a receipt goes when the last recipient is settled, once, and its block is erased")
    func once() async throws {
        let fixture = try ReplyFixture("receipt once")
        let desk = fixture.receipts()
        let message = Self.id(fixture)
        try desk.open(
            message,
            recipients: [("smtp:a@x.example", .queued), ("smtp:b@x.example", .queued), ("mbox:c@y", .refused)],
            block: fixture.rings.surb().encoded)
        await desk.note(message, "smtp:a@x.example", .deferred, code: 451)
        #expect(
            try desk.receipt(for: message).state
                == .complete([.init(.deferred, code: 451), .init(.queued), .init(.refused)]))
        await desk.note(message, "smtp:b@x.example", .delivered, code: 250)
        desk.drain()
        #expect(fixture.sent.count == 0)
        #expect(try fixture.records.count(.receiptBlocks) == 1)
        await desk.note(message, "smtp:a@x.example", .refused, code: 550)
        // What is final stays.
        await desk.note(message, "smtp:a@x.example", .delivered, code: 250)
        try await fixture.settle(desk)
        let packets = try fixture.packets()
        #expect(packets.count == 1)
        let receipt = try fixture.receipt(packets[0])
        #expect(receipt.message == message)
        #expect(
            receipt.state == .complete([.init(.refused, code: 550), .init(.delivered, code: 250), .init(.refused)]))
        #expect(try fixture.records.count(.receiptBlocks) == 0)
        #expect(try fixture.records.count(.receiptBooks) == 1)
        #expect(fixture.counts["receipts_sent"] == 1)
        desk.turn(now: fixture.clock.now)
        desk.drain()
        #expect(fixture.sent.count == 0)
        #expect(throws: Never.self) { try fixture.ledger.snapshot.check() }
    }

    @Test("when every recipient is refused at once the receipt goes at once")
    func allRefused() async throws {
        let fixture = try ReplyFixture("receipt refused")
        let desk = fixture.receipts()
        let message = Self.id(fixture)
        let status = DeliveryStatus(refusedFor: .recipientOptedOut)
        try desk.open(message, recipients: [("smtp:a@x.example", status)], block: fixture.rings.surb().encoded)
        try await fixture.settle(desk)
        #expect(try fixture.receipt(fixture.packets()[0]).state == .complete([.init(.declined)]))
    }

    @Test("without a block, with a bad or an expired one nothing is sent, and questions are answered")
    func withoutBlock() async throws {
        let fixture = try ReplyFixture("receipt without block")
        let desk = fixture.receipts()
        let old = try fixture.rings.surb()
        let blocks: [[UInt8]?] = [nil, [UInt8](repeating: 9, count: 7224), old.encoded]
        fixture.clock.now = old.expiry
        for block in blocks {
            let message = Self.id(fixture)
            try desk.open(message, recipients: [("smtp:a@x.example", .queued)], block: block)
            await desk.note(message, "smtp:a@x.example", .delivered, code: 250)
            #expect(try desk.receipt(for: message).state == .complete([.init(.delivered, code: 250)]))
        }
        desk.drain()
        #expect(fixture.sent.count == 0)
        #expect(fixture.counts["receipts_bad_block"] == 1 && fixture.counts["receipts_expired"] == 1)
        #expect(try fixture.records.count(.receiptBlocks) == 0)
    }

    @Test("a block that expires while the mail is tried is counted and erased")
    func expiresOnTheWay() async throws {
        let fixture = try ReplyFixture("receipt expires")
        let desk = fixture.receipts()
        let message = Self.id(fixture)
        let surb = try fixture.rings.surb()
        try desk.open(message, recipients: [("smtp:a@x.example", .queued)], block: surb.encoded)
        fixture.clock.now = surb.expiry
        await desk.note(message, "smtp:a@x.example", .expired, code: 0)
        desk.drain()
        #expect(fixture.sent.count == 0 && fixture.counts["receipts_expired"] == 1)
        #expect(try fixture.records.count(.receiptBlocks) == 0)
    }

    @Test("a crash before the receipt is in the spool, or before the book knows it, sends it at the next start")
    func crashes() async throws {
        let fixture = try ReplyFixture("receipt crashes")
        let message = Self.id(fixture)
        let surb = try fixture.rings.surb()
        // As the store is after a crash between the last outcome and the receipt.
        var book = ReceiptBook(
            recipients: [("smtp:a@x.example", .queued)], isSettled: false, forget: fixture.clock.now + .days(14))
        _ = book.note("smtp:a@x.example", .delivered, code: 250)
        try fixture.records.transaction { records in
            try records.put(.receiptBooks, message.bytes, book.encoded, expires: book.forget)
            try records.put(.receiptBlocks, message.bytes, surb.encoded, expires: book.forget)
        }
        var sent: [[UInt8]] = []
        for _ in 0..<2 {
            try fixture.restart()
            let desk = fixture.receipts()
            try desk.resume()
            try await fixture.settle(desk)
            #expect(desk.isSettled(message, "smtp:a@x.example"))
            let packets = try fixture.packets()
            for packet in packets {
                #expect(try fixture.receipt(packet).state == .complete([.init(.delivered, code: 250)]))
                sent.append(packet.packet)
            }
            // A crash right after the packet was stored: the block and the open book are still there.
            if sent.count == 1 {
                try fixture.records.transaction { records in
                    try records.put(.receiptBooks, message.bytes, book.encoded, expires: book.forget)
                    try records.put(.receiptBlocks, message.bytes, surb.encoded, expires: book.forget)
                }
            }
        }
        // Sent twice, with one header: the first node lets one of them pass.
        #expect(sent.count == 2 && sent[0].prefix(7116) == sent[1].prefix(7116))
        try fixture.restart()
        let desk = fixture.receipts()
        try desk.resume()
        desk.drain()
        #expect(fixture.sent.count == 0)
    }

    @Test(
        "a busy spool is asked once an event, and a turn stops at the first refusal; afterwards all go, some at a time")
    func busySpool() async throws {
        let fixture = try ReplyFixture("receipt busy")
        let desk = fixture.receipts()
        let count = ReceiptDesk.maximumRetries + 6
        let surb = try fixture.rings.surb()
        fixture.spool.close()
        for _ in 0..<count {
            try desk.open(Self.id(fixture), recipients: [("smtp:a@x.example", .refused)], block: surb.encoded)
        }
        #expect(fixture.counts["receipts_delayed"] == count)
        desk.turn(now: fixture.clock.now)
        desk.drain()
        #expect(fixture.counts["receipts_delayed"] == count + 1)
        // One block is damaged meanwhile.
        let name = try #require(try fixture.records.all(.receiptBlocks).first?.name)
        try fixture.records.transaction { try $0.put(.receiptBlocks, name, [1], expires: nil) }
        try fixture.restart()
        let next = fixture.receipts()
        #expect(try next.resume() == 0)
        try await fixture.settle(next)
        #expect(fixture.sent.count <= ReceiptDesk.maximumRetries)
        next.turn(now: fixture.clock.now)
        try await fixture.settle(next)
        #expect(fixture.sent.count == count - 1)
        #expect(fixture.counts["receipts_damaged"] == 1)
    }

    @Test("books are bounded: the oldest final ones go first; they are forgotten after 14 days")
    func bounds() async throws {
        let fixture = try ReplyFixture("receipt bounds")
        let desk = fixture.receipts(limit: 4)
        var messages: [MessageID] = []
        for index in 0..<6 {
            let message = Self.id(fixture)
            try desk.open(
                message, recipients: [("smtp:a@x.example", index == 0 ? .queued : .refused)], block: nil)
            messages.append(message)
        }
        let known = try messages.map { try desk.receipt(for: $0).state != .unknown }
        #expect(known == [true, false, false, true, true, true])
        #expect(try fixture.records.count(.receiptBooks) == 4)
        #expect(fixture.counts["receipts_forgotten_early"] == 2)
        fixture.clock.now = fixture.clock.now + .days(14)
        desk.turn(now: fixture.clock.now)
        desk.drain()
        #expect(try desk.receipt(for: messages[0]).state == .unknown)
        #expect(try fixture.records.count(.receiptBooks) == 0)
    }

    @Test("a question is answered from the book, from the parts that are held, or with unknown")
    func questions() async throws {
        let fixture = try ReplyFixture("questions")
        let desk = fixture.receipts()
        let message = Self.id(fixture)
        for index in [2, 0] {
            let row = PartRow(
                message: message, group: 1, groups: 2, k: 3, n: 5, index: index, messageLength: 70 * 25_588)
            _ = try fixture.spool.performAndWait([
                .acceptPart(
                    tag: .random(using: &fixture.rings.generator), period: KeyPeriod(1), part: row,
                    deadline: fixture.clock.now + .days(1), share: [1])
            ])
        }
        func answer(_ message: MessageID) async throws -> Receipt? {
            let block = try fixture.rings.surb().encoded
            guard let shipment = try desk.answer(to: message, through: block) else { return nil }
            desk.settle(shipment, try fixture.spool.performAndWait([shipment.operation]))
            return try fixture.receipt(fixture.packets()[0])
        }
        #expect(try await answer(message)?.state == .incomplete([[], [0, 2]]))
        let stranger = Self.id(fixture)
        #expect(try await answer(stranger)?.state == .unknown)
        #expect(try desk.answer(to: message, through: nil) == nil)
        #expect(fixture.counts["status_queries_answered"] == 2 && fixture.counts["status_queries_without_block"] == 1)
    }

    @Test("a book reads back what it wrote and refuses other bytes")
    func codec() throws {
        var random = SeededRandom(name: "book codec")
        var book = ReceiptBook(
            recipients: [("smtp:a@x.example", .queued), ("box:b@y", .declined)], isSettled: false,
            forget: ReplyFixture.start)
        let first = book.note("smtp:a@x.example", .deferred, code: 451)
        let repeated = book.note("smtp:a@x.example", .deferred, code: 451)
        let foreign = book.note("smtp:z@x.example", .refused, code: 1)
        #expect(first && !repeated && !foreign)
        #expect(ReceiptBook(decoding: book.encoded) == book)
        for length in 0..<book.encoded.count { #expect(ReceiptBook(decoding: Array(book.encoded[..<length])) == nil) }
        for _ in 0..<200 { _ = ReceiptBook(decoding: random.bytes(Int.random(in: 0...60, using: &random))) }
    }
}

extension ReplyFixture {
    /// Waits until the desk has done what the spool's answers led to.
    func settle(_ desk: ReceiptDesk) async throws {
        for _ in 0..<3 {
            desk.drain()
            _ = try spool.performAndWait([.expire(now: clock.now)])
        }
        desk.drain()
    }
}
