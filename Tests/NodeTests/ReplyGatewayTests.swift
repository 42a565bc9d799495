import Exits
import Messages
import MixCrypto
import Mixing
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Ordinary mail in, reply blocks out.
@Suite("Reply gateway", .timeLimit(.minutes(1)))
struct ReplyGatewayTests {
    private static let recipient = "smtp:bob@outside.example"

    private static func mail(
        _ body: String = "fine, thanks", head: String = "", to address: String, sender: String = "bob@outside.example"
    ) -> LMTPMail {
        let text =
            "Received: from x by y; \(head.hashValue)\r\nFrom: Bob <bob@outside.example>\r\nTo: someone\r\n"
            + "Subject: Re: hello\r\nX-Mailer: Foo\r\n\(head)References: <a@b>\r\n <c@d>\r\n\r\n\(body)\r\n"
        return LMTPMail(sender: sender, recipients: [address], content: Array(text.utf8))
    }

    /// A message's blocks are kept; the reply address.
    private static func address(
        _ fixture: ReplyFixture, blocks: Int, pools: ReplyPools? = nil
    ) throws -> (address: String, message: MessageID) {
        let message = MessageID.random(using: &fixture.rings.generator)
        let surbs = try (0..<blocks).map { _ in try fixture.rings.surb().encoded }
        try (pools ?? fixture.pools()).keep(surbs, of: message, recipients: [recipient], now: fixture.clock.now)
        let gateway = try fixture.gateway(pools)
        let address = try #require(gateway.address(for: message, recipient: recipient, now: fixture.clock.now))
        return (address.address, message)
    }

    @Test("an answer arrives at the maker of the blocks: what a reader needs, and nothing of the way it came")
    func arrives() throws {
        let fixture = try ReplyFixture("gateway arrives")
        let (address, _) = try Self.address(fixture, blocks: 3)
        #expect(address.hasPrefix("r+") && address.hasSuffix("@reply.example") && address.utf8.count == 2 + 32 + 14)
        let gateway = try fixture.gateway()
        #expect(gateway.check(recipient: address.uppercased()).code == 250)
        let reply = gateway.deliver(Self.mail(head: "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n", to: address))
        #expect(reply.map(\.code) == [250])
        let packets = try fixture.packets()
        #expect(packets.count == 1)
        let (envelope, body) = try ReplyFixture.message([fixture.open(packets[0])])
        #expect(envelope.bodyKind == .raw && envelope.recipients == [.drop])
        #expect(
            String(decoding: body, as: UTF8.self)
                == "From: Bob <bob@outside.example>\r\nSubject: Re: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
                + "References: <a@b>\r\n <c@d>\r\n\r\nfine, thanks\r\n")
        // The used block is erased, the other two are there for more answers.
        #expect(try fixture.records.count(.replyBlocks) == 2)
        #expect(gateway.deliver(Self.mail("and one more thing", to: address)).map(\.code) == [250])
        #expect(try fixture.records.count(.replyBlocks) == 1)
        #expect(throws: Never.self) { try fixture.ledger.snapshot.check() }
    }

    @Test("a long answer uses as many blocks as it has parts; one that is too long is told how long it may be")
    func long() throws {
        let fixture = try ReplyFixture("gateway long")
        var random = SeededRandom(name: "gateway long text")
        // Does not compress.
        func text(_ count: Int) -> String {
            Base64.lines(random.bytes(count * 3 / 4)).joined(separator: "\r\n")
        }
        let (address, _) = try Self.address(fixture, blocks: 5)
        let gateway = try fixture.gateway()
        let tooLong = gateway.deliver(Self.mail(text(200_000), to: address))
        #expect(
            tooLong.map(\.code) == [552] && tooLong[0].text.contains("5 are left: it may have at most 126916 bytes"))
        #expect(try fixture.records.count(.replyBlocks) == 5)
        let body = text(90_000)
        #expect(gateway.deliver(Self.mail(body, to: address)).map(\.code) == [250])
        let packets = try fixture.packets()
        // Compressed, three parts of data and two of redundancy.
        #expect(packets.count == 5)
        let parts = try packets.map(fixture.open)
        let (_, arrived) = try ReplyFixture.message(Array(parts.suffix(3)))
        let isSame = String(decoding: arrived, as: UTF8.self).hasSuffix("\r\n\r\n\(body)\r\n")
        #expect(isSame)
        let used = gateway.deliver(Self.mail("again", to: address))
        #expect(used == [LMTPReply(550, "5.1.1", "all reply blocks of this address are used up")])
    }

    @Test("the same mail tried again gets 250 and is not sent again, also after a crash at any step")
    func again() throws {
        let fixture = try ReplyFixture("gateway again")
        let (address, message) = try Self.address(fixture, blocks: 4)
        let mail = Self.mail(to: address)
        let parsed = try #require(GatewayMail(mail.content, sender: mail.sender))
        let token = try #require(ReplyToken(address.dropFirst(2).prefix(32)))
        // A crash after the blocks were set aside: another process takes the same one.
        let pools = fixture.pools()
        guard
            case .blocks(let first) = try pools.reserve(
                parsed.digest(token), of: message, needed: 1, wanted: 1, now: fixture.clock.now)
        else { return #expect(Bool(false)) }
        try fixture.restart()
        #expect(try fixture.gateway().deliver(mail).map(\.code) == [250])
        let packets = try fixture.packets()
        #expect(packets.count == 1)
        #expect(packets[0].packet.prefix(7116) == first[0].header[...])
        // The 250 was lost: nothing new is sent.
        try fixture.restart()
        #expect(try fixture.gateway().deliver(mail).map(\.code) == [250])
        #expect(fixture.sent.count == 0)
        // A crash after the packets were stored and before the blocks were erased: the very same packet again.
        let other = Self.mail("another", to: address)
        let otherDigest = try #require(GatewayMail(other.content, sender: other.sender)).digest(token)
        _ = try fixture.pools().reserve(otherDigest, of: message, needed: 1, wanted: 1, now: fixture.clock.now)
        let gateway = try fixture.gateway()
        #expect(gateway.deliver(other).map(\.code) == [250])
        let sent = try fixture.packets()
        #expect(sent.count == 1)
        #expect(try fixture.records.count(.replyBlocks) == 2)
    }

    @Test("mail of programs and lists takes no block; notices of mail servers neither")
    func automatic() throws {
        let fixture = try ReplyFixture("gateway automatic")
        let (address, _) = try Self.address(fixture, blocks: 1)
        let gateway = try fixture.gateway()
        for head in [
            "Auto-Submitted: auto-replied\r\n", "auto-submitted:  Auto-Generated; x=y\r\n", "Precedence: bulk\r\n",
            "Precedence: List\r\n", "PRECEDENCE: junk\r\n",
        ] {
            #expect(gateway.deliver(Self.mail(head: head, to: address)).map(\.code) == [250], "\(head)")
        }
        #expect(gateway.deliver(Self.mail(to: address, sender: "")).map(\.code) == [250])
        #expect(fixture.sent.count == 0 && fixture.counts["gateway_automatic"] == 6)
        #expect(gateway.deliver(Self.mail(head: "Auto-Submitted: no\r\n", to: address)).map(\.code) == [250])
        #expect(fixture.sent.count == 1)
    }

    @Test("addresses that are unknown, used up or over are refused with the reason")
    func refusals() throws {
        let fixture = try ReplyFixture("gateway refusals")
        let (address, message) = try Self.address(fixture, blocks: 1)
        let gateway = try fixture.gateway()
        for wrong in [
            "r+\(String(repeating: "a", count: 32))@reply.example", "r+short@reply.example", "bob@reply.example",
            address.replacing("reply.example", with: "other.example"), "", "r+@reply.example",
        ] {
            #expect(gateway.check(recipient: wrong).code == 550, "\(wrong)")
        }
        let end = try #require(try fixture.pools().pool(message)).until
        fixture.clock.now = end
        #expect(gateway.check(recipient: address) == LMTPReply(550, "5.1.1", "this reply address ended on \(end)"))
        // Long after, nobody remembers.
        try fixture.records.expire(now: end + .days(29))
        #expect(gateway.check(recipient: address).text == "no such reply address")
        #expect(try fixture.records.count(.replyTokens) == 0 && fixture.records.count(.replyBlocks) == 0)
    }

    @Test("blocks that are no good are not kept, and without any there is no address")
    func badBlocks() throws {
        let fixture = try ReplyFixture("gateway bad blocks")
        let message = MessageID.random(using: &fixture.rings.generator)
        let pools = fixture.pools()
        let good = try fixture.rings.surb()
        let now = fixture.clock.now
        try pools.keep([[UInt8](repeating: 3, count: 7224)], of: message, recipients: [Self.recipient], now: now)
        try pools.keep([good.encoded], of: message, recipients: [Self.recipient], now: good.expiry)
        #expect(fixture.counts["gateway_bad_blocks"] == 1 && fixture.counts["gateway_expired_blocks"] == 1)
        #expect(try fixture.gateway().address(for: message, recipient: Self.recipient, now: now) == nil)
        // The same block twice is one block.
        try pools.keep([good.encoded, good.encoded], of: message, recipients: [Self.recipient], now: now)
        #expect(try fixture.records.count(.replyBlocks) == 1)
    }

    @Test("blocks are bounded: the messages that came first lose theirs")
    func bounds() throws {
        let fixture = try ReplyFixture("gateway bounds")
        let pools = fixture.pools(limit: 4)
        let first = try Self.address(fixture, blocks: 2, pools: pools).address
        let second = try Self.address(fixture, blocks: 2, pools: pools).address
        let third = try Self.address(fixture, blocks: 2, pools: pools).address
        let gateway = try fixture.gateway(pools)
        #expect([first, second, third].map { gateway.check(recipient: $0).code } == [550, 250, 250])
        #expect(try fixture.records.count(.replyBlocks) == 4)
        #expect(fixture.counts["gateway_blocks_forgotten_early"] == 2)
        // Of two messages, the books and one address each.
        #expect(try fixture.records.count(.replyTokens) == 4)
    }

    @Test("tokens survive their spelling, pools their bytes; nothing else is read as either")
    func codecs() throws {
        var random = SeededRandom(name: "gateway codecs")
        for _ in 0..<50 {
            let message = MessageID.random(using: &random)
            let token = ReplyToken(message: message, recipient: Self.recipient, key: ReplyFixture.key)
            #expect(token.text.utf8.count == 32 && ReplyToken(token.text) == token)
            #expect(token == ReplyToken(message: message, recipient: Self.recipient, key: ReplyFixture.key))
            #expect(token != ReplyToken(message: message, recipient: "smtp:eve@x.example", key: ReplyFixture.key))
            var pool = ReplyPool(
                until: ReplyFixture.start, tokens: [token],
                expiries: (0..<5).map { ReplyFixture.start + .seconds(Int64($0)) })
            let digest = Digest.random(using: &random)
            #expect(pool.reserve(digest, needed: 2, wanted: 3, at: ReplyFixture.start - .days(1)) == [0, 1, 2])
            #expect(pool.reserve(digest, needed: 2, wanted: 3, at: ReplyFixture.start - .days(1)) == [0, 1, 2])
            #expect(
                pool.reserve(Digest.random(using: &random), needed: 3, wanted: 3, at: ReplyFixture.start - .days(1))
                    == nil)
            #expect(ReplyPool(decoding: pool.encoded) == pool)
            pool.finish(digest)
            #expect(
                ReplyPool(decoding: pool.encoded) == pool && pool.free(at: ReplyFixture.start - .days(1)) == [3, 4])
            _ = ReplyPool(decoding: random.bytes(Int.random(in: 0...200, using: &random)))
        }
        #expect(ReplyToken("short") == nil && ReplyToken(String(repeating: "1", count: 32)) == nil)
    }

    @Test("headers of hostile mail are bounded, and what is no header is body")
    func hostileHeaders() throws {
        func content(_ text: String) -> String? {
            GatewayMail(Array(text.utf8), sender: "a@b").map { String(decoding: $0.content, as: UTF8.self) }
        }
        #expect(content("") == "\r\n")
        #expect(content("From: a\nno header\nSubject: b\n\nbody") == "From: a\r\n\r\nno header\nSubject: b\n\nbody")
        #expect(
            content("Subject: a\r\nbcc: b\r\n folded\r\n\tmore\r\nDate: d\r\n\r\n") == "Subject: a\r\nDate: d\r\n\r\n")
        #expect(content("X: " + String(repeating: "x", count: GatewayMail.maximumHeader) + "\r\n\r\n") == nil)
        #expect(content("From: " + String(repeating: "x", count: GatewayMail.maximumKept) + "\r\n\r\n") == nil)
    }
}
