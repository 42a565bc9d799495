import Daemon
import Directory
import Foundation
import Messages
import MixCrypto
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram
@testable import Spool

/// Messages on their way into mailboxes: what ends them, and what a crash in between leaves.
@Suite("Mail into mailboxes")
struct MailboxPostTests {
    /// A node's spool and mailboxes, without the node.
    private final class Fixture: Sendable {
        let directory: TemporaryDirectory
        let spool: Spool
        let mailboxes: Mailboxes
        let clock = ScaledTime(origin: ScaledTime.systemTime(), scale: 1)
        private let noted = Mutex<[(recipient: String, status: DeliveryStatus)]>([])
        private let counts = Mutex<[String: Int]>([:])

        init() throws {
            directory = try TemporaryDirectory("nightjar-post")
            var configuration = SpoolConfiguration()
            configuration.maxMailboxes = 10
            (spool, _) = try Spool.open(
                directory: directory.file("spool"), storageKey: SymmetricSecret.random(),
                configuration: configuration, now: ScaledTime.systemTime())
            let node = try SigningKey.generate().verificationKey.nodeID
            guard let nickname = Nickname("node") else { throw SpoolError.malformed }
            mailboxes = Mailboxes(spool: spool, names: NodeNames(nickname: nickname, id: node))
        }

        func makePost() -> MailboxPost {
            MailboxPost(
                mailboxes: mailboxes, bodyLimit: MessageLimits.body, clock: clock,
                count: { name, kind in self.counts.withLock { $0["\(name) \(kind)", default: 0] += 1 } },
                noted: { delivery, status in self.noted.withLock { $0.append((delivery.recipient, status)) } })
        }

        func count(_ name: String) -> Int { counts.withLock { $0[name] ?? 0 } }

        func make(_ box: OwnBox, quota: Int = 100, _ policy: MailboxPolicy) async throws {
            _ = try await spool.perform([
                .createMailbox(box.id, policy: policy.encoded, quota: quota, now: clock.now())
            ])
        }

        /// A message as the reassembler leaves it, with a delivery for each recipient.
        func message(
            to boxes: [OwnBox], body: [UInt8], fields: [SenderField: String] = [:], deadline: Interval = .hours(1)
        ) async throws -> (deliveries: [PendingDelivery], encoded: [UInt8]) {
            let recipients = try boxes.map { try Address($0.address(at: "node")) }
            let envelope = try Envelope(recipients: recipients, bodyKind: .raw, fields: fields)
            let encoded = try MessageEncoder.encode(envelope, body: body)
            var file = try spool.makeFile()
            try file.append(encoded)
            let finished = try file.finish()
            let now = clock.now()
            let new = recipients.map {
                NewDelivery(
                    recipient: $0.description, file: finished, deadline: now + deadline, nextAttempt: now)
            }
            guard case .completed(let ids)? = try await spool.perform([.addDeliveries(new)]).first else {
                throw SpoolError.malformed
            }
            let deliveries = zip(ids, new).map { id, delivery in
                PendingDelivery(
                    id: id, message: MessageID(), recipient: delivery.recipient, file: finished.name,
                    deadline: delivery.deadline, release: now, attempts: 0)
            }
            return (deliveries, encoded)
        }

        /// The ends of `count` deliveries, in the order of the boxes asked for.
        func ends(_ boxes: [OwnBox]) async throws -> [DeliveryStatus] {
            let end = Date().addingTimeInterval(30)
            while spool.statistics.deliveries > 0 {
                guard Date() < end else { throw InProcessNetwork.TimedOut(found: spool.statistics.deliveries) }
                try await Task.sleep(for: .milliseconds(5))
            }
            return noted.withLock { noted in
                boxes.compactMap { box in noted.first { $0.recipient == box.address(at: "node") }?.status }
            }
        }

        func content(of box: OwnBox, blocks: Int) throws -> [UInt8] {
            try (1...blocks).flatMap {
                try MailFragment(decoding: spool.readMailBlock(UInt64($0), of: box.id).body).bytes
            }
        }
    }

    @Test("every recipient has an end of its own")
    func ends() async throws {
        var generator = SeededRandom(name: "ends of mail for mailboxes")
        let fixture = try Fixture()
        let boxes = try (0..<5).map { _ in try OwnBox() }
        let introduction = MailboxToken.random(using: &generator)
        let open = MailboxPolicy(replyToken: .random(using: &generator))
        let closed = MailboxPolicy(introducedOnly: true, replyToken: introduction)
        try await fixture.make(boxes[0], open)
        try await fixture.make(boxes[1], closed)
        try await fixture.make(boxes[2], quota: 2, open)
        try await fixture.make(
            boxes[3],
            MailboxPolicy(
                introducedOnly: true, replyToken: .random(using: &generator), introductions: [introduction]))
        let (deliveries, encoded) = try await fixture.message(
            to: boxes, body: generator.bytes(70_000), fields: [.introduction: introduction.hex])
        let post = fixture.makePost()
        await post.add(deliveries)
        #expect(
            try await fixture.ends(boxes) == [.delivered, .declined, .refused, .delivered, .refused],
            "taken; not introduced (a reply token is no introduction); full; introduced; no such box")
        #expect(fixture.spool.statistics.mailBlocks == 6)
        for box in [boxes[0], boxes[3]] {
            let isSame = try fixture.content(of: box, blocks: 3) == encoded
            #expect(isSame)
        }
        await post.stop()
        #expect(fixture.count("mailbox_blocks stored_message") == 2)
        #expect(fixture.count("deliveries_ended mailboxFull") == 1)
        #expect(fixture.count("deliveries_ended unknownMailbox") == 1)
    }

    @Test("a delivery that was put in before a crash is not put in again, whatever the policy says now")
    func crash() async throws {
        var generator = SeededRandom(name: "mail for a mailbox and a crash")
        let fixture = try Fixture()
        let box = try OwnBox()
        try await fixture.make(box, MailboxPolicy(replyToken: .random(using: &generator)))
        let (deliveries, encoded) = try await fixture.message(to: [box], body: generator.bytes(40_000))
        let blocks = try Mailboxes.blocks(
            of: MessageID(), encoded: encoded, release: fixture.clock.now(), now: fixture.clock.now())
        // As far as it had come: the blocks and the mark are there, nobody was told.
        #expect(
            try await fixture.spool.perform([
                .deliverToMailbox(deliveries[0].id, state: MailboxPost.posted, mailbox: box.id, blocks: blocks)
            ]) == [.mailStored])
        try await fixture.make(
            box, MailboxPolicy(introducedOnly: true, replyToken: .random(using: &generator)))
        let post = fixture.makePost()
        await post.resume([
            StoredDelivery(
                id: deliveries[0].id, message: MessageID(), recipient: deliveries[0].recipient,
                file: deliveries[0].file,
                deadline: deliveries[0].deadline, nextAttempt: deliveries[0].release, attempts: 0,
                state: MailboxPost.posted)
        ])
        #expect(try await fixture.ends([box]) == [.delivered])
        #expect(fixture.spool.statistics.mailBlocks == blocks.count)
        await post.stop()
    }

    @Test("past its deadline a message is given up")
    func deadline() async throws {
        var generator = SeededRandom(name: "late mail for a mailbox")
        let fixture = try Fixture()
        let box = try OwnBox()
        try await fixture.make(box, MailboxPolicy(replyToken: .random(using: &generator)))
        let (deliveries, _) = try await fixture.message(to: [box], body: [1], deadline: .seconds(-1))
        let post = fixture.makePost()
        await post.add(deliveries)
        #expect(try await fixture.ends([box]) == [.expired])
        #expect(fixture.spool.statistics.mailBlocks == 0)
        await post.stop()
    }
}
