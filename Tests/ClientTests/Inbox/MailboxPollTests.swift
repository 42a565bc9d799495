// What a poll asks: the same number of requests whatever comes, acknowledgements only of what is safe, and never more than
// that after a failure.

import Foundation
import Mailboxes
import Messages
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

/// A mailbox's side of a poll, by the rules of the format: the oldest block that is not acknowledged.
private final class ScriptedNode: MailboxAsking, @unchecked Sendable {
    var blocks: [(id: UInt64, record: ReplyRecord)]
    private(set) var asked: [MailboxRequest.Operation] = []
    /// Fails at this request.
    var failsAt: Int?

    init(_ blocks: [(id: UInt64, record: ReplyRecord)]) { self.blocks = blocks }

    private var status: MailboxStatus {
        MailboxStatus(
            waiting: UInt32(max(0, blocks.count - 1)), used: UInt32(blocks.count), quota: 100,
            expires: Timestamp(seconds: 2_000_000_000))
    }

    func ask(_ operation: MailboxRequest.Operation) async throws -> MailboxBlock {
        if asked.count == failsAt { throw MailboxError.unanswered(node: "alpha", "silent") }
        asked.append(operation)
        guard case .fetch(let ids) = operation else { return .done(status) }
        blocks.removeAll { ids.contains($0.id) }
        guard let first = blocks.first else { return .empty(status) }
        return .reply(id: first.id, first.record, status)
    }
}

@Suite(.serialized, .timeLimit(.minutes(5)))
struct MailboxPollTests {
    private let bench: AnswerBench
    private let box: OwnMailbox

    init() throws {
        bench = try AnswerBench(hops: 1)
        var generator = SystemRandomNumberGenerator()
        var box = try OwnMailbox.new(
            name: "default", network: "testing", node: .random(using: &generator), nodeName: "alpha",
            at: AnswerBench.now, using: &generator)
        box.noteSent(box.policy)
        self.box = box
    }

    private func records(_ count: Int) throws -> [(id: UInt64, record: ReplyRecord)] {
        try (0..<count).map { index in
            let part = try AnswerBench.parts(Array("Answer \(index)\r\n".utf8))[0]
            return (UInt64(index + 1), try bench.answer(part, to: "alice"))
        }
    }

    private func poll(
        _ node: ScriptedNode, _ box: OwnMailbox? = nil, blocks: Int, state: inout MailboxRecord,
        take: ((MailboxBlock) throws -> Taken)? = nil
    ) async throws -> PollResult {
        let records = try bench.client.records()
        defer { records.close() }
        let inbox = try await bench.client.openInbox(records)
        defer { inbox.close() }
        return await MailboxPoller.run(
            node, box ?? self.box, blocks: blocks, state: &state, beat: .zero,
            take: take ?? { block in
                guard case .reply(_, let record, _) = block else { throw User.Failure(text: "no answer") }
                return try inbox.take(record, keys: bench.keyring)
            })
    }

    @Test("as many requests without mail as with", arguments: [0, 1, 3, 8, 20])
    func constant(_ waiting: Int) async throws {
        let node = ScriptedNode(try records(waiting))
        var state = MailboxRecord()
        let result = try await poll(node, blocks: 8, state: &state)
        #expect(node.asked.count == 8 && result.answers == 8 && result.failure == nil)
        #expect(result.messages.count == min(waiting, 8))
        #expect(try await bench.unread().count == min(waiting, 8))
        // A full poll leaves its last block to be acknowledged by the next.
        #expect(state.acknowledging == (waiting >= 8 ? [8] : []))
        _ = try await poll(node, blocks: 8, state: &state)
        #expect(node.asked.count == 16)
        #expect(try await bench.unread().count == min(waiting, 16))
    }

    @Test func whatIsNotSafeIsNotAcknowledged() async throws {
        let node = ScriptedNode(try records(5))
        var state = MailboxRecord()
        var count = 0
        let take: (MailboxBlock) throws -> Taken = { _ in
            count += 1
            if count == 3 { throw User.Failure(text: "no room") }
            return Taken(outcome: .known(MessageID()))
        }
        let result = try await poll(node, blocks: 8, state: &state, take: take)
        #expect(result.failure is User.Failure)
        #expect(node.asked.count == 8, "a poll that fails here looks like any other")
        #expect(count == 3, "a block is tried once in a poll")
        #expect(node.blocks.map(\.id) == [3, 4, 5] && state.acknowledging.isEmpty)
        // There is room again: the rest comes.
        let second = try await poll(node, blocks: 8, state: &state)
        #expect(second.messages.count == 3 && node.blocks.isEmpty)
    }

    @Test func aBlockThatHasToWaitDoesNotStopOthers() async throws {
        let node = ScriptedNode(try records(3))
        var state = MailboxRecord()
        var tried = 0
        let take: (MailboxBlock) throws -> Taken = { block in
            guard block.id == 1 else { return Taken(outcome: .known(MessageID())) }
            tried += 1
            // The node forgets it before it is asked the next time: it was too old.
            node.blocks.removeFirst()
            throw User.Failure(text: "no room")
        }
        let result = try await poll(node, blocks: 8, state: &state, take: take)
        #expect(result.failure is User.Failure && tried == 1 && result.taken.count == 2)
        #expect(node.asked.count == 8 && node.blocks.isEmpty)
        let told = node.asked.flatMap { (asked) -> [UInt64] in if case .fetch(let ids) = asked { ids } else { [] } }
        #expect(told == [2, 3], "the block that waits is not acknowledged")
    }

    @Test func aCrashBetweenStoringAndAcknowledgingBringsNothingTwice() async throws {
        let node = ScriptedNode(try records(2))
        var state = MailboxRecord()
        node.failsAt = 1
        let result = try await poll(node, blocks: 8, state: &state)
        #expect(result.messages.count == 1 && result.failure is MailboxError)
        // What was to be acknowledged is forgotten, as by a crash.
        state = MailboxRecord()
        node.failsAt = nil
        let second = try await poll(node, blocks: 8, state: &state)
        #expect(second.taken.count == 2 && second.messages.count == 1)
        #expect(try await bench.unread().count == 2 && node.blocks.isEmpty)
    }

    @Test func whatCannotBeReadDoesNotStayInTheWay() async throws {
        let other = try AnswerBench(hops: 1)
        let foreign = try other.answer(try AnswerBench.parts(Array("x\r\n".utf8))[0], to: "alice")
        let node = ScriptedNode([(9, foreign)] + (try records(1)))
        var state = MailboxRecord()
        let result = try await poll(node, blocks: 4, state: &state)
        #expect(result.taken.map(\.outcome).first == .refused(.notOurs) && result.messages.count == 1)
        #expect(node.blocks.isEmpty && node.asked.count == 4)
    }

    @Test func aChangedPolicyTakesThePlaceOfARequest() async throws {
        let node = ScriptedNode(try records(1))
        var box = box
        box.changePolicy { $0.introducedOnly = true }
        var state = MailboxRecord()
        let result = try await poll(node, box, blocks: 4, state: &state)
        // It is noted when all the requests are made, so that a keyring that does not open changes nothing of them.
        #expect(node.asked.count == 4 && node.asked.first == .configure(box.policy) && result.sentPolicy == box.policy)
        #expect(result.messages.count == 1)
    }

    @Test func theStateOfAMailboxIsKept() async throws {
        let records = try bench.client.records()
        defer { records.close() }
        #expect(try MailboxRecord.load(box.id, from: records) == MailboxRecord())
        var state = MailboxRecord()
        state.polled = Timestamp(milliseconds: 5_000)
        state.status = MailboxStatus(waiting: 1, used: 2, quota: 3, expires: Timestamp(milliseconds: 7_000))
        state.acknowledging = [3, .max]
        try state.save(box.id, in: records)
        #expect(try MailboxRecord.load(box.id, from: records) == state)
        try MailboxRecord.forget(box.id, in: records)
        #expect(try MailboxRecord.load(box.id, from: records) == MailboxRecord())
    }
}
