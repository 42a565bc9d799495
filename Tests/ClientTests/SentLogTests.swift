// The log of messages sent: records, answers, several processes at once.

import Dispatch
import Messages
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct SentLogTests {
    private let directory: TemporaryDirectory
    private let now = Timestamp(seconds: 1_700_000_000)
    private let key = SymmetricSecret.random()

    init() throws { directory = try TemporaryDirectory("nightjar-sent") }

    private func open() throws -> SentLog {
        SentLog(try RecordStore.open(path: directory.file("records.sqlite"), key: key))
    }

    private func message(
        _ random: inout SeededRandom, reliable: Bool = true, recipients: Int = 2, length: Int = 900
    ) -> SentMessage {
        SentMessage(
            id: .random(using: &random), network: "testing",
            recipients: (0..<recipients).map { "smtp:user\($0)@example.org" }, made: now, deadline: now + .hours(48),
            isReliable: reliable,
            receiptBlock: RetransmissionPlan.Block(
                surb: .random(using: &random), back: [.random(using: &random), .random(using: &random)]),
            journey: SentMessage.Journey(path: "*,alpha", copies: 3, isUrgent: true), length: length,
            exit: .random(using: &random), file: nil)
    }

    @Test func aRecordIsReadAsItWasWritten() throws {
        var random = SeededRandom(name: "sentRecord")
        var message = message(&random)
        message.stage = .queued
        message.packets = 7
        message.waiting = [QueuedRow(row: .init(3), made: now), QueuedRow(row: .init(-1), made: now + .seconds(1))]
        message.earlierIDs = [.random(using: &random)]
        message.held = SentMessage.Held(shares: 3, needed: 9)
        message.outcomes[1] = SentMessage.Outcome(status: .refused, code: 550, heard: now)
        let bytes = message.encoded
        #expect(try SentMessage(decoding: bytes) == message)
        for cut in 0..<bytes.count {
            #expect(throws: (any Error).self) { try SentMessage(decoding: Array(bytes[..<cut])) }
        }
    }

    @Test func anAnswerChangesWhatItIsAboutAndNothingElse() throws {
        var random = SeededRandom(name: "sentAnswer")
        let log = try open()
        var (first, second) = (message(&random), message(&random))
        first.stage = .queued
        second.stage = .queued
        try log.add([first, second])
        let receipt = try Receipt(
            message: first.id, state: .complete([.init(.delivered, code: 250), .init(.deferred, code: 451)]))
        #expect(try log.apply(receipt, surb: nil, at: now + .minutes(9)))
        #expect(try log.apply(receipt, surb: nil, at: now + .minutes(9)))
        var found = try #require(try log.message(first.id))
        #expect(found.outcomes.map(\.status) == [.delivered, .deferred] && found.outcomes.map(\.code) == [250, 451])
        #expect(found.stage == .queued && !found.isFinal)
        // What is final stays, though an older answer comes later.
        let late = try Receipt(message: first.id, state: .complete([.init(.queued), .init(.refused, code: 550)]))
        #expect(try log.apply(late, surb: nil, at: now + .minutes(11)))
        found = try #require(try log.message(first.id))
        #expect(found.outcomes.map(\.status) == [.delivered, .refused] && found.stage == .settled)
        #expect(try log.message(second.id) == second)
        // Answers about nothing of ours, and of a wrong shape, change nothing.
        let foreign = try Receipt(message: .random(using: &random), state: .unknown)
        #expect(try log.apply(foreign, surb: nil, at: now) == false)
        let short = try Receipt(message: second.id, state: .complete([.init(.delivered)]))
        #expect(try log.apply(short, surb: nil, at: now))
        #expect(try log.message(second.id) == second)
    }

    @Test func aMessageIsFoundUnderItsEarlierNames() throws {
        var random = SeededRandom(name: "sentNames")
        let log = try open()
        var message = message(&random, recipients: 1)
        message.stage = .queued
        try log.add([message])
        let other = MessageID.random(using: &random)
        _ = try log.update(message.id) { message, _, _ in
            message.earlierIDs.append(message.wireID)
            message.wireID = other
        }
        #expect(try log.message(other)?.id == message.id)
        #expect(try log.messages().count == 1)
        let receipt = try Receipt(message: other, state: .complete([.init(.delivered)]))
        #expect(try log.apply(receipt, surb: nil, at: now))
        #expect(try log.message(message.id)?.stage == .settled)
        #expect(try log.forget([other]).count == 1)
        #expect(try log.message(message.id) == nil)
        #expect(try log.messages().isEmpty)
    }

    @Test func messagesAreForgottenInTime() throws {
        var random = SeededRandom(name: "sentExpiry")
        let log = try open()
        try log.add([message(&random)])
        try log.expire(at: now + .days(59))
        #expect(try log.messages().count == 1)
        try log.expire(at: now + .days(60))
        #expect(try log.messages().isEmpty)
    }

    @Test func manyHandsLoseNoAnswer() async throws {
        var random = SeededRandom(name: "manyHands")
        // Eight stores over one file do what eight processes do: SQLite locks them alike.
        let messages = (0..<8).map { _ in message(&random, recipients: 8) }
        try open().add(messages)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for recipient in 0..<8 {
                let log = try open()
                let now = now
                tasks.addTask {
                    for message in messages {
                        let states = (0..<8).map { Receipt.Recipient($0 == recipient ? .delivered : .queued) }
                        try log.apply(
                            Receipt(message: message.id, state: .complete(states)), surb: nil,
                            at: now + .seconds(Int64(recipient)))
                    }
                }
            }
            try await tasks.waitForAll()
        }
        for message in try open().messages() { #expect(message.outcomes.allSatisfy { $0.status == .delivered }) }
    }
}
