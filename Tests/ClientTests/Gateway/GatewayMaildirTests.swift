// What comes goes into the Maildir once, each nym's mail into its own folder, and failures of what was sent become notices.

import Daemon
import Foundation
import Messages
import Spool
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite struct GatewayMaildirTests {
    private func mails(_ directory: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/new")) ?? []
        return names.map { (try? String(contentsOfFile: "\(directory)/new/\($0)", encoding: .utf8)) ?? "" }
    }

    @Test func everyNymHasAFolderAndAllElseIsTheInbox() async throws {
        let bench = try AnswerBench()
        let client = bench.client
        let part = try AnswerBench.parts(Array("It came.\r\n".utf8), fields: [.subject: "Thanks"])[0]
        let answer = try bench.answer(part, to: "alice")
        _ = try await bench.withInbox { try $0.take(answer, keys: bench.keyring) }
        let records = try client.records()
        defer { records.close() }
        let store = client.received(records)
        let now = client.time.clock.now()
        for (item, address) in ["al@nym.example", "al@nym.example", "bo@nym.example"].enumerated() {
            let mail = "Received: from x\r\nFrom: Carol <carol@example.org>\r\nSubject: \(item)\r\n\r\nHello\r\n"
            _ = try store.keepNymMail(Array(mail.utf8), address: address, item: UInt64(item), now: now)
        }
        let maildir = GatewayMaildir(path: client.gatewayMaildir)
        try maildir.make()
        let rounds = GatewayRounds(client: client, records: records, maildir: maildir)
        let filled = rounds.fill()
        #expect(filled.count == 4 && filled.failure == nil)
        let again = rounds.fill()
        #expect(again.count == 0 && again.failure == nil)
        let inbox = mails(maildir.path)
        #expect(inbox.count == 1 && inbox[0].contains("\nX-Nightjar-Identity: alice\n"))
        let al = mails("\(maildir.path)/.al@nym_example")
        #expect(al.count == 2 && mails("\(maildir.path)/.bo@nym_example").count == 1)
        #expect(al.allSatisfy { $0.contains("X-Nightjar-Nym: al@nym.example\nReceived: from x\nFrom: Carol") })
        let subscriptions = try String(contentsOfFile: "\(maildir.path)/subscriptions", encoding: .utf8)
        #expect(subscriptions == "al@nym_example\nbo@nym_example\n")

        // Whose mails they are is known for answers to them.
        let log = GatewayLog(records: records)
        try log.note("<1@x>", of: "bo@nym.example", now: now)
        try log.note("<1@x>", of: "al@nym.example", now: now)
        #expect(try log.nyms("<1@x>") == ["al@nym.example", "bo@nym.example"])
        #expect(try log.nyms("<2@x>") == [])

        // Killed before it was noted as read, a mail is not there twice.
        _ = try store.keepNymMail(Array("Subject: x\r\n\r\n".utf8), address: "al@nym.example", item: 9, now: now)
        let message = try #require(try store.all().first { $0.record.state == .unread })
        var options = OutputOptions()
        options.output = .maildir(try maildir.place(for: .nym("al@nym.example")))
        _ = try MessageWriter(terminal: client.terminal, options: options)
            .write([try store.message(message.name, message.record)]) { _ in }
        #expect(rounds.fill().count == 1)
        #expect(mails("\(maildir.path)/.al@nym_example").count == 3)
    }

    @Test func failuresBecomeNoticesOnce() async throws {
        let bench = try AnswerBench()
        let client = bench.client
        let records = try client.records()
        defer { records.close() }
        let now = client.time.clock.now()
        var random = SeededRandom(name: "failuresBecomeNoticesOnce")
        let message = SentMessage(
            id: .random(using: &random), network: "testing",
            recipients: ["smtp:bob@example.org", "smtp:carol@example.org", "smtp:dan@example.org"], made: now,
            deadline: now + .days(2), isReliable: false, receiptBlock: nil,
            journey: SentMessage.Journey(path: "*", copies: 1, isUrgent: false), length: 1000, exit: NodeID(), file: nil
        )
        let log = client.sentLog(records)
        let record = GatewayRecord(messageID: "<1@x>", made: now, messages: [message.id])
        try log.add([message]) { try GatewayLog.add(record, name: [1], to: $0) }
        #expect(throws: GatewayLog.Known.self) {
            try log.add([]) { try GatewayLog.add(record, name: [1], to: $0) }
        }
        let gateway = GatewayLog(records: records)
        let (isOwn, isOther) = (try gateway.isOwn("<1@x>"), try gateway.isOwn("<2@x>"))
        #expect(isOwn && !isOther)
        #expect(throws: GatewayLog.Known.self) { try gateway.vacant([1]) }
        let maildir = GatewayMaildir(path: client.gatewayMaildir)
        try maildir.make()
        let rounds = GatewayRounds(client: client, records: records, maildir: maildir)
        try rounds.notice()
        #expect(mails(maildir.path).isEmpty)
        func receipt(_ states: [(DeliveryStatus, UInt16)]) throws {
            _ = try log.update(message.id) { message, _, _ in
                message.outcomes = states.map { SentMessage.Outcome(status: $0.0, code: $0.1, heard: now) }
            }
        }
        try receipt([(.refused, 550), (.delivered, 250), (.queued, 0)])
        for _ in 0..<3 { try rounds.notice() }
        #expect(mails(maildir.path).count == 1)
        #expect(mails(maildir.path)[0].contains("Subject: Not delivered: mail to smtp:bob@example.org"))
        try receipt([(.refused, 550), (.delivered, 250), (.expired, 0)])
        for _ in 0..<3 { try rounds.notice() }
        #expect(mails(maildir.path).count == 2)
        // Nothing else is looked at any more; and it may be sent again, each time once.
        #expect(try gateway.all().map(\.record.messages) == [[]])
        let again = try gateway.vacant([1])
        #expect(again != [1])
        try log.add([]) { try GatewayLog.add(GatewayRecord(messageID: "<1@x>", made: now), name: again, to: $0) }
        #expect(throws: GatewayLog.Known.self) { try gateway.vacant([1]) }
    }
}
