// What arrives at exits: packets are unwrapped with every node's key in turn, parts are put together, messages are read.

import Directory
import Messages
import MixCrypto
import Sphinx
import TestSupport
import WireFormat

/// A message as its exit has it.
struct ArrivedMessage {
    let exit: String
    let envelope: Envelope
    let body: [UInt8]
    /// Packets that carried it, and different parts among them.
    let packets, parts: Int
}

/// A packet's journey.
struct Journey {
    let path: [String]
    /// Milliseconds, one for each hop.
    let delays: [UInt32]
    let part: Part
}

private struct NodeKeys: PacketKeys {
    let keys: [KeyPeriod: KEMPrivateKey]
    func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
}

extension TestNetwork {
    /// Follows a packet from the node that took it to its end.
    func follow(_ body: [UInt8], from first: TestNode) throws -> Journey {
        var (node, packet) = (first, body)
        var path: [String] = []
        var delays: [UInt32] = []
        while true {
            path.append(node.name)
            switch try Unwrapper(node: node.id).unwrap(
                packet, keys: NodeKeys(keys: node.packetKeys), isKnown: { _, _ in false }
            ).outcome {
            case .forward(let next, let delay, let inner):
                delays.append(delay)
                guard let following = nodes.first(where: { $0.id == next }) else {
                    throw User.Failure(text: "no such node")
                }
                (node, packet) = (following, inner)
            case .deliver(let delay, let content):
                guard case .part(let part) = try PayloadContent(decoding: content) else {
                    throw User.Failure(text: "no part")
                }
                return Journey(path: path, delays: delays + [delay], part: part)
            case .reply: throw User.Failure(text: "a reply")
            }
        }
    }

    /// Every packet's journey.
    func journeys() throws -> [Journey] { try taken.map { try follow($0.body, from: $0.node) } }

    /// Every message of which all packets came, by recipients.
    func messages() throws -> [ArrivedMessage] {
        try Dictionary(grouping: journeys(), by: \.part.id).values.map { journeys in
            let exits = Set(journeys.compactMap(\.path.last))
            guard exits.count == 1, let exit = exits.first else { throw User.Failure(text: "parts at several exits") }
            var unique: [[Int]: Part] = [:]
            for journey in journeys { unique[[journey.part.group.number, journey.part.index]] = journey.part }
            let parts = Array(unique.values)
            guard parts.count == parts[0].layout.parts else { throw User.Failure(text: "parts are missing") }
            var assembler = MessageAssembler(layout: parts[0].layout)
            var chunks: [[UInt8]] = []
            while let group = assembler.nextGroup {
                // The last k shares: redundancy has to be right too.
                let shares = parts.filter { $0.group == group }.sorted { $0.index < $1.index }.suffix(group.dataShares)
                chunks.append(
                    try assembler.data(from: shares.map { ErasureCode.Share(index: $0.index, bytes: $0.share) }))
            }
            chunks.reverse()
            var reader = MessageReader(length: parts[0].layout.messageLength)
            let envelope = try reader.envelope { chunks.popLast() }
            var body: [UInt8] = []
            while let more = try reader.nextBodyChunk(from: { chunks.popLast() }) { body += more }
            return ArrivedMessage(
                exit: exit, envelope: envelope, body: body, packets: journeys.count, parts: parts.count)
        }.sorted { $0.envelope.recipients[0].description < $1.envelope.recipients[0].description }
    }
}

extension User {
    /// Adds the network.
    func join(_ network: TestNetwork) async throws {
        let files = try files(of: network)
        let run = try await run(
            "network", "add", files.network, "--consensus", files.consensus, "--descriptors", files.descriptors)
        guard run.code == 0 else { throw Failure(text: run.description) }
    }

    /// What the network's authority publishes: `NAME.network`, `NAME.consensus` and `NAME.descriptors`.
    @discardableResult
    func files(of network: TestNetwork) throws -> (network: String, consensus: String, descriptors: String) {
        let name = network.file.name
        return (
            try file("\(name).network", network.file.root.bytes),
            try file("\(name).consensus", network.file.consensus?.bytes ?? []),
            try file("\(name).descriptors", DescriptorBundle.join(network.file.nodes))
        )
    }
}
