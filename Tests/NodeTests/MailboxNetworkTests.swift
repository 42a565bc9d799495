import Daemon
import Directory
import Forwarding
import Foundation
import MMTP
import Messages
import MixCrypto
import Mixing
import NIOPosix
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// Mailboxes in a network of real nodes, over real links.
@Suite("Mailboxes in a network")
struct MailboxNetworkTests {
    /// Three nodes of which the last offers mailboxes and is no exit.
    private static func network() async throws -> InProcessNetwork {
        let network = try await InProcessNetwork(nodes: 3) { index, settings in
            if index == 2 { settings.mailboxes = MailboxSettings() }
        }
        for index in 0..<3 { try await network.start(index) }
        return network
    }

    private static func connect(
        _ network: InProcessNetwork, at address: LinkAddress? = nil
    ) async throws -> MMTPConnection {
        let dialer = try MMTPDialer(group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledTime.systemTime() })
        return try await dialer.connect(
            to: network.descriptor(2).id, at: address.map { [$0] } ?? network.settings[2].listen)
    }

    private static func ask(
        _ connection: MMTPConnection, _ box: OwnBox, _ operation: MailboxRequest.Operation, _ network: InProcessNetwork
    ) async throws -> MailboxBlock {
        let body = try box.request(operation, node: network.descriptor(2).id, at: network.clock.now())
        let (answer, block) = try await connection.ask(.fetch, body: body)
        #expect(answer == .received && block.count == 32_768)
        return try MailboxBlock(decoding: block)
    }

    /// Polls until `count` blocks have come, each acknowledged by the next request.
    private static func collect(
        _ count: Int, _ connection: MMTPConnection, _ box: OwnBox, _ network: InProcessNetwork
    ) async throws -> [MailboxBlock] {
        var blocks: [MailboxBlock] = []
        var acknowledged: [UInt64] = []
        let end = Date().addingTimeInterval(60)
        while blocks.count < count {
            guard Date() < end else { throw InProcessNetwork.TimedOut(found: blocks.count) }
            let block = try await ask(connection, box, .fetch(acknowledging: acknowledged), network)
            guard let id = block.blockID else {
                // The arrival of a message is watched for, not waited out.
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            acknowledged = [id]
            blocks.append(block)
        }
        let rest = try await ask(connection, box, .fetch(acknowledging: acknowledged), network)
        #expect(rest.blockID == nil && rest.status?.used == 0)
        return blocks
    }

    private static func checkBooks(_ network: InProcessNetwork) async throws {
        for index in 0..<3 {
            let node = try #require(network.nodes[index])
            await node.forwarder.wait { $0.pooled == 0 && $0.queued == 0 }
            #expect(throws: Never.self) { try node.ledger.snapshot.check() }
        }
    }

    @Test("an answer through a reply block is fetched from the mailbox and opened", .timeLimit(.minutes(2)))
    func answers() async throws {
        var generator = SeededRandom(name: "an answer in a mailbox")
        let network = try await Self.network()
        #expect(network.descriptor(2).fields.capabilities.contains { $0.name == Capability.Name.mailbox })
        #expect(!network.descriptor(1).fields.capabilities.contains { $0.name == Capability.Name.mailbox })
        let box = try OwnBox()
        let token = MailboxToken.random(using: &generator)
        let connection = try await Self.connect(network)
        let policy = MailboxPolicy(introducedOnly: true, replyToken: token)
        #expect(try await Self.ask(connection, box, .create(policy), network).status?.quota == 1000)

        let maker = SURBMaker(secret: SymmetricSecret.random())
        let selector = PathSelector(network: network.file, at: network.clock.now())
        let expiry = try #require(selector.expiry(at: network.clock.now()))
        func surb(_ target: String) throws -> SURB {
            let hops = try selector.hops(
                [0, 1, 2].map(network.descriptor), delays: [1000, 0, 1000], at: network.clock.now())
            return try maker.make(path: hops, address: target, expiry: expiry, using: &generator).surb
        }
        let content = try PayloadContent.dummy(.random(using: &generator)).encoded()
        let good = try surb(box.address(at: "node2") + "?\(token.hex)").makePacket(
            content: content, at: network.clock.now())
        let without = try surb(box.address(at: "node2")).makePacket(content: content, at: network.clock.now())
        let nowhere = try surb(try OwnBox().address(at: "node2")).makePacket(content: content, at: network.clock.now())
        #expect(try await network.send([without, nowhere, good, good], to: 0).allSatisfy { $0 == .received })

        let blocks = try await Self.collect(1, connection, box, network)
        let record = try #require(blocks[0].record)
        let info = try ReplyInfo(record.surb.bytes + record.sealedKeys + Array("box:x".utf8))
        #expect(try maker.open(info, payload: record.payload).content == content)
        connection.close()
        try await Self.checkBooks(network)
        // What was handed on is acknowledged before it is counted here.
        func books() throws -> PacketBalance { try #require(network.nodes[2]?.ledger.snapshot) }
        #expect(
            try await network.wait {
                guard let dropped = try? books().dropped else { return false }
                return dropped[.recipientRefused] == 1 && dropped[.unknownMailbox] == 1
            })
        #expect(try books().delivered == 1)
        try await network.stopAll()
    }

    @Test("a message for a mailbox comes out as it was encoded, also after a restart", .timeLimit(.minutes(2)))
    func messages() async throws {
        var generator = SeededRandom(name: "messages in a mailbox")
        let network = try await Self.network()
        let box = try OwnBox()
        var connection = try await Self.connect(network)
        let introduction = MailboxToken.random(using: &generator)
        let policy = MailboxPolicy(
            introducedOnly: true, replyToken: .random(using: &generator), introductions: [introduction])
        #expect(try await Self.ask(connection, box, .create(policy), network).status?.quota == 1000)

        let body = generator.bytes(200_000)
        func send(_ fields: [SenderField: String]) async throws -> [UInt8] {
            let envelope = try Envelope(
                recipients: [Address(box.address(at: "node2"))], bodyKind: .raw, fields: fields)
            let encoded = try MessageEncoder.encode(envelope, body: body)
            let selector = PathSelector(network: network.file, at: network.clock.now())
            var packets: [[UInt8]] = []
            for part in try MessageEncoder.parts(of: encoded, using: &generator).joined() {
                let hops = try selector.hops(
                    [0, 1, 2].map(network.descriptor), delays: [0, 0, 0], at: network.clock.now())
                packets.append(
                    try PacketBuilder().build(
                        content: PayloadContent.part(part).encoded(), path: hops, using: &generator))
            }
            #expect(try await network.send(packets, to: 0).allSatisfy { $0 == .received })
            return encoded
        }
        _ = try await send([:])
        let encoded = try await send([.introduction: introduction.hex])
        let count = MailFragment.count(ofLength: encoded.count)
        let end = Date().addingTimeInterval(60)
        while try await Self.ask(connection, box, .status, network).status?.waiting != UInt32(count) {
            guard Date() < end else { throw InProcessNetwork.TimedOut(found: 0) }
            try await Task.sleep(for: .milliseconds(20))
        }
        connection.close()
        try await network.stop(2)
        try await network.start(2)
        connection = try await Self.connect(network)
        let fragments = try await Self.collect(count, connection, box, network).compactMap { block in
            if case .fragment(_, let fragment, _) = block { fragment } else { nil }
        }
        #expect(fragments.map(\.index) == Array(0..<count) && fragments.allSatisfy { $0.count == count })
        #expect(Set(fragments.map(\.message)).count == 1)
        let isSame = fragments.flatMap(\.bytes) == encoded
        #expect(isSame)
        connection.close()
        try await Self.checkBooks(network)
        try await network.stopAll()
    }

    @Test("a poll costs the same bytes whether there is mail or not", .timeLimit(.minutes(2)))
    func constantSize() async throws {
        var generator = SeededRandom(name: "constant polls")
        let network = try await Self.network()
        let box = try OwnBox()
        let proxy = try await CountingProxy(to: network.settings[2].listen[0])
        let connection = try await Self.connect(network, at: proxy.address)
        var costs: [CountingProxy.Bytes] = []
        var acknowledged: [UInt64] = []
        func poll() async throws {
            let before = proxy.bytes
            let block = try await Self.ask(connection, box, .fetch(acknowledging: acknowledged), network)
            acknowledged = block.blockID.map { [$0] } ?? []
            let after = proxy.bytes
            costs.append(
                CountingProxy.Bytes(
                    toNode: after.toNode - before.toNode, toDialer: after.toDialer - before.toDialer))
        }
        // The listener's session tickets come with the first answer.
        _ = try await Self.ask(connection, box, .status, network)
        try await poll()
        _ = try await Self.ask(
            connection, box, .create(MailboxPolicy(replyToken: .random(using: &generator))), network)
        try await poll()
        let spool = try #require(network.nodes[2]?.spool)
        let record = try ReplyRecord(
            surb: .random(using: &generator), sealedKeys: generator.bytes(ReplyRecord.sealedKeysSize),
            payload: generator.bytes(ReplyRecord.payloadSize))
        _ = try await spool.perform([
            .acceptMail(
                tag: .random(using: &generator), period: KeyPeriod(1), mailbox: box.id,
                block: Mailboxes.block(record, release: network.clock.now(), now: network.clock.now()))
        ])
        try await poll()
        #expect(acknowledged == [1], "there was mail")
        try await poll()
        #expect(acknowledged == [])
        #expect(costs == Array(repeating: CountingProxy.Bytes(toNode: 3 * 10_946, toDialer: 3 * 10_958), count: 4))
        connection.close()
        try await network.stopAll()
        try await proxy.stop()
    }
}
