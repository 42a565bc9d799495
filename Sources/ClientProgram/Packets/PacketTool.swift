// `nightjar packet` and `nightjar testvectors`: packets as files, for debugging and for comparing implementations. Nothing
// here touches the network or the user's keys.

public import Foundation
internal import MixCrypto
internal import Sphinx
internal import WireFormat

/// Why a packet tool stops; words for people.
public struct PacketToolError: Error, CustomStringConvertible {
    public let description: String
}

/// Work on packets in files.
public enum PacketTool {
    /// What can be said of a packet, SURB or armor without any key, one `name value` line each.
    public static func inspect(_ bytes: [UInt8]) throws -> [(name: String, value: String)] {
        let geometry = Geometry.suite1
        if bytes.count == geometry.packetSize {
            return [
                ("kind", "packet"), ("size", String(bytes.count)), ("suite", String(bytes[0])),
                ("key-period", String(UInt16(bytes[2]) << 8 | UInt16(bytes[3]))),
                ("header-sha256", Digest.sha256(Array(bytes[..<geometry.headerSize])).hex),
                ("payload-sha256", Digest.sha256(Array(bytes[geometry.headerSize...])).hex),
                (
                    "form",
                    bytes[0] == geometry.suite && bytes[1] == 0 ? "well-formed" : "malformed: suite or reserved byte"
                ),
            ]
        }
        let blocks = bytes.count == geometry.surbSize ? [bytes] : replyBlocks(bytes)
        guard !blocks.isEmpty else {
            throw PacketToolError(
                description:
                    "this is neither a packet (\(geometry.packetSize) bytes) nor a reply block (\(geometry.surbSize) bytes "
                    + "or armor), but \(bytes.count) bytes of something else")
        }
        return try blocks.flatMap { block -> [(name: String, value: String)] in
            let surb: SURB
            do throws(SURBError) { surb = try SURB(block) } catch {
                throw PacketToolError(
                    description:
                        "this has a reply block's size (\(block.count) bytes), but is none that this version knows")
            }
            return [
                ("kind", "surb"), ("size", String(block.count)), ("expires", surb.expiry.description),
                ("first-node", surb.first.hex), ("header-sha256", Digest.sha256(surb.header).hex),
            ]
        }
    }

    private static func replyBlocks(_ bytes: [UInt8]) -> [[UInt8]] {
        guard let text = String(validating: bytes, as: UTF8.self) else { return [] }
        return Armor.decode(text, kind: .replyBlock).blocks
    }

    /// One node's work on a packet, given the 32-byte seed of its key. The output is the next packet, the content or the
    /// reply's payload.
    public static func unwrap(
        _ packet: [UInt8], seed: [UInt8], node: String
    ) throws -> (facts: [(name: String, value: String)], output: [UInt8]) {
        guard let id = NodeID(hex: node) else {
            throw PacketToolError(description: "a node id is 64 hexadecimal digits")
        }
        var seed = seed
        guard seed.count == KEM.seedSize else {
            throw PacketToolError(description: "a key seed has \(KEM.seedSize) bytes")
        }
        let key = try KEMPrivateKey(seed: SecretBytes(moving: &seed))
        let result: (tag: ReplayTag, period: KeyPeriod, outcome: Outcome)
        do {
            result = try Unwrapper(node: id).unwrap(packet, keys: AnyPeriod(privateKey: key)) { _, _ in false }
        } catch {
            throw PacketToolError(description: "the node would drop this packet: \(error)")
        }
        var facts = [("replay-tag", result.tag.hex), ("key-period", result.period.description)]
        switch result.outcome {
        case .forward(let next, let delay, let packet):
            facts += [("outcome", "forward"), ("next", next.hex), ("delay-ms", String(delay))]
            return (facts, packet)
        case .deliver(let delay, let content):
            facts += [
                ("outcome", "deliver"), ("delay-ms", String(delay)), ("content-sha256", Digest.sha256(content).hex),
            ]
            return (facts, content)
        case .reply(let delay, let info, let payload):
            let parsed = try ReplyInfo(info)
            facts += [
                ("outcome", "reply"), ("delay-ms", String(delay)), ("surb-id", parsed.id.hex),
                ("address", parsed.address),
            ]
            return (facts, payload)
        }
    }

    /// A packet for a path given as text, one hop a line: `node-id period delay-ms public-key-file`. Content shorter than a
    /// payload is filled up with zeros.
    public static func wrap(_ content: [UInt8], path text: String, readFile: (String) throws -> [UInt8]) throws
        -> [UInt8]
    {
        var path: [PathHop] = []
        for (number, line) in text.split(separator: "\n").enumerated() where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let id = NodeID(hex: words[0]), let period = UInt16(words[1]),
                let delay = UInt32(words[2])
            else {
                throw PacketToolError(
                    description: "line \(number + 1) of the path is not `node-id period delay-ms public-key-file`")
            }
            let key: KEMPublicKey
            do {
                key = try KEMPublicKey(readFile(words[3]))
            } catch let error as CryptoError {
                throw PacketToolError(
                    description: "\(words[3]) is not a public key of \(KEM.publicKeySize) bytes (\(error))")
            }
            path.append(PathHop(node: id, key: key, period: KeyPeriod(period), delay: delay))
        }
        let size = Geometry.suite1.contentSize
        guard content.count <= size else {
            throw PacketToolError(
                description: "the content has \(content.count) bytes; a packet carries at most \(size)")
        }
        var generator = SystemRandomNumberGenerator()
        return try PacketBuilder().build(
            content: content + [UInt8](repeating: 0, count: size - content.count), path: path, using: &generator)
    }
}

private struct AnyPeriod: PacketKeys {
    let privateKey: KEMPrivateKey
    func key(of period: KeyPeriod) -> KEMPrivateKey? { privateKey }
}

/// Golden vectors in the exchange form.
public enum TestVectors {
    /// Ten fresh vectors, forward and reply over one to five hops, as JSON.
    public static func make() throws -> Data {
        var generator = SystemRandomNumberGenerator()
        var vectors: [PacketVector] = []
        for kind in ["forward", "reply"] {
            for hops in 1...5 { vectors.append(try PacketVector.make(kind: kind, hopCount: hops, using: &generator)) }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(vectors) + Data("\n".utf8)
    }

    /// Checks every vector of a file.
    /// - Returns: for each vector its description and what is wrong with it, nil if nothing.
    public static func check(_ json: Data) throws -> [(name: String, problem: String?)] {
        let vectors: [PacketVector]
        do {
            vectors = try JSONDecoder().decode([PacketVector].self, from: json)
        } catch {
            throw PacketToolError(description: "this file is not a list of packet vectors in JSON")
        }
        return vectors.enumerated().map { index, vector in
            let name = "\(index + 1) \(vector.kind), \(Count.text(vector.nodes.count, "hop"))"
            do {
                try vector.verify()
                return (name, nil)
            } catch {
                return (name, "\(error)")
            }
        }
    }
}
