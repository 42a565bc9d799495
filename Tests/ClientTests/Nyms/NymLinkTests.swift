// Two devices of one nym: keys handed over once, mails and results passed on.

import Daemon
import Directory
import Messages
import MixCrypto
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5))) struct NymLinkTests {
    @Test("the second device gets keys, mails and the results of its own requests")
    func secondDevice() async throws {
        var random = SeededRandom(name: "secondDevice")
        let first = try NymBench()
        let nym = try await first.create()
        _ = first.turn.take(at: first.now, refilling: [])
        try first.transmit()
        try await first.take(try #require(try first.server.slot(at: first.now)))

        let second = try NymBench(network: first.network, server: first.server)
        let node = try #require(first.network.node(named: "delta"))
        let (code, secret) = (try LinkSecret.random(), try LinkSecret.random())
        let giving = try link(.giving, nym.address, node.id, code, secret)
        let taking = try link(.taking, "", node.id, code, code)
        try second.keyring.add(taking)
        try first.keyring.add(giving)
        var generator = SystemRandomNumberGenerator()
        let grant = try LinkMessage.withGrant(first.keyring.grant(of: nym, first.state()), secret) {
            try LinkMessage.seal(.grant, $0, with: code, using: &generator)
        }
        let box = NymIdentity.name(Array("box".utf8))
        // Somebody else's message, and a damaged one, are nothing.
        try await second.take(linkMessage: Array(grant.dropLast()), mailbox: box)
        #expect(second.keyring.nyms().isEmpty)
        #expect(try await second.take(linkMessage: grant, mailbox: box).nyms == [nym.address])
        #expect(try !second.state().isPrimary && second.state().stage == .active)
        #expect(try second.state().device == secret.device && secret.device != first.state().device)
        // A code hands over once.
        try second.keyring.removeNym("nobody@nym.example")
        #expect(try await second.take(linkMessage: grant, mailbox: box).nyms.isEmpty)

        // A mail comes to the first, and goes on.
        let mail = NymBench.mail("both", 3000, &random)
        try first.server.deliver(mail, at: first.now)
        try await first.take(try #require(try first.server.slot(at: first.now)))
        // The second sends, by requests of its own.
        let letter = try NymMail(
            from: try #require(NymName("alice")), recipients: ["no@example.org"], content: Array("\r\nHello.\r\n".utf8))
        let own = try second.nym
        let number = try second.requests.add(.send, [.send(letter)], of: own, at: second.now) { state, number in
            state.sent.append(
                NymState.Sent(number: number, made: second.now, recipients: "no@example.org", result: nil))
        }
        _ = second.requests.transmitDue(own, at: second.now)
        for (_, body) in try second.posted() { try first.server.receive(body, at: first.now) }
        try await first.take(try #require(try first.server.slot(at: first.now)))
        _ = first.turn.take(at: first.now, refilling: [])
        let passed = try first.posted()
        // The new mailbox is not there yet, for all that the first knows. Whoever has seen the code reads nothing.
        let (before, after) = (try code.mailbox(), try secret.mailbox())
        #expect(passed.allSatisfy { $0.recipient.hasPrefix("box:\(before.hex)@") })
        #expect(passed.allSatisfy { LinkMessage.open($0.body, with: code) == nil })
        for (_, body) in passed { try await second.take(linkMessage: body, mailbox: box) }
        #expect(try second.mails() == [String(decoding: mail, as: UTF8.self)])
        #expect(try second.state().sent.first { $0.number == number }?.result?.code == NymResultCode.declined.rawValue)
        #expect(try second.state().waiting.isEmpty)
        // Once more, after a crash say, is nothing new; and nothing is passed on twice.
        for (_, body) in passed { try await second.take(linkMessage: body, mailbox: box) }
        #expect(try second.mails().count == 1)
        try await first.take(try #require(try first.server.slot(at: first.now)))
        _ = first.turn.take(at: first.now, refilling: [])
        #expect(try first.posted().isEmpty)
        // The new mailbox is there, and its device says so by a request of its own: it is written to from then on.
        let used = try #require(second.keyring.takingLinks().first)
        #expect(try used.isUsed && used.box == before && used.secret.mailbox() == after)
        try second.requests.addMoved(used, own, at: second.now)
        try second.requests.addMoved(used, own, at: second.now)
        #expect(try second.state().waiting.map(\.number) == [LinkSecret.firstNumber])
        _ = second.requests.transmitDue(own, at: second.now)
        for (_, body) in try second.posted() { try first.server.receive(body, at: first.now) }
        try first.server.deliver(NymBench.mail("later", 300, &random), at: first.now)
        try await first.take(try #require(try first.server.slot(at: first.now)))
        #expect(first.keyring.links(of: nym.address).map(\.box) == [after])
        _ = first.turn.take(at: first.now, refilling: [])
        let later = try first.posted()
        #expect(later.count == 2 && later.allSatisfy { $0.recipient.hasPrefix("box:\(after.hex)@") })
        for (_, body) in later { try await second.take(linkMessage: body, mailbox: box) }
        #expect(try second.mails().count == 2 && second.state().waiting.isEmpty)
        #expect(try second.state().resultsSeen == number && !second.requests.mayMove(used))
        // Only the first looks after the stock.
        second.now = second.now + .days(3)
        _ = second.turn.take(at: second.now, refilling: [nym.address])
        #expect(try second.posted().isEmpty && second.state().waiting.isEmpty)
    }

    private func link(
        _ side: OwnNymLink.Side, _ address: String, _ node: NodeID, _ code: LinkSecret, _ secret: LinkSecret
    ) throws -> OwnNymLink {
        OwnNymLink(
            address: address, network: "testing", device: side == .giving ? "laptop" : "", side: side, node: node,
            nodeName: "delta", created: Timestamp(seconds: 1_800_000_000), isUsed: side == .giving,
            box: try code.mailbox(), secret: secret)
    }

    @Test("what is not of the protocol is refused where only a nym's packets come")
    func wrongWays() async throws {
        let bench = try AnswerBench()
        let name = NymIdentity.name(address: "alice@nym.example", network: "testing")
        let letter = try bench.answer(AnswerBench.parts(Array("Hello.\r\n".utf8))[0], to: name)
        let taken = try await bench.withInbox { try $0.take(letter, keys: bench.keyring) }
        guard case .refused(.wrongWay) = taken.outcome else {
            Issue.record("\(taken)")
            return
        }
        // And packets elsewhere.
        let status = NymStatus(account: try #require(NymName("alice")), day: 1)
        let packet = try NymPacket(status: status, records: []).encoded
        let stray = try bench.answer(AnswerBench.parts(packet, kind: .nym)[0], to: "default")
        let refused = try await bench.withInbox { try $0.take(stray, keys: bench.keyring) }
        guard case .refused(.wrongWay) = refused.outcome else {
            Issue.record("\(refused)")
            return
        }
        // As it is meant: one part, and nothing for people to read.
        let parts = try AnswerBench.parts(packet, kind: .nym)
        #expect(parts.count == 1)
        let good = try bench.answer(parts[0], to: name)
        let kept = try await bench.withInbox { try $0.take(good, keys: bench.keyring) }
        guard case .message = kept.outcome else {
            Issue.record("\(kept)")
            return
        }
        #expect(try await bench.unread().isEmpty)
    }
}
