import Daemon
import Directory
import Exits
import Forwarding
import Foundation
import MMTP
import Messages
import MixCrypto
import Mixing
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Receipts, questions and answers in a network of real nodes: what is sent comes back through reply blocks that end at a
/// mail address.
@Suite("Answers in a network")
struct AnswerNetworkTests {
    /// A message's sender, whose reply blocks end at mbox:me@node1.
    private final class Sender {
        let network: InProcessNetwork
        let maker = SURBMaker(secret: SymmetricSecret.random())
        var generator: SeededRandom

        init(_ network: InProcessNetwork, _ generator: SeededRandom) {
            self.network = network
            self.generator = generator
        }

        func surb(_ target: String = "mbox:me@node1") throws -> [UInt8] {
            let now = network.clock.now()
            let selector = PathSelector(network: network.file, at: now)
            let hops = try selector.hops([0, 1].map(network.descriptor), delays: [1000, 1000], at: now)
            guard let expiry = selector.expiry(at: now) else { throw InProcessNetwork.Missing() }
            return try maker.make(path: hops, address: target, expiry: expiry, using: &generator).surb.encoded
        }

        /// Sends a message to node 2 over node 0; its id.
        @discardableResult
        func send(_ envelope: Envelope, _ body: [UInt8]) async throws -> MessageID {
            let now = network.clock.now()
            let encoded = try MessageEncoder.encode(envelope, body: body)
            let parts = try MessageEncoder.parts(of: encoded, using: &generator)
            var packets: [[UInt8]] = []
            for part in parts.joined() {
                let hops = try PathSelector(network: network.file, at: now).hops(
                    [0, 2].map(network.descriptor), delays: [1000, 1000], at: now)
                packets.append(
                    try PacketBuilder().build(
                        content: PayloadContent.part(part).encoded(), path: hops, using: &generator))
            }
            #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
            return parts.id
        }

        /// The message that came back as a mail with armor.
        func open(_ mail: Data) throws -> (envelope: Envelope, body: [UInt8]) {
            let text = String(decoding: mail, as: UTF8.self)
            let (blocks, damaged) = Armor.decode(text, kind: .message)
            guard damaged == 0, let block = blocks.first, case .reply(let record) = try ArmoredMessage(decoding: block)
            else { throw InProcessNetwork.Missing() }
            let info = try ReplyInfo(record.surb.bytes + record.sealedKeys + Array("x".utf8))
            let content = try maker.open(info, payload: record.payload).content
            guard case .part(let part) = try PayloadContent(decoding: content) else { throw InProcessNetwork.Missing() }
            return try ReplyFixture.message([part])
        }
    }

    private static func network(_ outside: TemporaryDirectory, port: Int) async throws -> InProcessNetwork {
        let network = try await InProcessNetwork(nodes: 3) { index, settings in
            guard index > 0 else { return }
            var exit = try RelayTests.exitSettings(outside)
            exit.mailboxes = try LocalMailboxes([
                (index == 1 ? "me" : "alice", outside.file(index == 1 ? "me" : "alice"))
            ])
            if index == 2 {
                exit.gateway = GatewaySettings(
                    domain: "reply.example", listen: .loopback(host: "127.0.0.1", port: port))
            }
            settings.exit = exit
        }
        for index in 0..<3 { try await network.start(index) }
        return network
    }

    private static func checkBooks(_ network: InProcessNetwork) async throws {
        for index in 0..<3 {
            let node = try #require(network.nodes[index])
            await node.forwarder.wait { $0.pooled == 0 && $0.queued == 0 }
            #expect(throws: Never.self) { try node.ledger.snapshot.check() }
        }
    }

    @Test(
        "a receipt comes back, a question is answered, a mail to Reply-To arrives at the sender",
        .timeLimit(.minutes(2)))
    func thereAndBack() async throws {
        let outside = try TemporaryDirectory("outside")
        let port = try InProcessNetwork.freePorts(1)[0]
        let network = try await Self.network(outside, port: port)
        let sender = Sender(network, SeededRandom(name: "thereAndBack"))
        let envelope = try Envelope(
            recipients: [Address("mbox:alice@node2"), Address("mbox:nobody@node2")], fields: [.subject: "hello"],
            receiptBlock: sender.surb(), replyBlocks: [sender.surb(), sender.surb()])
        let message = try await sender.send(envelope, Array("how are you?\r\n".utf8))

        let mail = try await network.mails(in: outside.file("alice"), count: 1)[0]
        let replyTo = try #require(
            String(decoding: mail, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Reply-To: ") })
        let address = String(replyTo.dropFirst("Reply-To: ".count))
        #expect(address.wholeMatch(of: /r\+[a-z2-7]{32}@reply\.example/) != nil)

        var arrived = try await network.mails(in: outside.file("me"), count: 1)
        let text = String(decoding: arrived[0], as: UTF8.self)
        #expect(text.contains("Subject: \(ReplyMail.subject)") && text.contains("open it with `nightjar decode`"))
        let receipt = try sender.open(arrived[0])
        #expect(receipt.envelope.bodyKind == .receipt)
        #expect(
            try Receipt(decoding: receipt.body)
                == Receipt(message: message, state: .complete([.init(.delivered, code: 250), .init(.refused)])))

        // Questions: about this message, and about one that the exit has never seen.
        let stranger = MessageID.random(using: &sender.generator)
        for id in [message, stranger] {
            let question = try Envelope(
                recipients: [.drop], bodyKind: .statusQuery, receiptBlock: sender.surb())
            try await sender.send(question, id.bytes)
        }
        arrived = try await network.mails(in: outside.file("me"), count: 3)
        let receipts = try arrived.map { try Receipt(decoding: sender.open($0).body) }
        #expect(
            receipts.count { $0.message == message && $0.state == receipts.first { $0.message == message }?.state } == 2
        )
        #expect(receipts.contains { $0.message == stranger && $0.state == .unknown })

        let codes = try LMTPPeer.send(
            "From: alice@outside.example\r\nSubject: Re: hello\r\n\r\nfine\r\n", to: address, port: port)
        #expect(codes == ["220", "250", "250", "250", "354", "250", "221"])
        arrived = try await network.mails(in: outside.file("me"), count: 4)
        let answers = try arrived.map(sender.open).filter { $0.envelope.bodyKind == .raw }
        #expect(
            answers.map { String(decoding: $0.body, as: UTF8.self) }
                == ["From: alice@outside.example\r\nSubject: Re: hello\r\n\r\nfine\r\n"])
        try await Self.checkBooks(network)
        try await network.stopAll()
    }

    @Test("answers to addresses that the node does not deliver to are dropped and counted", .timeLimit(.minutes(2)))
    func strangers() async throws {
        let outside = try TemporaryDirectory("outside")
        let port = try InProcessNetwork.freePorts(1)[0]
        let network = try await Self.network(outside, port: port)
        let sender = Sender(network, SeededRandom(name: "strangers"))
        var packets: [[UInt8]] = []
        let content = try PayloadContent.dummy(LoopID()).encoded()
        for target in ["smtp:x@y.example", "mbox:nobody@node1", "mbox:me@node2", "nonsense", "mbox:me@node1"] {
            packets.append(
                try SURB(sender.surb(target)).makePacket(content: content, at: network.clock.now()))
        }
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        _ = try await network.mails(in: outside.file("me"), count: 1)
        try await Self.checkBooks(network)
        // The mail may have come before the others.
        #expect(try await network.wait { network.nodes[1]?.ledger.snapshot.dropped[.unknownMailbox] == 4 })
        try await network.stopAll()
        // Once more, from the item: a crash between the packet and the delivery is like this.
        try await network.start(1)
        #expect(try await network.mails(in: outside.file("me"), count: 1).count == 1)
        try await network.stopAll()
    }

    @Test("a node that is to lose packets does not start outside a test network")
    func lossesBelongToTestNetworks() throws {
        let now = Timestamp(seconds: 1_790_000_000)
        var settings = NodeSettings(
            nickname: try #require(Nickname("node")), dataDirectory: "", networkFile: "", listen: [],
            addresses: [try #require(NodeAddress("mix.example.org:48099"))])
        settings.faults.dropFraction = 0.1
        func file(isTest: Bool) throws -> NetworkFile {
            try SoleAuthority(network: "net", isTest: isTest, key: HybridSigningKey.generate(), published: now).root
        }
        let (test, real) = (try file(isTest: true), try file(isTest: false))
        #expect(throws: Never.self) { try settings.checkScale(test) }
        #expect {
            try settings.checkScale(real)
        } throws: {
            String(describing: $0).contains("[test] drop-fraction is set, but net is no test network; remove it")
        }
    }

    @Test("packets that are lost on purpose are acknowledged, counted and gone", .timeLimit(.minutes(2)))
    func losses() async throws {
        let network = try await InProcessNetwork(nodes: 2) { index, settings in
            if index == 0 { settings.faults.dropFraction = 0.5 }
        }
        for index in 0..<2 { try await network.start(index) }
        var generator = SeededRandom(name: "losses")
        let packets = try (0..<60).flatMap { _ in
            try network.packets(body: [65], to: "drop:", path: [0, 1], using: &generator)
        }
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        let node = try #require(network.nodes[0])
        let end = Date().addingTimeInterval(60)
        while node.ledger.snapshot.held > 0, Date() < end { try await Task.sleep(for: .milliseconds(10)) }
        let books = node.ledger.snapshot
        let lost = books.dropped[.injected] ?? 0
        #expect((10...50).contains(lost) && books.forwarded == 60 - lost)
        // The same packets again are known, whether lost or not.
        #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
        #expect(node.ledger.snapshot.dropped[.replay] == 60 && node.ledger.snapshot.dropped[.injected] == lost)
        try await network.stopAll()
    }
}

/// A mail server's side of one LMTP dialogue, all commands at once.
enum LMTPPeer {
    struct Failed: Error {}

    /// The reply codes, one for each step.
    static func send(_ mail: String, to recipient: String, port: Int) throws -> [String] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failed() }
        let text = Array(
            "LHLO mta\r\nMAIL FROM:<alice@outside.example>\r\nRCPT TO:<\(recipient)>\r\nDATA\r\n\(mail).\r\nQUIT\r\n"
                .utf8)
        guard write(descriptor, text, text.count) == text.count else { throw Failed() }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 { answer += buffer[..<count] }
        return String(decoding: answer, as: UTF8.self).split(separator: "\r\n").filter { $0.dropFirst(3).first != "-" }
            .map { String($0.prefix(3)) }
    }
}
