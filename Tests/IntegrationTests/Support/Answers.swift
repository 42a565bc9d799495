// A sender who gets answers: reply blocks that end at a local user of a node, and the reading of what comes there.

import Daemon
import Directory
import Foundation
import Messages
import MixCrypto
import Sphinx
import WireFormat

/// Makes reply blocks along a fixed path and opens what came through them.
struct Answers: Sendable {
    let sender: Correspondent
    /// Names of the nodes; answers end at the last one's postmaster.
    let path: [String]
    private let maker = SURBMaker(secret: SymmetricSecret.random())

    init(_ sender: Correspondent, path: [String]) {
        self.sender = sender
        self.path = path
    }

    func block(using generator: inout some RandomNumberGenerator) throws -> [UInt8] {
        let now = sender.clock.now()
        let selector = PathSelector(network: sender.network, at: now)
        let nodes = path.compactMap { sender.network.node(named: $0) }
        guard let expiry = selector.expiry(at: now), nodes.count == path.count, let last = path.last else {
            throw TimedOut(description: "no path for a reply block")
        }
        let hops = try selector.hops(nodes, delays: nodes.map { _ in 1000 }, at: now)
        return try maker.make(
            path: hops, address: "mbox:postmaster@\(last)", expiry: expiry, using: &generator
        ).surb.encoded
    }

    /// The packets of a message along a path.
    func shipments(
        _ envelope: Envelope, _ body: [UInt8], path: [String], using generator: inout some RandomNumberGenerator
    ) throws -> (id: MessageID, shipments: [Shipment]) {
        let now = sender.clock.now()
        let nodes = path.compactMap { sender.network.node(named: $0) }
        let parts = try MessageEncoder.parts(of: MessageEncoder.encode(envelope, body: body), using: &generator)
        let shipments = try parts.joined().map { part in
            let hops = try PathSelector(network: sender.network, at: now).hops(
                nodes, delays: nodes.map { _ in 1000 }, at: now)
            return Shipment(
                first: nodes[0].id,
                packet: try PacketBuilder().build(
                    content: PayloadContent.part(part).encoded(), path: hops, using: &generator))
        }
        return (parts.id, shipments)
    }

    /// What has come, parts of one message each: the envelope's kind and the body.
    func arrived() throws -> [(kind: BodyKind, body: [UInt8])] {
        try sender.lab.mails(path.last ?? "").map { mail in
            let (blocks, _) = Armor.decode(String(decoding: mail, as: UTF8.self), kind: .message)
            guard let block = blocks.first, case .reply(let record) = try ArmoredMessage(decoding: block) else {
                throw TimedOut(description: "no armor in a mail")
            }
            let info = try ReplyInfo(record.surb.bytes + record.sealedKeys + Array("x".utf8))
            guard
                case .part(let part) = try PayloadContent(
                    decoding: maker.open(info, payload: record.payload).content), part.layout.isSingle
            else { throw TimedOut(description: "not one part") }
            var reader = MessageReader(length: part.share.count)
            var source: [UInt8]? = part.share
            func next() -> [UInt8]? {
                defer { source = nil }
                return source
            }
            let envelope = try reader.envelope(from: next)
            var body: [UInt8] = []
            while let chunk = try reader.nextBodyChunk(from: next) { body += chunk }
            return (envelope.bodyKind, body)
        }
    }

    /// The receipts among them.
    func receipts() throws -> [Receipt] {
        try arrived().filter { $0.kind == .receipt }.map { try Receipt(decoding: $0.body) }
    }

    /// The ordinary mails among them, as text.
    func mails() throws -> [String] { try arrived().filter { $0.kind == .raw }.map { String(decoding: $0.body, as: UTF8.self) } }
}
