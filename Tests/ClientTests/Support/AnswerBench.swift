// Answers made of real packets without a network: reply blocks of a keyring's identities along two nodes, packets through
// both, and what the second hands over.

import Messages
import MixCrypto
import Sphinx
import Spool
import TestSupport
import WireFormat

@testable import ClientProgram

/// A node's key, one for every period.
private struct OneKey: PacketKeys {
    let key: KEMPrivateKey
    func key(of period: KeyPeriod) -> KEMPrivateKey? { key }
}

/// A client of its own, and nodes through which others answer it.
final class AnswerBench: Sendable {
    let user: User
    let client: Client
    let keyring: Keyring
    private let nodes: [(id: NodeID, key: KEMPrivateKey)]
    static let now = Timestamp.now

    init(hops: Int = 2) throws {
        user = try User()
        client = try Client(home: user.home, environment: [:], isQuiet: true)
        keyring = try Keyring.open(client, passphrase: .none)
        nodes = try (0..<hops).map { _ in
            (try SigningKey.generate().verificationKey.nodeID, try KEMPrivateKey(seed: .random(count: KEM.seedSize)))
        }
    }

    /// A reply block of `identity`.
    func block(_ identity: String) throws -> SURB {
        var generator = SystemRandomNumberGenerator()
        let path = nodes.map { PathHop(node: $0.id, key: $0.key.publicKey, period: KeyPeriod(7), delay: 1) }
        return try keyring.currentMaker(identity: identity, at: Self.now).make(
            path: path, address: "mbox:info@echo", expiry: Self.now + .days(10), using: &generator
        ).surb
    }

    /// What the last node hands over of `content` sent through `block`.
    func record(_ content: PayloadContent, through block: SURB) throws -> ReplyRecord {
        var packet = try block.makePacket(content: content.encoded(), at: Self.now)
        for node in nodes {
            switch try Unwrapper(node: node.id).unwrap(packet, keys: OneKey(key: node.key), isKnown: { _, _ in false })
                .outcome
            {
            case .forward(_, _, let next): packet = next
            case .reply(_, let info, let payload):
                let info = try ReplyInfo(info)
                return try ReplyRecord(surb: info.id, sealedKeys: info.sealedKeys, payload: payload)
            case .deliver: throw User.Failure(text: "a message and no answer")
            }
        }
        throw User.Failure(text: "the block's path is longer than it was made")
    }

    /// A part of an answer, direct or as another node injected it.
    func answer(_ part: Part, to identity: String) throws -> ReplyRecord {
        let block = try block(identity)
        guard part.layout.capacity == .injected else { return try record(.part(part), through: block) }
        return try record(.sealed(try SealedPart.seal(part, messageKey: block.messageKey)), through: block)
    }

    /// All parts of a message.
    static func parts(
        _ body: [UInt8], kind: BodyKind = .rfc5322, fields: [SenderField: String] = [:], blocks: [[UInt8]] = [],
        id: MessageID? = nil, capacity: ShareCapacity = .full
    ) throws -> [Part] {
        var generator = SystemRandomNumberGenerator()
        let encoded = try encoded(body, kind: kind, fields: fields, blocks: blocks, capacity: capacity)
        return try MessageParts(encoded, id: id ?? .random(using: &generator), capacity: capacity).flatMap { $0 }
    }

    static func encoded(
        _ body: [UInt8], kind: BodyKind = .rfc5322, fields: [SenderField: String] = [:], blocks: [[UInt8]] = [],
        capacity: ShareCapacity = .full
    ) throws -> [UInt8] {
        try MessageEncoder.encode(
            try Envelope(recipients: [.drop], bodyKind: kind, fields: fields, replyBlocks: blocks), body: body,
            capacity: capacity)
    }

    /// Lines that do not compress, about `count` bytes.
    static func letter(_ count: Int, _ generator: inout SeededRandom) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(count + 2)
        for (index, byte) in generator.bytes(count).enumerated() {
            if index % 70 == 69 { text += [13, 10] } else { text.append(33 + byte % 90) }
        }
        return text + [13, 10]
    }

    /// The message as armor.
    static func armor(_ record: ReplyRecord) -> String {
        Armor.encode(ArmoredMessage.reply(record).encoded, kind: .message)
    }

    /// Lets `body` take things in.
    func withInbox<T>(_ body: (Inbox) throws -> T) async throws -> T {
        let records = try client.records()
        defer { records.close() }
        let inbox = try await client.openInbox(records)
        defer { inbox.close() }
        return try body(inbox)
    }

    /// Everything that is there, unread.
    func unread() async throws -> [ReceivedMessage] {
        var request = ReceiveRequest()
        request.offline = true
        request.passphrase = .none
        return try await client.receive(request).messages
    }
}
