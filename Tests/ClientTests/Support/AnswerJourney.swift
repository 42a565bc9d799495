// Answers on their way: packets are unwrapped hop by hop, changed over where that is asked for, and opened by whoever made
// the reply blocks.

import Directory
import Foundation
import Messages
import MixCrypto
import Sphinx
import TestSupport
import WireFormat

@testable import ClientProgram

/// A packet of an answer at its end.
struct AnswerJourney {
    /// Nodes to the one where it changed over; empty for a direct one.
    let forward: [String]
    /// Nodes of the reply block's path.
    let back: [String]
    let info: ReplyInfo
    let payload: [UInt8]
}

private struct AnswerKeys: PacketKeys {
    let keys: [KeyPeriod: KEMPrivateKey]
    func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
}

/// Somebody who makes reply blocks in a test network.
struct BlockMaker {
    let network: TestNetwork
    let maker: SURBMaker
    let address: String

    init(_ network: TestNetwork, address: String = "mbox:info@echo") throws {
        self.network = network
        self.address = address
        maker = SURBMaker(secret: .random())
    }

    /// Blocks whose paths end at echo.
    func make(_ count: Int, hops: Int = 5, expiry: Timestamp? = nil) throws -> [SURB] {
        var generator = SystemRandomNumberGenerator()
        let selector = PathSelector(network: network.file, at: .now)
        let end = selector.expiry(at: .now) ?? .now
        return try (0..<count).map { _ in
            let path = try selector.choose(
                PathSpecification(hops == 1 ? "echo" : "*\(hops - 1),echo"), demands: PathDemands(), using: &generator)
            let pathHops = try selector.hops(path, delays: path.map { _ in 1000 }, at: .now)
            return try maker.make(path: pathHops, address: address, expiry: expiry ?? end, using: &generator).surb
        }
    }

    /// Blocks as text.
    func text(_ count: Int, expiry: Timestamp? = nil) throws -> String {
        try make(count, expiry: expiry).map { Armor.encode($0.encoded, kind: .replyBlock) }.joined()
    }

    /// The part that a packet brought.
    func open(_ journey: AnswerJourney) throws -> Part {
        let (content, key) = try maker.open(journey.info, payload: journey.payload)
        switch try PayloadContent(decoding: content) {
        case .part(let part): return part
        case .sealed(let sealed): return try SealedPart.open(sealed, messageKey: key)
        default: throw User.Failure(text: "neither a part nor a sealed one")
        }
    }

    /// The message of an answer of which all packets came.
    func message(_ journeys: [AnswerJourney]) throws -> (envelope: Envelope, body: [UInt8]) {
        var unique: [[Int]: Part] = [:]
        for part in try journeys.map(open) { unique[[part.group.number, part.index]] = part }
        let parts = Array(unique.values)
        guard let layout = parts.first?.layout, parts.count == layout.parts, Set(parts.map(\.id)).count == 1 else {
            throw User.Failure(text: "parts are missing")
        }
        var assembler = MessageAssembler(layout: layout)
        var chunks: [[UInt8]] = []
        while let group = assembler.nextGroup {
            let shares = parts.filter { $0.group == group }.sorted { $0.index < $1.index }.suffix(group.dataShares)
            chunks.append(try assembler.data(from: shares.map { ErasureCode.Share(index: $0.index, bytes: $0.share) }))
        }
        chunks.reverse()
        var reader = MessageReader(length: layout.messageLength)
        let envelope = try reader.envelope { chunks.popLast() }
        var body: [UInt8] = []
        while let more = try reader.nextBodyChunk(from: { chunks.popLast() }) { body += more }
        return (envelope, body)
    }
}

extension Timestamp {
    /// Real time.
    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}

extension TestNetwork {
    /// Follows a packet of an answer from the node that took it to the end of its reply block.
    func followAnswer(_ body: [UInt8], from first: TestNode) throws -> AnswerJourney {
        var (node, packet) = (first, body)
        var forward: [String] = []
        var path: [String] = []
        while true {
            guard packet.count == Geometry.suite1.packetSize else { throw User.Failure(text: "another size") }
            path.append(node.name)
            var next: NodeID
            switch try Unwrapper(node: node.id).unwrap(
                packet, keys: AnswerKeys(keys: node.packetKeys), isKnown: { _, _ in false }
            ).outcome {
            case .forward(let id, _, let inner):
                (next, packet) = (id, inner)
            case .deliver(_, let content):
                guard case .inject(let injection) = try PayloadContent(decoding: content), forward.isEmpty else {
                    throw User.Failure(text: "not an injection")
                }
                forward = path
                path = []
                next = injection.firstNode
                packet = injection.header + [UInt8](repeating: 0, count: Geometry.suite1.keySize)
                packet += try PayloadContent.sealed(injection.sealedPart).encoded()
                packet.withUnsafeMutableBytes { bytes in
                    WideBlock(key: injection.payloadKey).encrypt(
                        UnsafeMutableRawBufferPointer(rebasing: bytes[Geometry.suite1.headerSize...]))
                }
            case .reply(_, let info, let payload):
                return AnswerJourney(forward: forward, back: path, info: try ReplyInfo(info), payload: payload)
            }
            guard let following = nodes.first(where: { $0.id == next }) else {
                throw User.Failure(text: "no such node")
            }
            node = following
        }
    }

    /// The journeys of all packets that the nodes took, which must be of answers.
    func answers() throws -> [AnswerJourney] { try taken.map { try followAnswer($0.body, from: $0.node) } }
}

extension NodeID {
    /// Of no node.
    static func random() -> NodeID {
        var generator = SystemRandomNumberGenerator()
        return .random(using: &generator)
    }
}
