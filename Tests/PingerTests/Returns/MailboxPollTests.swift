// What a poll asks, by the rules of the format: it acknowledges only what was noted, says that a mailbox was emptied only if it
// was, and no node can make it go on for ever.

import Mailboxes
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

/// A mailbox's side of a poll.
private final class ScriptedNode: MailboxAsking, @unchecked Sendable {
    var blocks: [(id: UInt64, fragment: MailFragment)] = []
    var isThere = true
    private(set) var asked: [MailboxRequest.Operation] = []
    /// What it does at a request of this number, from 0, in place of answering.
    var failures: [Int: MailboxError] = [:]
    var answers: [Int: MailboxBlock] = [:]
    /// Whether acknowledgements do anything.
    var deletes = true
    /// Gives new blocks without end.
    var isEndless = false

    var creations: Int { asked.count { if case .create = $0 { true } else { false } } }
    var acknowledged: [UInt64] {
        asked.flatMap { if case .fetch(let ids) = $0 { ids } else { [UInt64]() } }
    }

    func ask(_ operation: MailboxRequest.Operation) async throws -> MailboxBlock {
        defer { asked.append(operation) }
        if let failure = failures[asked.count] { throw failure }
        if let answer = answers[asked.count] { return answer }
        let status = MailboxStatus(
            waiting: 0, used: 0, quota: 100, expires: Timestamp(seconds: 2_000_000_000))
        switch operation {
        case .create:
            isThere = true
            return .done(status)
        case .fetch(let ids):
            guard isThere else { throw MailboxError.refused(node: "alpha", .noSuchMailbox) }
            if deletes { blocks.removeAll { ids.contains($0.id) } }
            if isEndless, let last = blocks.last { blocks.append((last.id + 1, last.fragment)) }
            guard let first = blocks.first(where: { !deletes || !ids.contains($0.id) }) else { return .empty(status) }
            return .fragment(id: first.id, first.fragment, status)
        default: return .done(status)
        }
    }
}

@Suite("A poll of an own mailbox")
struct MailboxPollTests {
    private let reader = ReturnReader(maker: SURBMaker(secret: .random()))
    private let policy = MailboxPolicy(replyToken: MailboxToken())

    /// What was noted.
    private final class Notes: @unchecked Sendable {
        var items: [UInt64] = []
        var tags: [[UInt8]] = []
        var notBefore: [Timestamp] = []
        /// Blocks that can be noted.
        var room = Int.max
    }

    private func fragment(_ number: UInt8, count: Int = 1) throws -> MailFragment {
        let id = try #require(MessageID([UInt8](repeating: number, count: 16)))
        let bytes = [UInt8](repeating: number, count: count > 1 ? MailFragment.maximumSize : 100)
        return try MailFragment(message: id, index: 0, count: count, bytes: bytes)
    }

    private func poll(
        _ node: ScriptedNode, _ notes: Notes, entry: inout MailboxBook.Entry, time: Int64 = 1000, limit: Int = 50
    ) async throws -> PollResult {
        try await MailboxPoll(clock: { Timestamp(seconds: time) }, reader: reader) { block, item, _, notBefore in
            guard notes.room > 0 else { return nil }
            notes.room -= 1
            notes.items.append(item)
            notes.notBefore.append(notBefore)
            guard case .named(let tag, _) = block else { return "foreign" }
            notes.tags.append(tag)
            return "first"
        }.run(node, policy: policy, entry: &entry, limit: limit)
    }

    @Test("makes the mailbox, takes everything, acknowledges it, and only then says that nothing is left")
    func complete() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        node.isThere = false
        node.blocks = try (1...5).map { (UInt64($0), try fragment(UInt8($0))) }
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.emptied == Timestamp(seconds: 1000) && result.failure == nil && result.counts == ["first": 5])
        #expect(notes.items == [1, 2, 3, 4, 5] && node.acknowledged == [1, 2, 3, 4, 5])
        #expect(node.blocks.isEmpty && node.creations == 1 && entry.acknowledging.isEmpty && entry.isReady)
        #expect(notes.notBefore.allSatisfy { $0 == Timestamp(milliseconds: 0) })
        // The next poll makes nothing anew, and what it finds came after this one.
        node.blocks = [(9, try fragment(9))]
        _ = try await poll(node, notes, entry: &entry, time: 2000)
        #expect(node.creations == 1 && notes.notBefore.last == Timestamp(seconds: 1000))
        #expect(entry.emptied == Timestamp(seconds: 2000))
    }

    @Test("an answer that is cut off leaves the mailbox as it is, and what was noted is acknowledged later")
    func cutOff() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        node.blocks = try (1...3).map { (UInt64($0), try fragment(UInt8($0))) }
        node.failures = [2: .unanswered(node: "alpha", "the connection has ended")]
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.emptied == nil && result.failure == .silent && entry.emptied == nil)
        #expect(notes.items == [1] && entry.acknowledging == [1])
        let second = try await poll(node, notes, entry: &entry)
        #expect(second.emptied != nil && notes.items == [1, 2, 3] && node.blocks.isEmpty)
    }

    @Test("a crash before the acknowledgement brings the same block with the same number once more")
    func crash() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        node.blocks = [(7, try fragment(7))]
        node.failures = [2: .unanswered(node: "alpha", "killed")]
        var entry = MailboxBook.Entry()
        _ = try await poll(node, notes, entry: &entry)
        var fresh = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &fresh)
        #expect(notes.items == [7, 7] && notes.tags[0] == notes.tags[1] && result.emptied != nil)
    }

    @Test("what cannot be noted stays at the node, and nothing is said to be empty")
    func noRoom() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        node.blocks = try (1...3).map { (UInt64($0), try fragment(UInt8($0))) }
        notes.room = 1
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.failure == .notStored && result.emptied == nil && node.blocks.count == 2)
        #expect(node.acknowledged == [1])
        notes.room = 10
        let second = try await poll(node, notes, entry: &entry)
        #expect(second.emptied != nil && notes.items == [1, 2, 3])
    }

    @Test("a node that never says empty is left after a bounded number of blocks")
    func endless() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        node.blocks = [(1, try fragment(1))]
        node.isEndless = true
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry, limit: 20)
        #expect(result.failure == .endless && result.emptied == nil && notes.items.count == 20)
    }

    @Test("a node that gives the same block again is left, and nothing is counted twice")
    func repeating() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        let status = MailboxStatus(waiting: 0, used: 1, quota: 1, expires: Timestamp(seconds: 0))
        let block = MailboxBlock.fragment(id: 5, try fragment(5), status)
        node.answers = [1: block, 2: block, 3: block]
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.failure == .repeating && notes.items == [5] && node.asked.count == 3)
    }

    @Test("an answer of another kind is none")
    func otherKind() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        let status = MailboxStatus(waiting: 0, used: 0, quota: 0, expires: Timestamp(seconds: 0))
        node.answers = [1: .done(status)]
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.failure == .malformed && result.emptied == nil)
        node.answers = [2: .refused(.busy)]
        #expect(try await poll(node, notes, entry: &entry).emptied == nil)
    }

    @Test("a mailbox that has expired is made anew")
    func expired() async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        var entry = MailboxBook.Entry()
        _ = try await poll(node, notes, entry: &entry)
        node.isThere = false
        entry.acknowledging = [1]
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.wasRecreated && result.emptied != nil && node.creations == 2 && entry.acknowledging.isEmpty)
    }

    @Test(
        "a node that refuses is no mailbox to send to",
        arguments: [
            (MailboxRefusal.noMailboxesHere, PollFailure.noMailboxes), (.full, .full), (.wrongTime, .wrongTime),
            (.busy, .busy), (.malformed, .malformed),
        ])
    func refusals(_ refusal: MailboxRefusal, _ failure: PollFailure) async throws {
        let (node, notes) = (ScriptedNode(), Notes())
        node.failures = [0: .refused(node: "alpha", refusal)]
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.failure == failure && !entry.isReady && result.emptied == nil)
    }

    @Test("messages of several pieces, and answers that are sealed for others, are taken out of the way")
    func foreign() async throws {
        let piece = try fragment(1, count: 2)
        #expect(reader.read(piece) == .foreign)
        var random = SeededRandom(name: #function)
        let record = try ReplyRecord(
            surb: .random(using: &random), sealedKeys: random.bytes(ReplyRecord.sealedKeysSize),
            payload: random.bytes(ReplyRecord.payloadSize))
        #expect(reader.read(record) == .named(tag: record.surb.bytes, content: nil))
        let (node, notes) = (ScriptedNode(), Notes())
        node.blocks = [(1, piece), (2, try fragment(2))]
        var entry = MailboxBook.Entry()
        let result = try await poll(node, notes, entry: &entry)
        #expect(result.counts == ["foreign": 1, "first": 1] && result.emptied != nil && node.blocks.isEmpty)
    }
}
