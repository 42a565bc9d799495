import Exits
import Foundation
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("Mail that arrives", .timeLimit(.minutes(2)))
struct MailDoorTests {
    static func mail(_ text: String, id: String = "1", subject: String = "hello") -> [UInt8] {
        Array(
            "Message-ID: <\(id)@example.org>\r\nFrom: Bob <bob@example.org>\r\nSubject: \(subject)\r\n\r\n\(text)\r\n"
                .utf8)
    }

    @Test("the dialogue says who is known, who has room and what is too large; 250 means sealed and on the disk")
    func dialogue() async throws {
        var random = SeededRandom(name: "dialogue")
        let stage = try await NymserverStage(
            try MixNetwork(),
            change: { settings in
                settings.limits.mailSize = 100_000
                settings.limits.quotaBytes = 250_000
            })
        let alice = try stage.make("alice", using: &random)
        let caller = try stage.caller()
        #expect(try caller.deliver(Self.mail("x"), to: "bob@nym.example").hasPrefix("550 5.1.1"))
        #expect(try caller.deliver(Self.mail("x"), to: "alice@other.example").hasPrefix("550 5.1.2"))
        #expect(try caller.deliver(Self.mail("x"), to: "\"a b\"@nym.example").hasPrefix("5"))
        let secret = "a secret that no disk sees \(random.next())"
        #expect(
            try caller.deliver(Self.mail(secret, subject: secret), to: "Alice+list@NYM.example").hasPrefix("250 2.0.0"))
        #expect(try caller.deliver(Self.mail(secret, subject: secret), to: "alice@nym.example").hasPrefix("250 2.0.0"))
        let long = Self.mail(String(repeating: "long\r\n", count: 20_000), id: "2")
        #expect(try caller.deliver(long, to: "alice@nym.example").hasPrefix("552 5.3.4"))
        var taken = 0
        for number in 3..<10 {
            let big = Self.mail(String(repeating: "big!\r\n", count: 15_000), id: "\(number)")
            let answer = try caller.deliver(big, to: "alice@nym.example")
            if answer.hasPrefix("250") { taken += 1 } else { #expect(answer.hasPrefix("452 4.2.2"), "\(answer)") }
        }
        #expect(taken == 2)
        for name in try FileManager.default.contentsOfDirectory(atPath: stage.directory.path) {
            let bytes = FileManager.default.contents(atPath: stage.directory.file(name)) ?? Data()
            #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(name)")
            #expect(bytes.range(of: Data("alice".utf8)) == nil, "\(name)")
        }
        // What came twice is there once.
        try stage.pass(.hours(12), to: alice)
        let mails = try alice.items(.mail).map { String(decoding: $0.content, as: UTF8.self) }
        #expect(mails.count { $0.contains(secret) } == 1)
        #expect(mails.first?.hasPrefix("Return-Path: <bob@example.org>\r\nDelivered-To: alice@nym.example\r\n") == true)
        await stage.close()
    }

    @Test("mail for postmaster and abuse goes to the operator, and is refused if nobody takes it there")
    func forOperator() async throws {
        let stage = try await NymserverStage(try MixNetwork())
        let caller = try stage.caller()
        #expect(try caller.deliver(Self.mail("spam came"), to: "abuse@nym.example").hasPrefix("250"))
        #expect(try caller.deliver(Self.mail("hello you"), to: "postmaster").hasPrefix("250"))
        #expect(stage.sink.mails.count == 2)
        #expect(stage.sink.mails.allSatisfy { $0.recipients == ["you@example.org"] && $0.sender.isEmpty })
        #expect(stage.sink.mails.first?.content.contains("spam came") == true)
        await stage.client.close()
        #expect(try caller.deliver(Self.mail("again"), to: "abuse@nym.example").hasPrefix("451 4.3.0"))
        #expect(stage.sink.mails.count == 2)
        await stage.close()
    }

    @Test("Postfix is told the same before the mail comes")
    func verdicts() async throws {
        var random = SeededRandom(name: "verdicts")
        let stage = try await NymserverStage(try MixNetwork(), change: { $0.limits.mailSize = 100_000 })
        _ = try stage.make("alice", using: &random)
        #expect(stage.door.verdict(recipient: "alice@nym.example", size: nil) == .welcome)
        #expect(stage.door.verdict(recipient: "alice@nym.example", size: 200_000) == .tooLarge(limit: 100_000))
        #expect(stage.door.verdict(recipient: "bob@nym.example", size: nil) == .unknown)
        #expect(stage.door.verdict(recipient: "server@nym.example", size: nil) == .welcome)
        #expect(stage.door.verdict(recipient: "bob@example.org", size: nil) == .elsewhere)
        #expect(stage.door.verdict(recipient: "..@nym.example", size: nil) == .unknown)
        await stage.close()
    }
}
