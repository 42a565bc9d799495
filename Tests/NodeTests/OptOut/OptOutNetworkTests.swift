import Directory
import Exits
import Foundation
import MMTP
import Messages
import MixCrypto
import Mixing
import Spool
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// The whole way at a real exit: a mail with its link, a click, a question and its answer, over LMTP.
@Suite("Opt-outs in a network", .timeLimit(.minutes(3)))
struct OptOutNetworkTests {
    /// The mail server behind the exit.
    private final class Keeper: LMTPReceiver {
        let mails = Mutex<[LMTPMail]>([])

        func check(recipient: String) -> LMTPReply { LMTPReply(250, "2.1.5", "ok") }

        func deliver(_ mail: LMTPMail) -> [LMTPReply] {
            mails.withLock { $0.append(mail) }
            return mail.recipients.map { _ in LMTPReply(250, "2.0.0", "ok") }
        }

        /// The text of the newest mail to `address`, without folds.
        func text(to address: String) -> String? {
            mails.withLock { mails in
                mails.last { $0.recipients == [address] }.map {
                    String(decoding: $0.content, as: UTF8.self).replacing("\r\n ", with: " ")
                }
            }
        }
        func count(_ address: String) -> Int { mails.withLock { $0.count { $0.recipients == [address] } } }
    }

    /// Hands a mail to the exit's gateway, as the mail server in front of it does.
    private static func post(to user: String, from: String, socket: String) async throws -> ExitOutcome? {
        let client = try SMTPClient(settings: SMTPSettings(lmtp: .socket(socket), helloName: "mx.example"))
        let recipient = try MailRecipient("\(user)@reply.example")
        let head = Array("From: \(from)\r\nTo: \(recipient.address)\r\nSubject: x\r\n\r\n".utf8)
        let mail = SMTPMail(
            envelope: SMTPEnvelope(
                sender: try MailRecipient(from), recipients: [recipient], wireBytes: head.count + 4, hasEightBit: false),
            head: head, body: ExitBody(bytes: Array("ok\r\n".utf8)))
        let outcomes = await client.deliver(mail)
        await client.close()
        return outcomes.first
    }

    @Test("a click, and a confirmed request, end the mail to an address; the node states both")
    func wholeWay() async throws {
        var generator = SeededRandom(name: "opt-outs in a network")
        let outside = try TemporaryDirectory("outside")
        let keeper = Keeper()
        let server = try await LMTPServer.bind(
            LMTPServerSettings(
                address: .socket(outside.file("mail.sock")), name: "mx.example", limits: LMTPLimits(mail: 1 << 20)),
            receiver: keeper)
        let door = outside.file("door.sock")
        let network = try await InProcessNetwork(nodes: 2) { index, settings in
            guard index == 1 else { return }
            var exit = try RelayTests.exitSettings(outside)
            exit.smtp = SMTPSettings(lmtp: .socket(outside.file("mail.sock")), helloName: "exit.example")
            exit.gateway = GatewaySettings(domain: "reply.example", listen: .socket(door))
            settings.exit = exit
        }
        for index in 0..<2 { try await network.start(index) }
        let node = try #require(network.nodes[1])
        func send(to address: String) async throws {
            let packets = try network.packets(
                body: Array("hello \(address)\r\n".utf8), to: address, path: [0, 1], using: &generator)
            #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        }
        /// Sends to somebody who opted out, and waits until the message has come to its end.
        func sendInVain(to address: String) async throws {
            let before = node.ledger.snapshot.delivered
            try await send(to: address)
            #expect(
                try await network.wait {
                    node.ledger.snapshot.delivered > before && node.spool.statistics.deliveries == 0
                })
        }
        try await send(to: "ada@example.org")
        #expect(try await network.wait { keeper.count("ada@example.org") == 1 })
        let text = try #require(keeper.text(to: "ada@example.org"))
        let link = try #require(
            text.firstMatch(of: /List-Unsubscribe: ?<mailto:optout(?:\+|%2B)([a-z2-7]{56})@reply\.example/)
        )
        .1
        #expect(
            try await Self.post(to: "optout+\(link)", from: "ada@example.org", socket: door) == .delivered(code: 250))
        try await sendInVain(to: "Ada+x@example.org")

        // Somebody who never got a mail.
        #expect(try await Self.post(to: "optout", from: "bob@example.org", socket: door) == .delivered(code: 250))
        let question = try #require(keeper.text(to: "bob@example.org"))
        #expect(keeper.mails.withLock { $0.last?.sender } == "")
        let confirm = try #require(question.firstMatch(of: /Reply-To: (confirm\+[a-z2-7]{32})@reply\.example/)).1
        guard case .refused? = try await Self.post(to: String(confirm), from: "eve@example.org", socket: door) else {
            return #expect(Bool(false), "another's answer was taken")
        }
        #expect(
            try await Self.post(to: String(confirm), from: "bob@example.org", socket: door) == .delivered(code: 250))
        #expect(try await network.wait { keeper.count("bob@example.org") == 2 })
        try await sendInVain(to: "bob@example.org")
        #expect(keeper.count("ada@example.org") == 1 && keeper.count("Ada+x@example.org") == 0)
        #expect(keeper.count("bob@example.org") == 2)

        // The descriptor names a statement of both.
        #expect(
            try await network.wait {
                node.statement.current?.hashes.count == 2
                    && node.publisher.current?.fields.optOuts == node.statement.current?.digest
            })
        // It is in force a moment after it is known.
        #expect(
            try await network.wait {
                node.optOuts?.statements.map(\.digest) == [node.statement.current?.digest].compactMap(\.self)
            })
        let hashing = OptOutHashing(network: network.file.name)
        let hashes = try ["ada@example.org", "bob@example.org"].compactMap {
            try OptOutAddress($0).map(hashing.callAsFunction)
        }
        #expect(node.statement.current?.hashes == hashes.sorted())
        try await network.stopAll()
        await server.close()
    }
}
