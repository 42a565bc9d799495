// What becomes of a mail before it is cut: one message for each exit, mailbox and key; sealed mail; recipients of the mail's
// own header; and `count-packets`, which does all of this without sending.

import Directory
import Foundation
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5)))
struct CompositionTests {
    /// alpha and bravo have mailboxes too.
    private static func network() throws -> TestNetwork {
        try TestNetwork { plan in
            plan.change = { fields in
                if ["alpha", "bravo"].contains(fields.nickname.text) {
                    fields.capabilities.append(Capability(Capability.Name.mailbox))
                }
            }
        }
    }

    private func key() throws -> KEMPrivateKey { try KEMPrivateKey(seed: .random(count: KEM.seedSize)) }

    private func messages(
        _ text: String, to: [Correspondent], request: ComposeRequest = ComposeRequest(), blocks: [[UInt8]] = []
    ) throws -> [ComposedMessage] {
        let planner = PacketPlanner(network: try Self.network().file, options: SendOptions(), now: .now)
        return try Composition(Array(text.utf8), request: request).messages(
            to: to, planner: planner, seal: Client.seal, replyBlocks: { blocks })
    }

    private let box = "box:\(String(repeating: "ab", count: 32))"

    @Test func oneMessageForEachExitMailboxAndKey() throws {
        let key = try key().publicKey
        let token = try #require(MailboxToken(hex: String(repeating: "12", count: 16)))
        let to = [
            Correspondent(address: try Address("a@example.org")),
            Correspondent(address: try Address("b@example.org"), key: key),
            Correspondent(address: try Address("\(box)@alpha"), introduction: token),
            Correspondent(address: try Address("c@example.org")),
            Correspondent(address: try Address("mbox:info@echo")),
            Correspondent(address: try Address("\(box)@bravo"), key: key, introduction: token),
        ]
        let made = try messages("Subject: Hello\nTo: x\n\nText\n", to: to, blocks: [[UInt8](repeating: 1, count: 7224)])
        #expect(
            made.map { $0.recipients.map(\.description).joined(separator: " ") } == [
                "smtp:a@example.org smtp:c@example.org", "mbox:info@echo", "\(box)@alpha", "smtp:b@example.org",
                "\(box)@bravo",
            ])
        #expect(made.map(\.isSealed) == [false, false, false, true, true])
        #expect(made.map(\.bodyKind) == [.rfc5322, .rfc5322, .rfc5322, .rfc5322, .raw])
        #expect(made.map { $0.fields[.introduction] } == [nil, nil, token.hex, nil, token.hex])
        #expect(made.map(\.replyBlocks.count) == [1, 1, 1, 0, 0], "a sealed mail has them inside")
        #expect(made.map { $0.fields[.subject] } == ["Hello", "Hello", "Hello", "Sealed message", nil])
        #expect(made.allSatisfy { $0.leftOut == ["To"] })
        for message in made { _ = try message.encoded(limit: 1 << 20) }
    }

    @Test("a sealed mail opens to the mail with its header, and to the reply blocks that were enclosed")
    func sealed() throws {
        let key = try key()
        let network = try TestNetwork()
        let blocks = try BlockMaker(network).make(2).map(\.encoded)
        let to = [Correspondent(address: try Address("a@example.org"), key: key.publicKey)]
        var request = ComposeRequest()
        // With a space: three letters would be found in base64 now and then.
        request.displayName = "Ada Lovelace"
        let mail = "Subject: Gr\u{FC}\u{DF}e\nContent-Type: text/plain; charset=utf-8\n\nB\u{E4}ume\n"
        let made = try messages(mail, to: to, request: request, blocks: blocks)[0]
        let outer = String(decoding: made.body, as: UTF8.self)
        #expect(!outer.contains("Ada Lovelace") && made.fields.count == 1)
        let armor = try #require(Armor.decode(outer, kind: .message).blocks.first)
        guard case .sealedMail(let sealed) = try ArmoredMessage(decoding: armor) else {
            Issue.record("not a sealed mail")
            return
        }
        let inner = try MailSeal.open(sealed, with: key)
        let text = String(decoding: inner, as: UTF8.self)
        #expect(
            text.hasPrefix(
                "From: \"Ada Lovelace (anonymous, unverified)\" <anonymous@nightjar.invalid>\r\nSubject: =?utf-8?"))
        #expect(text.contains("\r\n\r\nB\u{E4}ume\r\n\r\n--=_"))
        #expect(ReplyBlockText.blocks(in: inner) == blocks)
        // It is mail: every line as SMTP has it, and our own reader takes it.
        var check = MailBodyCheck()
        try check.consume(made.body)
        try check.finish()
        let read = try OutgoingMail(inner)
        #expect(read.fields[.contentType]?.hasPrefix("multipart/mixed; boundary=") == true)
        // Without enclosed blocks there is no wrapping.
        let plain = try messages(mail, to: to)[0]
        let bytes = try #require(
            Armor.decode(String(decoding: plain.body, as: UTF8.self), kind: .message).blocks.first)
        guard case .sealedMail(let other) = try ArmoredMessage(decoding: bytes) else { return }
        #expect(
            String(decoding: try MailSeal.open(other, with: key), as: UTF8.self).hasSuffix(
                "Content-Type: text/plain; charset=utf-8\r\n\r\nB\u{E4}ume\r\n"))
    }

    @Test("bytes stay bytes for a mailbox, and are an attachment in a mail")
    func raw() throws {
        var request = ComposeRequest()
        request.isRaw = true
        let to = [
            Correspondent(address: try Address("a@example.org")), Correspondent(address: try Address("\(box)@alpha")),
        ]
        let made = try messages("From: not a header\n\u{0}\u{1}", to: to, request: request)
        #expect(made[1].bodyKind == .raw && made[1].body == Array("From: not a header\n\u{0}\u{1}".utf8))
        #expect(made[0].bodyKind == .rfc5322 && made[0].fields[.contentTransferEncoding] == "base64")
        #expect(
            Base64.decode(String(decoding: made[0].body, as: UTF8.self).replacing("\r\n", with: "")) == made[1].body)
        // An answer is for a program too.
        #expect(try Composition(Array("x".utf8), request: request).reply(enclosing: []).bodyKind == .raw)
    }

    @Test func optionsAreHeaderFieldsAndObeyTheirRules() throws {
        var request = ComposeRequest()
        request.subject = "S"
        request.inReplyTo = "<a@b>"
        request.references = "<a@b> <c@d>"
        let fields = try messages("x\n", to: [Correspondent(address: try Address("a@example.org"))], request: request)[
            0
        ]
        .fields
        #expect(fields == [.subject: "S", .inReplyTo: "<a@b>", .references: "<a@b> <c@d>"])
        request.references = "nothing"
        #expect(throws: OutgoingMailError.self) { try Composition(Array("x".utf8), request: request) }
        request.references = "<a@b>\r\nBcc: x@example.org"
        #expect(throws: OutgoingMailError.self) { try Composition(Array("x".utf8), request: request) }
    }

    // MARK: The mail's own recipients

    @Test(arguments: [
        ("To: a@example.org\n\nx", ["a@example.org"]),
        (
            "To: Ada <a@example.org>, \"B, C\" <b@example.org>\nCc: c@example.org (comment, more)\n\nx",
            ["a@example.org", "b@example.org", "c@example.org"]
        ),
        (
            "Subject: y\nBcc: hidden@example.org\nTo: a@example.org,\n  A@EXAMPLE.ORG\n\nx",
            ["a@example.org", "hidden@example.org"]
        ),
        (
            "To: friends: a@example.org, b@example.org;, c@example.org\n\nx",
            ["a@example.org", "b@example.org", "c@example.org"]
        ),
        ("To: undisclosed-recipients:;\n\nx", []),
        ("To: mbox:info@alpha, smtp:a@example.org\n\nx", ["mbox:info@alpha", "smtp:a@example.org"]),
        ("no header\nTo: a@example.org\n", []),
        ("To: \"a\\\"b\" <a@example.org>\n\nx", ["a@example.org"]),
        ("To: ((\n\nx", []),
    ])
    func theHeadersAddresses(_ text: String, _ expected: [String]) throws {
        #expect(try MailAddresses.recipients(of: Array(text.utf8)) == expected)
    }

    @Test func anyHeaderCanBeRead() throws {
        var generator = SeededRandom(name: "address lists of noise")
        for _ in 0..<2000 {
            let noise = (0..<Int.random(in: 0..<60, using: &generator)).map { _ in
                Array("\"\\()<>:;,@ a\u{E9}".utf8).randomElement(using: &generator) ?? 0
            }
            _ = try MailAddresses.recipients(of: Array("To: ".utf8) + noise + Array("\n\nx".utf8))
        }
    }

    // MARK: Counting

    @Test func packetsAreCountedWithoutSending() async throws {
        let (user, network) = (try User(), try Self.network())
        try await user.join(network)
        #expect(
            try await user.run("count-packets", "--to", "a@example.org", input: "x\n") == Transcript(output: "1\n"))
        let several = try await user.run(
            "count-packets", "--to", "a@example.org", "--to", "mbox:info@echo", "--to", "\(box)@alpha", "--copies", "2",
            "--json", input: "x\n")
        #expect(
            several.output == """
                {
                  "messages" : 3,
                  "packets" : 6,
                  "parts" : 3
                }

                """)
        let rfc822 = try await user.run(
            "count-packets", "--rfc822", input: "To: a@example.org\nCc: mbox:info@foxtrot\n\nx\n")
        #expect(rfc822.output == "2\n")
        #expect(
            try await user.run("count-packets", "--rfc822", input: "Subject: nobody\n\nx\n")
                == .failure(
                    2,
                    "no recipient: neither --to nor the mail's To, Cc and Bcc name one; name a recipient with --to"))
        #expect(
            try await user.run("count-packets", "--to", "a@example.org", "--enclose", "1", input: "x\n")
                == .failure(
                    2,
                    "reply blocks need a place where answers come to: make a mailbox with `nightjar mailbox create`, or "
                        + "set reply-address in client.toml"))
        try user.configure("reply-address = \"me@example.org\"\n")
        // Eight blocks of 7 KiB do not fit into one packet.
        let enclosed = try await user.run(
            "count-packets", "--to", "a@example.org", "--enclose", "8", "--json", input: "x\n")
        #expect(enclosed.output.contains("\"packets\" : 5"), "\(enclosed)")
        #expect(!FileManager.default.fileExists(atPath: "\(user.home)/queue"))
    }

    // MARK: With the program

    @Test("a mail sealed to a key that was exported is opened by whoever has the key, and by nobody else")
    func sealedBySend() async throws {
        let (writer, reader, network) = (try User(), try User(), try TestNetwork())
        try await writer.join(network)
        try await reader.join(network)
        try await network.start()
        #expect(try await reader.run("key", "new", "mine").code == 0)
        let key = try writer.file("key", try await reader.run("key", "export", "mine").output)
        let sent = try await writer.run(
            "send", "--rfc822", "--encrypt-to", key, "--no-receipt",
            input: "To: a@example.org\nSubject: Secret\n\nFor your eyes\n")
        #expect(sent.code == 0, "\(sent)")
        let arrived = try #require(try network.messages().first)
        #expect(arrived.envelope.fields == [.subject: "Sealed message"])
        let mail = try reader.file("mail", arrived.body)
        let read = try await reader.run("decode", mail)
        #expect(read.code == 0, "\(read)")
        #expect(read.output.contains("Subject: Secret") && read.output.contains("For your eyes"), "\(read)")
        let stranger = try await writer.run("decode", mail)
        #expect(stranger.code != 0 && !stranger.output.contains("For your eyes"))
        #expect(
            try await writer.run("send", "--to", "a@example.org", "--encrypt-to", "nobody", input: "x\n").code != 0)
        await network.stop()
    }

    @Test("whoever gets reply blocks in a message can answer with them, and the answer is read")
    func blocksThatWereEnclosedAreAnswered() async throws {
        let (writer, reader, network) = (try User(), try User(), try TestNetwork())
        try await writer.join(network)
        try await reader.join(network)
        try await network.start()
        try writer.configure("reply-address = \"mbox:me@echo\"\n")
        #expect(try await reader.run("key", "new", "mine").code == 0)
        let key = try writer.file("key", try await reader.run("key", "export", "mine").output)
        let sent = try await writer.run(
            "send", "--to", "mbox:you@foxtrot", "--enclose", "2", "--identity", "pen-name", "--encrypt-to", key,
            "--no-receipt", input: "Question?\n")
        #expect(sent.code == 0, "\(sent)")
        // Opening, taking the blocks out of what was opened and answering are one pipe.
        let mail = try reader.file("mail", try #require(try network.messages().first).body)
        let opened = try await reader.run("decode", mail)
        #expect(opened.code == 0, "\(opened)")
        let before = network.taken.count
        let answered = try await reader.run(
            ["reply", "-", "--subject", "Answer"], input: Array((opened.output + "Yes.\n").utf8))
        #expect(answered.code == 0, "\(answered)\n\(opened)")
        #expect(network.taken.count > before)
        await network.stop()
    }

    // MARK: Settings

    @Test func settingsAreHeldAgainstTheNetworks() async throws {
        let user = try User()
        #expect(
            try await user.run("check-config")
                == Transcript(output: "there is no DIR/home/client.toml; every setting has its default\n"))
        try await user.join(try TestNetwork())
        try user.configure("blocked-nodes = [\"mallory\"]\npath = \"alpha,alpha\"\nblocked-entries = [\"bravo\"]\n")
        #expect(
            try await user.run("check-config")
                == .failure(
                    2,
                    "DIR/home/client.toml: blocked-nodes: no network that is installed has a node mallory\n"
                        + "DIR/home/client.toml: path, in the network testing: the path would pass alpha twice; every hop "
                        + "must be another node"))
        let json = try await user.run("check-config", "--json")
        #expect(json.code == 2 && json.output.contains("\"isThere\" : true"))
        try user.configure("network = \"other\"\ncopies = 2\n")
        #expect(
            try await user.run("check-config")
                == .failure(
                    2,
                    "DIR/home/client.toml: network = \"other\": no network of this name is installed; see `nightjar "
                        + "network list`"))
        try user.configure("blocked-entries = [\"bravo\"]\nblocked-exits = [\"echo\"]\n")
        #expect(try await user.run("check-config") == Transcript(output: "DIR/home/client.toml is good\n"))
        for _ in 0..<10 {
            let path = try await user.run("path", "--to", "a@example.org").output.split(separator: ",")
            #expect(path.first != "bravo" && path.last == "foxtrot\n")
        }
    }

    @Test func nodesAreChosenByWhatTheyDo() async throws {
        let (user, network) = (try User(), try Self.network())
        try await user.join(network)
        #expect(
            try await user.run("nodes", "--capability", "mailbox", "--features", "nickname,usable,id")
                == Transcript(output: ["alpha", "bravo"].map { "\($0)\tyes\t\(network[$0].id.hex)\n" }.joined()))
        #expect(
            try await user.run("nodes", "--capability", "exit-smtp", "--capability", "mailbox")
                == Transcript(messages: "no node of the network testing is such\n"))
        let wrong = try await user.run("nodes", "--features", "nickname,shoe-size")
        #expect(wrong.code == 2 && wrong.messages.hasPrefix("there is no feature shoe-size; there are nickname, id,"))
    }
}
