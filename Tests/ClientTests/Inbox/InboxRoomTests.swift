// An inbox without room: what cannot be stored or collected now keeps nothing else from being read.

import Daemon
import Foundation
import Messages
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct InboxRoomTests {
    private let bench: AnswerBench

    init() throws { bench = try AnswerBench(hops: 1) }

    /// A letter whose last part reaches the spool, and then the program is gone.
    private func completeInSpool(
        _ generator: inout SeededRandom, before end: (Inbox, MessageID) throws -> Void = { _, _ in }
    ) async throws -> [UInt8] {
        let body = AnswerBench.letter(60_000, &generator)
        let parts = try AnswerBench.parts(body)
        let k = parts[0].group.dataShares
        try await bench.withInbox { inbox in
            for part in parts.prefix(k - 1) {
                _ = try inbox.take(try bench.answer(part, to: "alice"), keys: bench.keyring)
            }
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
            try end(inbox, name)
        }
        return body
    }

    /// Takes a short answer and gives its name.
    private func takeShort(_ text: String) async throws -> MessageID {
        let record = try bench.answer(try AnswerBench.parts(Array(text.utf8))[0], to: "alice")
        let outcome = try await bench.withInbox { try $0.take(record, keys: bench.keyring).outcome }
        guard case .message(let name) = outcome else { throw User.Failure(text: "\(outcome)") }
        return name
    }

    private func receive() async throws -> ReceiveReport {
        var request = ReceiveRequest()
        request.offline = true
        request.passphrase = .none
        return try await bench.client.receive(request)
    }

    @Test func aMessageForWhichThereIsNoRoomKeepsNoOtherFromBeingRead() async throws {
        var generator = SeededRandom(name: "no room")
        let short = try await takeShort("It came.\r\n")
        // A message is there that takes all the room.
        let records = try bench.client.records()
        defer { records.close() }
        let store = bench.client.received(records)
        let record = try #require(try store.record(short))
        var large = try #require(record.file).encoded
        let length = SealedFileName.byteCount..<SealedFileName.byteCount + 8
        large.replaceSubrange(length, with: [0, 0, 0, 0, 0x40, 0, 0, 0])
        let body = try await completeInSpool(&generator)
        var full = record
        full.file = try SealedFileReference(decoding: large[...])
        #expect(full.file?.length == ReceivedStore.sizeLimit)
        let key = MessageID.random(using: &generator)
        try records.transaction { try $0.put(.receivedMessages, key.bytes, full.encoded, expires: nil) }

        let report = try await receive()
        #expect(report.messages.map(\.id).contains(short))
        #expect((report.inboxFailure as? CommandFailure)?.code == .temporary)
        #expect(report.incomplete.map(\.held) == report.incomplete.map(\.wanted) && report.incomplete.count == 1)
        // There is room again.
        try records.transaction { _ = try $0.remove(.receivedMessages, key.bytes) }
        try await bench.withInbox { #expect($0.unfinished == nil) }
        let second = try await receive()
        #expect(second.inboxFailure == nil && second.incomplete.isEmpty)
        #expect(try second.messages.map { try $0.body() }.contains(body) && second.messages.count == 2)
    }

    @Test func whatCameIsGivenWhenTheInboxDoesNotOpen() async throws {
        let short = try await takeShort("It came.\r\n")
        // Not a directory any more.
        let inbox = bench.client.places.inbox
        try FileManager.default.removeItem(atPath: inbox)
        #expect(FileManager.default.createFile(atPath: inbox, contents: Data([1])))
        let report = try await receive()
        #expect(report.messages.map(\.id) == [short] && report.inboxFailure != nil)
        try bench.client.markRead(report.messages)
        await #expect(throws: (any Error).self) { try await receive() }
    }

    @Test func aCompleteMessageWithADamagedPartIsRemoved() async throws {
        var generator = SeededRandom(name: "damaged part")
        let segments = "\(bench.client.places.inbox)/segments"
        _ = try await completeInSpool(&generator) { (inbox, name) in
            for segment in try FileManager.default.contentsOfDirectory(atPath: segments) {
                let file = try FileHandle(forUpdating: URL(filePath: "\(segments)/\(segment)"))
                try file.seek(toOffset: 100)
                try file.write(contentsOf: Data(repeating: 0, count: 16))
                try file.close()
            }
            #expect(try inbox.rebuild(name, keys: nil) == .refused(.damagedFile))
        }
        #expect(try await bench.client.incompleteMessages().isEmpty)
        #expect(try await bench.unread().isEmpty)
    }

    @Test func theOldestMessageOfWhoHasMostMakesRoom() async throws {
        var generator = SeededRandom(name: "full of incomplete messages")
        let letters = try (0..<5).map { _ in try AnswerBench.parts(AnswerBench.letter(60_000, &generator)) }
        let directory = try PrivateDirectory("\(bench.user.home)/small").path
        var configuration = SpoolConfiguration()
        configuration.maxMessages = 3
        let spool = try Spool.open(
            directory: directory, storageKey: .random(), configuration: configuration, now: AnswerBench.now
        ).spool
        let records = try bench.client.records()
        defer { records.close() }
        var limits = CollectingLimits()
        limits.messages = 3
        let seconds = Seconds()
        let inbox = try Inbox(
            spool: spool, records: records, store: bench.client.received(records), completed: [], limits: limits,
            clock: { AnswerBench.now + .seconds(seconds.next()) }, receipts: { _, _, _ in })
        defer { inbox.close() }
        func take(_ part: Part, to identity: String) throws -> InboxOutcome {
            try inbox.take(try bench.answer(part, to: identity), keys: bench.keyring).outcome
        }
        func names() throws -> Set<MessageID> { Set(try inbox.allIncomplete().map(\.id)) }
        func name(_ index: Int, _ identity: String) -> MessageID {
            CollectedMessage.name(origin: .identity(identity), message: letters[index][0].id, cut: .full)
        }
        // Bob's is the oldest, but alice has more.
        _ = try take(letters[0][0], to: "bob")
        _ = try take(letters[1][0], to: "alice")
        _ = try take(letters[2][0], to: "alice")
        guard case .part = try take(letters[3][0], to: "carol") else {
            Issue.record("no room was made")
            return
        }
        #expect(try names() == [name(0, "bob"), name(2, "alice"), name(3, "carol")])
        // What was given up is not collected anew, and drives nothing else out.
        guard case .known = try take(letters[1][1], to: "alice") else {
            Issue.record("collected anew")
            return
        }
        #expect(try names().count == 3)
    }

    @Test func whatIsSealedAndMakesNoMessageIsGivenAsItCame() async throws {
        let key = try bench.keyring.makeKey("mine", at: AnswerBench.now)
        // Every line end becomes two bytes, and the text is then longer than a body can be.
        let inside = Array("Subject: Inside\n\n".utf8) + [UInt8](repeating: 10, count: 5 << 20)
        let armored = ArmoredMessage.sealedMail(try MailSeal.seal(inside, to: key.publicKey)).encoded
        let encoded = try AnswerBench.encoded(armored, kind: .raw)
        try await bench.withInbox { inbox in
            guard case .message = try inbox.take(message: encoded, keys: bench.keyring).outcome else {
                Issue.record("not kept")
                return
            }
        }
        let messages = try await bench.unread()
        #expect(messages.map(\.key) == [nil])
        #expect(try messages.first?.body() == armored)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.client.places.received).count == 1)
    }
}

/// A clock's seconds, one more at each look.
private final class Seconds: @unchecked Sendable {
    private var count: Int64 = 0
    func next() -> Int64 {
        count += 1
        return count
    }
}
