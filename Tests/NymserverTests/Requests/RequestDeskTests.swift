import Daemon
import Exits
import Foundation
import MixCrypto
import NymProtocol
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("Requests of nyms", .timeLimit(.minutes(2)))
struct RequestDeskTests {
    @Test("a nym is made by a mail to server@, gets mail, acknowledges it, and closes")
    func life() async throws {
        var random = SeededRandom(name: "life")
        let stage = try await NymserverStage(try MixNetwork())
        let caller = try stage.caller()
        let alice = try NymPerson("alice", domain: NymserverStage.domain, using: &random)
        let blocks = try stage.network.blocks(30, of: alice.maker)
        let creation = try alice.request(
            [alice.creation(bits: NymserverStage.workBits), .surbs(try NymBatch(generation: 1, blocks: blocks))],
            to: stage.server)
        #expect(try caller.deliver(creation, to: "alice@nym.example").hasPrefix("550"))
        #expect(try caller.deliver(creation, to: "server@nym.example").hasPrefix("250"))
        // A copy changes nothing.
        #expect(try caller.deliver(creation, to: "server@nym.example").hasPrefix("250"))
        #expect(try stage.parts.store.accounts() == 1)
        #expect(try caller.deliver(MailDoorTests.mail("how are you"), to: "alice@nym.example").hasPrefix("250"))
        let packets = try stage.pass(.hours(3), to: alice)
        #expect((2...4).contains(packets.count))
        #expect(alice.results.map(\.code) == [.done])
        let mails = try alice.items(.mail)
        #expect(mails.count == 1 && String(decoding: mails.first?.content ?? [], as: UTF8.self).contains("how are you"))
        #expect(alice.statuses.last.map { $0.surbs == 30 - UInt32(packets.count) && $0.waitingItems == 0 } == true)
        alice.seen = 1
        let acknowledgement = try alice.request([.acknowledge(mails.map(\.item))], to: stage.server)
        #expect(try caller.deliver(acknowledgement, to: "server@nym.example").hasPrefix("250"))
        try stage.pass(.hours(2), to: alice)
        #expect(alice.statuses.last?.usedBytes == 0 && alice.results.map(\.number) == [2])
        #expect(
            try caller.deliver(alice.request([.close], to: stage.server), to: "server@nym.example").hasPrefix("250"))
        #expect(try caller.deliver(MailDoorTests.mail("late", id: "9"), to: "alice@nym.example").hasPrefix("550"))
        let expiry = ExpiryRounds(parts: stage.parts, packets: stage.packets)
        try expiry.round(at: stage.now + .hours(1))
        #expect(try stage.parts.store.accounts() == 1)
        try expiry.round(at: stage.now + .days(3))
        #expect(try stage.parts.store.counts() == NymStoreCounts())
        await stage.close()
    }

    @Test("what is no request is answered as one, and counted")
    func malformed() async throws {
        var random = SeededRandom(name: "malformed")
        let stage = try await NymserverStage(try MixNetwork())
        let caller = try stage.caller()
        let (alice, mallory) = (
            try stage.make("alice", using: &random),
            try NymPerson("alice", domain: NymserverStage.domain, using: &random)
        )
        var broken = try alice.request([.list], to: stage.server)
        broken[broken.count / 2] ^= 1
        let mails = [
            MailDoorTests.mail("no request"), broken, try mallory.request([.close], to: stage.server),
            try NymPerson("nobody", domain: NymserverStage.domain, using: &random).request([.list], to: stage.server),
            Array("\r\n-----BEGIN NIGHTJAR NYM REQUEST-----\r\n\r\n-----END NIGHTJAR NYM REQUEST-----\r\n".utf8),
        ]
        for mail in mails { #expect(try caller.deliver(mail, to: "server@nym.example") == "250 2.0.0 taken") }
        let counters = stage.parts.counters
        let kinds = ["no-text", "malformed", "not-authentic", "bad-signature", "unknown-account"]
        #expect(kinds.reduce(0) { $0 + counters.current("requests_refused", kind: $1) } == Int64(mails.count))
        #expect(counters.current("requests_done") == 1)
        #expect(try stage.parts.store.accounts() == 1)
        await stage.close()
    }

    @Test("a creation that is refused is told why, once, within a cycle, through a block of its own")
    func refusals() async throws {
        var random = SeededRandom(name: "refusals")
        let stage = try await NymserverStage(try MixNetwork())
        _ = try stage.make("alice", blocks: 0, using: &random)
        for (name, bits, code) in [
            ("alice", 4, NymResultCode.nameTaken), ("admin", 4, .nameReserved), ("carol", 0, .needsWork),
        ] {
            var person: NymPerson
            repeat {
                person = try NymPerson(name, domain: NymserverStage.domain, using: &random)
            } while bits == 0
                && ProofOfWork(nonce: 0).bits(
                    domain: NymserverStage.domain, name: person.name, key: person.signing.verificationKey) >= 4
            let blocks = try NymBatch(generation: 1, blocks: stage.network.blocks(3, of: person.maker))
            let mail = try person.request([person.creation(bits: bits), .surbs(blocks)], to: stage.server)
            // A copy is not answered.
            for _ in 0..<2 { try stage.requests.take(mail, at: stage.now) }
            let rows = try stage.parts.store.packets(limit: 10)
            #expect(rows.count == 1)
            for row in rows {
                #expect(row.packet.release >= stage.now && row.packet.release < stage.now + .hours(1))
                let packet = try #require(try stage.network.read(row.packet, person.maker))
                #expect(packet.status.results.map(\.code) == [code])
                #expect(code != .needsWork || packet.status.results.first?.bits == 4)
            }
            try stage.parts.store.tookPackets(rows.map(\.id))
        }
        #expect(try stage.parts.store.accounts() == 1)
        await stage.close()
    }

    @Test("mail as the nym reaches the outside, refusals come back as a notice, and who declined gets none")
    func sending() async throws {
        var random = SeededRandom(name: "sending")
        let stage = try await NymserverStage(
            try MixNetwork(), declines: { $0 == "carol@example.org" },
            change: { $0.retries.pauses = [.milliseconds(1)] })
        let alice = try stage.make("alice", using: &random)
        let mail = try NymMail(
            from: alice.name, displayName: "Alice",
            recipients: ["bob@example.org", "nobody@example.org", "carol@example.org", "later@example.org"],
            content: Array("Subject: greetings\r\nX-Origin: home\r\n\r\nhi\r\n".utf8))
        try stage.requests.take(alice.request([.send(mail)], to: stage.server), at: stage.now)
        let rounds = MailRounds(parts: stage.parts, client: stage.client)
        while try await rounds.round(at: stage.now) > 0, stage.sink.mails.isEmpty {}
        let sent = try #require(stage.sink.mails.first)
        #expect(sent.sender == "alice@nym.example" && sent.recipients == ["bob@example.org"])
        #expect(
            sent.content.contains("From: \"Alice\" <alice@nym.example>") && sent.content.contains("Subject: greetings"))
        #expect(!sent.content.contains("X-Origin") && !sent.content.contains("carol"))
        #expect(try stage.parts.store.counts().mails == 1)
        stage.sink.takesAll()
        while try stage.parts.store.counts().mails > 0 { _ = try await rounds.round(at: stage.now + .hours(1)) }
        #expect(stage.sink.mails.map(\.recipients) == [["bob@example.org"], ["later@example.org"]])
        func id(_ text: String) -> Substring? { text.split(separator: "\r\n").first { $0.hasPrefix("Message-ID:") } }
        #expect(id(sent.content) != nil && stage.sink.mails.allSatisfy { id($0.content) == id(sent.content) })
        try stage.pass(.hours(2), to: alice)
        #expect(alice.statuses.last?.results.last?.code == .declined)
        // Three recipients, of which two hours give one or two back.
        #expect(alice.statuses.first?.budget ?? 0 < 20)
        let notices = try alice.items(.notice).map { String(decoding: $0.content, as: UTF8.self) }
        #expect(notices.count == 1)
        #expect(notices.first?.contains("nobody@example.org") == true && notices.first?.contains("550") == true)
        #expect(notices.first?.contains("bob@") == false)
        await stage.close()
    }

    @Test("a mail that nobody takes for two days is given up, and the nym is told")
    func givenUp() async throws {
        var random = SeededRandom(name: "givenUp")
        let stage = try await NymserverStage(try MixNetwork())
        let alice = try stage.make("alice", using: &random)
        let mail = try NymMail(from: alice.name, recipients: ["later@example.org"], content: Array("\r\nhi\r\n".utf8))
        let old = stage.now - .hours(49)
        try stage.requests.take(alice.request([.send(mail)], to: stage.server), at: old)
        _ = try await MailRounds(parts: stage.parts, client: stage.client).round(at: stage.now)
        #expect(try stage.parts.store.counts().mails == 0)
        try stage.pass(.hours(2), to: alice)
        #expect(
            try alice.items(.notice).map { String(decoding: $0.content, as: UTF8.self) }.first?.contains("two days")
                == true)
        await stage.close()
    }
}
