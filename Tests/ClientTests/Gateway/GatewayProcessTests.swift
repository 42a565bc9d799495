// `nightjar gateway` as a process of its own, with a real mail program's library at its door and nodes behind it.

import Foundation
import Glibc
import Messages
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(8)))
struct GatewayProcessTests {
    /// As Thunderbird and others write it, with everything that they tell about their user.
    private static let telling = """
        Received: from laptop.home ([192.168.1.7]) by mail.home; Sat, 21 Nov 2026 06:00:00 -0500
        Message-ID: <6b1f1c2e@laptop.home>
        Date: Sat, 21 Nov 2026 06:00:00 -0500
        User-Agent: Mozilla Thunderbird
        X-Mailer: Apple Mail (2.3774.600.62)
        X-Mozilla-Draft-Info: internal/draft; vcard=0; receipt=1
        Content-Language: en-US
        From: Alice Liddell <anonymous@nightjar.invalid>
        Sender: alice@liddell.example
        Reply-To: alice@liddell.example
        Return-Path: <alice@liddell.example>
        To: bob@example.org
        Cc: Carol <carol@example.org>
        Bcc: dave@example.org
        Organization: Liddell Ltd.
        Disposition-Notification-To: Alice <alice@liddell.example>
        Return-Receipt-To: alice@liddell.example
        Autocrypt: addr=alice@liddell.example; keydata=AAAA
        OpenPGP: id=0123456789ABCDEF
        X-Originating-IP: 192.168.1.7
        X-Face: liddell
        List-Unsubscribe: <mailto:alice@liddell.example>
        Thread-Topic: liddell
        Subject: A question
        MIME-Version: 1.0 (liddell)
        Content-Type: text/plain; charset=UTF-8
        Content-Transfer-Encoding: 8bit

        What is a raven?

        """

    @Test func whatAMailProgramTellsStaysHere() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let bench = try await GatewayBench(user)
        for mode in [GatewayBench.Mode.startTLS, .implicit, .login] {
            let mail = Self.telling.replacing("6b1f1c2e", with: "6b1f1c2e-\(mode)")
            let said = try await bench.submit(mail, to: ["bob@example.org", "carol@example.org"], mode: mode)
            #expect(said.contains("(250, b'2.0.0 stored as"), "\(said)")
        }
        try await eventually(seconds: 120) { ((try? network.parts()) ?? 0) >= 3 }
        let messages = try network.arrived()
        #expect(messages.count == 3)
        for message in messages {
            #expect(
                message.envelope.recipients.map(\.description) == ["smtp:bob@example.org", "smtp:carol@example.org"])
            #expect(
                message.envelope.fields == [
                    .subject: "A question", .mimeVersion: "1.0", .contentType: "text/plain; charset=UTF-8",
                    .contentTransferEncoding: "8bit", .contentLanguage: "en-US",
                ])
            #expect(message.body == Array("What is a raven?\r\n".utf8))
            let all = "\(message.envelope)".lowercased() + String(decoding: message.body, as: UTF8.self).lowercased()
            for word in ["liddell", "alice", "laptop", "mozilla", "apple", "dave", "192.168", "-0500", "6b1f1c2e"] {
                #expect(!all.contains(word), "\(word)")
            }
        }
        // In a thread only the names of others' mails travel.
        let reply = """
            Message-ID: <second@laptop.home>
            From: anonymous@nightjar.invalid
            Subject: Re: A question
            In-Reply-To: <6b1f1c2e-startTLS@laptop.home>
            References: <bob1@example.org> <6b1f1c2e-startTLS@laptop.home>

            Well?

            """
        #expect(try await bench.submit(reply).contains("(250"))
        try await eventually(seconds: 120) { ((try? network.parts()) ?? 0) >= 4 }
        let second = try #require(try network.arrived().first { $0.envelope.fields[.subject] == "Re: A question" })
        #expect(second.envelope.fields[.references] == "<bob1@example.org>")
        #expect(second.envelope.fields[.inReplyTo] == nil)
        try await bench.stop()
        await network.stop()
    }

    @Test func whatIsRefusedIsRefusedInTime() async throws {
        let network = try TestNetwork()
        let user = try User()
        try await user.join(network)
        let bench = try await GatewayBench(user, arguments: ["--no-run"])
        let mail = "From: anonymous@nightjar.invalid\nSubject: x\n\nx\n"
        let clear = try await bench.submit(mail, mode: .clear)
        #expect(clear.hasPrefix("['8bitmime', 'enhancedstatuscodes', 'pipelining', 'size', 'starttls']"), "\(clear)")
        #expect(clear.contains("(530, b'5.7.0 turn on STARTTLS"), "\(clear)")
        #expect(try await bench.submit(mail, password: "wrong").contains("refused 535 5.7.8"))
        let stranger = try await bench.submit(mail, from: "alice@liddell.example")
        #expect(stranger.contains("(550, b'5.7.1 alice@liddell.example is none of your addresses"), "\(stranger)")
        #expect(stranger.contains("anonymous@nightjar.invalid (nobody)"), "\(stranger)")
        #expect(try await bench.submit(mail, from: "").contains("read receipts"))
        let other = try await bench.submit("From: alice@liddell.example\nSubject: x\n\nx\n")
        #expect(other.contains("(550, b'5.7.1 alice@liddell.example is none"), "\(other)")
        #expect(
            try await bench.submit("Subject: x\n\nx\n").contains("(554, b'5.6.0 the mail needs one address in From"))
        let answer = try await bench.submit(mail, to: ["anonymous@nightjar.invalid"])
        #expect(answer.contains("(550, b'5.1.2 whoever wrote anonymously has no address"), "\(answer)")
        #expect(try await bench.submit(mail, to: ["x@nobody.box.nightjar.invalid"]).contains("(501, b'5.1.3"))
        #expect(try await bench.submit(mail, to: ["info@nobody.mbox.nightjar.invalid"]).contains("(550"))
        #expect(try await bench.submit(mail, to: ["nobody@contact.nightjar.invalid"]).contains("there is no contact"))
        let many = try await bench.submit(mail, to: (1...9).map { "user\($0)@example.org" })
        #expect(many.contains("(452, b'4.5.3 a mail has at most 8 recipients"), "\(many)")
        let status = try await user.run("gateway", "status")
        #expect(status.code == 0 && status.output.contains("From         anonymous@nightjar.invalid"), "\(status)")
        let second = try await user.run("gateway", "--no-run")
        #expect(second.code == 3 && second.messages.contains("a gateway is running already"), "\(second)")
        // The right one is known by now, and is taken however many wrong ones come.
        for _ in 0..<3 { _ = try await bench.submit(mail, password: "wrong") }
        #expect(try await bench.submit(mail, to: ["bob@example.org"]).contains("(250"))
        try await bench.stop()
        #expect(try await user.run("gateway", "status").code == 1)
    }

    @Test func killedBeforeTheReplyItTakesTheMailOnce() async throws {
        let network = try TestNetwork()
        try await network.start()
        let user = try User()
        try await user.join(network)
        let bench = try await GatewayBench(user, arguments: ["--no-run"])
        var random = SeededRandom(name: "killedBeforeTheReplyItTakesTheMailOnce")
        for round in 0..<8 {
            let mail =
                "Message-ID: <round\(round)@x>\nFrom: anonymous@nightjar.invalid\nSubject: \(round)\n\n"
                + String(repeating: "text\n", count: 2000)
            _ = try await bench.submit(mail, hangsUp: true)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...40, using: &random)))
            try await bench.killHard()
            try await bench.restart("--no-run")
            let said = try await bench.submit(mail)
            #expect(said.contains("(250, b'2.0.0"), "\(said)")
            #expect(try await bench.submit(mail).contains("taken already"))
        }
        let sent = try await user.run("sent", "--json")
        #expect(sent.output.components(separatedBy: "\"made\"").count - 1 == 8, "\(sent)")
        try await bench.stop()
        await network.stop()
    }

    @Test func otherAddressesAreNotListenedAt() async throws {
        let user = try User()
        try user.configure("[gateway]\nlisten = [\"0.0.0.0:587\"]\n")
        let run = try await user.run("gateway", "init")
        #expect(run.code == 2, "\(run)")
        #expect(
            run.messages.contains("\"0.0.0.0:587\" is not possible: mail is taken from this machine only"), "\(run)")
    }
}

extension TestNetwork {
    /// What carried parts of messages; the rest was cover.
    func parts() throws -> Int { taken.count { (try? follow($0.body, from: $0.node)) != nil } }

    /// Messages of a single part, beside cover.
    func arrived() throws -> [(envelope: Envelope, body: [UInt8])] {
        var found: [MessageID: Part] = [:]
        for packet in taken {
            if let part = try? follow(packet.body, from: packet.node).part { found[part.id] = part }
        }
        return try found.values.map { part in
            var assembler = MessageAssembler(layout: part.layout)
            _ = assembler.nextGroup
            var chunks = [try assembler.data(from: [ErasureCode.Share(index: part.index, bytes: part.share)])]
            var reader = MessageReader(length: part.layout.messageLength)
            let envelope = try reader.envelope { chunks.popLast() }
            var body: [UInt8] = []
            while let more = try reader.nextBodyChunk(from: { chunks.popLast() }) { body += more }
            return (envelope, body)
        }
    }
}
