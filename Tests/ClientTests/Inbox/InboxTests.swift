// What comes becomes messages: whole ones and parts in any order, of one identity or several, and everything that only looks
// like one.

import Foundation
import Messages
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct InboxTests {
    private let text = Array("It came.\r\n".utf8)

    @Test func aShortAnswerIsAMessage() async throws {
        let bench = try AnswerBench()
        let part = try AnswerBench.parts(text, fields: [.subject: "Thanks", .displayName: "Bob"])[0]
        let record = try bench.answer(part, to: "alice")
        let taken = try await bench.withInbox { try $0.take(record, keys: bench.keyring) }
        guard case .message(let name) = taken.outcome else {
            Issue.record("\(taken)")
            return
        }
        #expect(taken.origin == .identity("alice") && !taken.isSecondAnswer)
        let message = try #require(try await bench.unread().first)
        #expect(message.id == name && message.origin == .identity("alice") && message.kind == .mail)
        #expect(try message.body() == text && message.size == text.count)
        let head = String(decoding: message.head(), as: UTF8.self)
        #expect(head.contains("From: \"Bob (anonymous, unverified)\" <anonymous@nightjar.invalid>\r\n"), "\(head)")
        #expect(head.contains("To: \"identity alice\" <alice@identity.nightjar.invalid>\r\n"))
        #expect(head.contains("\r\nSubject: Thanks\r\n") && head.contains("\r\nX-Nightjar-Identity: alice\r\n"))
        #expect(head.hasSuffix("\r\n\r\n"))

        // Read, it is there for a while and not given again.
        try bench.client.markRead([message])
        #expect(try await bench.unread().isEmpty)
        var again = ReceiveRequest()
        again.offline = true
        again.again = true
        #expect(try await bench.client.receive(again).messages.map(\.isRead) == [true])
        // The same answer once more is nothing new.
        let repeated = try await bench.withInbox { try $0.take(record, keys: bench.keyring) }
        #expect(repeated.outcome == .known(name) && !repeated.isSecondAnswer)
    }

    @Test("any k of n parts of each group, in any order, with repetitions", arguments: [ShareCapacity.full, .injected])
    func parts(_ capacity: ShareCapacity) async throws {
        var generator = SeededRandom(name: "parts of an answer")
        let bench = try AnswerBench(hops: 1)
        let body = AnswerBench.letter(capacity.rawValue * 4, &generator)
        let parts = try AnswerBench.parts(body, capacity: capacity).shuffled(using: &generator)
        let k = parts[0].group.dataShares
        #expect(k > 2 && parts.count > k)
        var wanted = 0
        for part in parts.prefix(k - 1) {
            let record = try bench.answer(part, to: "alice")
            for _ in 0..<2 {
                // Every part is taken by a program of its own, as it were.
                let taken = try await bench.withInbox { try $0.take(record, keys: bench.keyring) }
                guard case .part(_, let held, let of) = taken.outcome else {
                    Issue.record("\(taken)")
                    return
                }
                #expect(of == k && !taken.isSecondAnswer)
                wanted = max(wanted, held)
            }
        }
        #expect(wanted == k - 1)
        #expect(try await bench.unread().isEmpty)
        let incomplete = try await bench.client.incompleteMessages()
        #expect(incomplete.map(\.held) == [k - 1] && incomplete.map(\.wanted) == [k])
        #expect(incomplete.map(\.origin) == [.identity("alice")])
        let last = try bench.answer(parts[k - 1], to: "alice")
        let taken = try await bench.withInbox { try $0.take(last, keys: bench.keyring) }
        guard case .message(let name) = taken.outcome else {
            Issue.record("\(taken)")
            return
        }
        #expect(try await bench.unread().first?.body() == body)
        #expect(try await bench.client.incompleteMessages().isEmpty)
        // A late part changes nothing.
        let late = try bench.answer(parts[k], to: "alice")
        #expect(try await bench.withInbox { try $0.take(late, keys: bench.keyring) }.outcome == .known(name))
    }

    @Test func partsToTwoIdentitiesAreNoMessage() async throws {
        var generator = SeededRandom(name: "parts to two identities")
        let bench = try AnswerBench(hops: 1)
        let parts = try AnswerBench.parts(AnswerBench.letter(60_000, &generator))
        let k = parts[0].group.dataShares
        try await bench.withInbox { inbox in
            for (index, part) in parts.prefix(k).enumerated() {
                let identity = index == 0 ? "alice" : "bob"
                let taken = try inbox.take(try bench.answer(part, to: identity), keys: bench.keyring)
                guard case .part = taken.outcome else {
                    Issue.record("\(index): \(taken)")
                    return
                }
            }
        }
        let incomplete = try await bench.client.incompleteMessages()
        #expect(Set(incomplete.map(\.origin)) == [.identity("alice"), .identity("bob")])
        #expect(Set(incomplete.map(\.held)) == [1, k - 1])
        // Each can still be completed for itself.
        let rest = try bench.answer(parts[k], to: "bob")
        let taken = try await bench.withInbox { try $0.take(rest, keys: bench.keyring) }
        guard case .message = taken.outcome else {
            Issue.record("\(taken)")
            return
        }
        #expect(try await bench.unread().map(\.origin) == [.identity("bob")])
        // What is thrown away does not come back.
        #expect(try await bench.client.purgeIncomplete(nil).count == 1)
        let repeated = try bench.answer(parts[0], to: "alice")
        guard case .known = try await bench.withInbox({ try $0.take(repeated, keys: bench.keyring) }).outcome else {
            Issue.record("taken again")
            return
        }
        #expect(try await bench.client.incompleteMessages().isEmpty)
    }

    @Test func aBlockThatIsUsedTwiceIsNoticed() async throws {
        let bench = try AnswerBench(hops: 1)
        let block = try bench.block("alice")
        let parts = try (0..<2).map { try AnswerBench.parts(Array("Answer \($0)\r\n".utf8))[0] }
        let taken = try await bench.withInbox { inbox in
            try parts.map { try inbox.take(try bench.record(.part($0), through: block), keys: bench.keyring) }
        }
        #expect(taken.map(\.isSecondAnswer) == [false, true])
        #expect(try await bench.unread().count == 2)
    }

    @Test func whatIsForeignOrDamagedIsSaid() async throws {
        let (bench, other) = (try AnswerBench(hops: 1), try AnswerBench(hops: 1))
        let part = try AnswerBench.parts(text)[0]
        let foreign = try other.answer(part, to: "alice")
        let good = try bench.answer(part, to: "alice")
        var payload = good.payload
        payload[20_000] ^= 1
        let damaged = try ReplyRecord(surb: good.surb, sealedKeys: good.sealedKeys, payload: payload)
        let (loop, sealed) = (try bench.block("alice"), try bench.block("alice"))
        let records = [
            foreign, damaged, try bench.record(.dummy(LoopID()), through: loop),
            try bench.record(.sealed([UInt8](repeating: 7, count: 500)), through: sealed),
        ]
        let outcomes = try await bench.withInbox { inbox in
            try records.map { try inbox.take($0, keys: bench.keyring).outcome }
        }
        #expect(
            outcomes == [
                .refused(.notOurs), .refused(.damaged), .refused(.malformed("content-kind")),
                .refused(.malformed("part-not-authentic")),
            ])
        #expect(try await bench.unread().isEmpty)
    }

    @Test func hostileMessagesAreRefusedAndRemembered() async throws {
        let bench = try AnswerBench(hops: 1)
        var generator = SeededRandom(name: "hostile messages")
        let good = try AnswerBench.encoded(AnswerBench.letter(5_000, &generator))
        var cases: [[UInt8]] = [[1], generator.bytes(3_000), Array(good.dropLast()), good + [0]]
        for _ in 0..<40 {
            var changed = good
            changed[Int.random(in: 0..<40, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
            cases.append(changed)
        }
        for bytes in cases where bytes != good {
            let parts = try MessageParts(bytes, id: .random(using: &generator)).flatMap { $0 }
            let record = try bench.answer(parts[0], to: "alice")
            let outcome = try await bench.withInbox { try $0.take(record, keys: bench.keyring).outcome }
            switch outcome {
            case .refused(.malformed), .refused(.wrongWay), .message: break
            default: Issue.record("\(outcome)")
            }
            if case .refused = outcome {
                let again = try await bench.withInbox { try $0.take(record, keys: bench.keyring).outcome }
                guard case .known = again else {
                    Issue.record("\(again)")
                    continue
                }
            }
        }
        // No file is left of what was refused.
        let files = try FileManager.default.contentsOfDirectory(atPath: bench.client.places.received)
        #expect(try await bench.unread().count == files.count)
    }

    @Test func receiptsComeFromExitsOnly() async throws {
        let bench = try AnswerBench(hops: 1)
        var generator = SeededRandom(name: "receipts")
        let receipt = try Receipt(message: .random(using: &generator), state: .complete([.init(.delivered, code: 250)]))
        let told = Told()
        func take(_ part: Part, to identity: String) async throws -> InboxOutcome {
            let record = try bench.answer(part, to: identity)
            return try await bench.withInbox { inbox in
                let watching = try Inbox(
                    spool: inbox.spool, records: inbox.records, store: inbox.store, completed: [], clock: inbox.clock,
                    receipts: { receipt, surb, _ in told.note(receipt, surb) })
                return try watching.take(record, keys: bench.keyring).outcome
            }
        }
        let parts = try (0..<3).map { _ in try AnswerBench.parts(receipt.encoded, kind: .receipt)[0] }
        #expect(try await take(parts[0], to: "receipts") == .receipt(receipt))
        #expect(told.receipts == [receipt] && told.surbs.count == 1)
        guard case .refused(.wrongWay) = try await take(parts[1], to: "alice") else {
            Issue.record("a correspondent wrote a receipt")
            return
        }
        guard case .refused(.wrongWay) = try await take(try AnswerBench.parts(text)[0], to: "receipts") else {
            Issue.record("an exit wrote a mail")
            return
        }
        #expect(told.receipts.count == 1)
        #expect(try await bench.unread().isEmpty)
    }

    @Test func mailboxesBringMessagesInPieces() async throws {
        let bench = try AnswerBench(hops: 1)
        var generator = SeededRandom(name: "pieces")
        let body = AnswerBench.letter(200_000, &generator)
        let encoded = try AnswerBench.encoded(body)
        let count = MailFragment.count(ofLength: encoded.count)
        let id = MessageID.random(using: &generator)
        let pieces = try (0..<count).map { index in
            let start = index * MailFragment.maximumSize
            return try MailFragment(
                message: id, index: index, count: count,
                bytes: Array(encoded[start..<min(start + MailFragment.maximumSize, encoded.count)]))
        }
        #expect(count > 4)
        let outcomes = try await bench.withInbox { inbox in
            try pieces.shuffled(using: &generator).map {
                try inbox.take($0, mailbox: "friends", keys: bench.keyring).outcome
            }
        }
        #expect(outcomes.dropLast().allSatisfy { if case .part = $0 { true } else { false } })
        let message = try #require(try await bench.unread().first)
        #expect(message.origin == .mailbox("friends"))
        #expect(try message.body() == body)
    }

    @Test func mailSealedToAKeyIsOpened() async throws {
        let bench = try AnswerBench(hops: 1)
        let key = try bench.keyring.makeKey("mine", at: AnswerBench.now)
        let inside = try SealedMailText.mail(
            fields: [.subject: "Inside", .displayName: "Carol"], body: text, enclosing: [])
        let sealed = try MailSeal.seal(inside, to: key.publicKey)
        let armored = ArmoredMessage.sealedMail(sealed).encoded
        let part = try AnswerBench.parts(armored, kind: .raw)[0]
        let record = try bench.answer(part, to: "alice")
        try await bench.withInbox { inbox in
            guard case .message = try inbox.take(record, keys: bench.keyring).outcome,
                case .message = try inbox.take(sealedMail: sealed, keys: bench.keyring).outcome
            else {
                Issue.record("not opened")
                return
            }
            let other = try KEMPrivateKey(seed: .random(count: KEM.seedSize)).publicKey
            let foreign = try MailSeal.seal(inside, to: other)
            #expect(try inbox.take(sealedMail: foreign, keys: bench.keyring).outcome == .refused(.otherKey))
        }
        let messages = try await bench.unread()
        #expect(messages.map(\.origin) == [.identity("alice"), .key("mine")])
        #expect(messages.map(\.key) == ["mine", "mine"])
        for message in messages {
            #expect(message.fields[.subject] == "Inside" && message.fields[.displayName] == "Carol")
            #expect(try message.body() == text)
        }
    }

    @Test func aSealedHeaderCannotPretend() throws {
        let texts = [
            "From: Boss <boss@example.org>\r\nReceived: x\r\nX-Nightjar-Identity: other\r\nSubject: Hi\r\n\r\nBody\r\n",
            "From: \"boss@example.org (anonymous, unverified)\" <a@b>\r\nSubject: Hi\r\n\r\nBody\r\n",
        ]
        for text in texts {
            let content = SealedMailContent(Array(text.utf8))
            #expect(content.fields == [.subject: "Hi"] && content.body == Array("Body\r\n".utf8))
        }
        let bytes: [UInt8] = [0, 13, 1, 2]
        #expect(SealedMailContent(bytes).body == bytes)
    }

    @Test("a message that was complete when the program died is finished at the next opening")
    func afterACrash() async throws {
        let bench = try AnswerBench(hops: 1)
        var generator = SeededRandom(name: "after a crash")
        let body = AnswerBench.letter(60_000, &generator)
        let parts = try AnswerBench.parts(body)
        let k = parts[0].group.dataShares
        try await bench.withInbox { inbox in
            for part in parts.prefix(k - 1) {
                _ = try inbox.take(try bench.answer(part, to: "alice"), keys: bench.keyring)
            }
            // The last one reaches the spool, and then the program is gone; so is the one that wrote half a file.
            let part = parts[k - 1]
            let name = CollectedMessage.name(origin: .identity("alice"), message: part.id, cut: .full)
            let row = PartRow(
                message: name, group: 0, groups: 1, k: k, n: part.group.totalShares, index: part.index,
                messageLength: part.layout.messageLength)
            let results = try inbox.spool.performAndWait([
                .acceptPart(
                    tag: ReplayTag(), period: KeyPeriod(0), part: row, deadline: AnswerBench.now + .days(1),
                    share: part.share)
            ])
            #expect(results == [.partStored(complete: true)])
            let orphan = try inbox.store.folder().makeFile()
            _ = try orphan.finish()
        }
        try await bench.withInbox { _ in }
        #expect(try await bench.unread().map { try $0.body() } == [body])
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.client.places.received).count == 1)
    }
}

/// Collects receipts.
private final class Told: @unchecked Sendable {
    private(set) var receipts: [Receipt] = []
    private(set) var surbs: [SURBID] = []
    func note(_ receipt: Receipt, _ surb: SURBID?) {
        receipts.append(receipt)
        if let surb { surbs.append(surb) }
    }
}
