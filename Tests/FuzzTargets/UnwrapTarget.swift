// What contrib/fuzz feeds with mutated bytes, and the test suite with the corpus. A fault is a trap: the fuzzer's only
// language. The node's key and the packet under the mutations are those of a golden vector, so that an input means the
// same in every run.

public import Foundation
import MixCrypto
import Sphinx
import WireFormat

/// Unwrapping of whatever comes in. The first byte of an input says how the rest becomes a packet (`Mode`).
public struct UnwrapTarget: Sendable {
    public enum Mode: UInt8, CaseIterable, Sendable {
        /// The rest is the packet.
        case raw
        /// A valid packet with the rest over it, at the offset in the rest's first two bytes.
        case patched
        /// The same, and the MAC is made right again: what a sender who knows the format can send.
        case authenticated
        /// The rest is this hop's routing information in the clear, authenticated, with a payload whose tag is right.
        case plaintext
        /// The same with a payload whose tag is wrong.
        case plaintextTagged
    }

    private struct OneKey: PacketKeys {
        let period: KeyPeriod
        let privateKey: KEMPrivateKey
        func key(of period: KeyPeriod) -> KEMPrivateKey? { period == self.period ? privateKey : nil }
    }

    private static let geometry = Geometry.suite1
    private let node: NodeID
    private let keys: OneKey
    private let packet: [UInt8]

    /// - Parameter vectors: the golden vectors, `Tests/SphinxTests/Vectors/packet-v1.json`.
    public init(vectors: URL) throws {
        let all = try JSONDecoder().decode([PacketVector].self, from: Data(contentsOf: vectors))
        guard let vector = all.last(where: { $0.kind == "forward" }), let first = vector.nodes.first,
            var seed = Hex.decode(first.seed),
            let id = NodeID(hex: first.id), let packet = Hex.decode(vector.packet),
            packet.count == Self.geometry.packetSize
        else { throw VectorMismatch("the vectors hold no forward packet") }
        node = id
        keys = OneKey(period: KeyPeriod(first.period), privateKey: try KEMPrivateKey(seed: SecretBytes(moving: &seed)))
        self.packet = packet
    }

    /// Inputs of each mode to start from.
    public var seeds: [(name: String, bytes: [UInt8])] {
        let g = Self.geometry
        let block = { (kind: UInt8, length: UInt16, rest: [UInt8]) in
            [kind, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0, 9] + rest
        }
        var list: [(String, [UInt8])] = [
            ("raw-valid", [Mode.raw.rawValue] + packet),
            ("raw-empty", [Mode.raw.rawValue]),
            ("patched-nothing", [Mode.patched.rawValue, 0, 0]),
        ]
        for offset in [0, 1, 2, g.prefixSize, g.routingOffset, g.macOffset, g.headerSize, g.packetSize - 1] {
            for mode in [Mode.patched, .authenticated] {
                list.append(("\(mode)-at-\(offset)", [mode.rawValue, UInt8(offset >> 8), UInt8(offset & 255), 0xFF]))
            }
        }
        for mode in [Mode.plaintext, .plaintextTagged] {
            list.append(("\(mode)-forward", [mode.rawValue] + block(0, 2967, [UInt8](repeating: 3, count: 64))))
            list.append(("\(mode)-deliver", [mode.rawValue] + block(1, 0, [])))
            list.append(("\(mode)-deliver-padding", [mode.rawValue] + block(1, 0, [0, 1])))
            list.append(("\(mode)-reply", [mode.rawValue] + block(2, 260, [UInt8](repeating: 65, count: 260))))
            list.append(("\(mode)-reply-short", [mode.rawValue] + block(2, 256, [UInt8](repeating: 65, count: 256))))
            list.append(("\(mode)-reply-long", [mode.rawValue] + block(2, 0xFFFF, [])))
            list.append(("\(mode)-kind-3", [mode.rawValue] + block(3, 0, [])))
        }
        return list
    }

    /// Unwraps what `input` makes and traps if the result is not what the format says.
    public func run(_ input: [UInt8]) throws {
        guard let first = input.first, let mode = Mode(rawValue: first % UInt8(Mode.allCases.count)) else { return }
        let rest = input.dropFirst()
        switch mode {
        case .raw: _ = try check(Array(rest))
        case .patched, .authenticated:
            var changed = packet
            if rest.count > 2 {
                let offset = (Int(rest[1]) << 8 | Int(rest[2])) % changed.count
                let patch = rest.dropFirst(2).prefix(changed.count - offset)
                changed.replaceSubrange(offset..<offset + patch.count, with: patch)
            }
            let isAuthentic = mode == .authenticated && authenticate(&changed)
            let failure = try check(changed)
            let readsPrefix = changed[0] == 1 && changed[1] == 0 && changed[2..<4] == packet[2..<4]
            if isAuthentic, readsPrefix { precondition(failure != .badMAC, "an authenticated header was refused") }
        case .plaintext, .plaintextTagged:
            let routing = Array(rest.prefix(Self.geometry.routingSize))
            let made = try sealed(routing, hasGoodTag: mode == .plaintext)
            let failure = try check(made)
            precondition(
                failure == expected(routing, hasGoodTag: mode == .plaintext), "the outcome is not what the format says")
        }
    }

    /// Unwraps and checks the sizes of what comes out.
    private func check(_ packet: [UInt8]) throws -> UnwrapFailure? {
        let g = Self.geometry
        do throws(UnwrapFailure) {
            switch try Unwrapper(node: node).unwrap(packet, keys: keys, isKnown: { _, _ in false }).outcome {
            case .forward(_, _, let packet):
                precondition(
                    packet.count == g.packetSize && packet[0] == g.suite && packet[1] == 0,
                    "a packet of another form left")
            case .deliver(_, let content): precondition(content.count == g.contentSize, "content of another size")
            case .reply(_, let info, let payload):
                precondition(payload.count == g.payloadSize && info.count <= g.infoSize, "a reply of another size")
                guard let parsed = try? ReplyInfo(info) else { return nil }
                let maker = SURBMaker(secret: SymmetricSecret(copying: [UInt8](repeating: 1, count: 32)))
                precondition((try? maker.open(parsed, payload: payload)) == nil, "a reply that nobody made was opened")
            }
            return nil
        } catch {
            return error
        }
    }

    // The hop's keys, derived here a second time from what the specification says: mac, stream, replay, payload.
    private func hopKeys(_ packet: [UInt8]) throws -> SymmetricSecret {
        let g = Self.geometry
        let secret = try packet.withUnsafeBytes {
            try keys.privateKey.decapsulate(UnsafeRawBufferPointer(rebasing: $0[g.prefixSize..<g.routingOffset]))
        }
        let period = keys.period.number
        return secret.expand(
            info: Array("nightjar/1 hop".utf8) + node.bytes + [UInt8(period >> 8), UInt8(period & 255)], count: 128)
    }

    /// Makes the MAC right; false if the ciphertext is one that X-Wing refuses (an X25519 point of small order).
    private func authenticate(_ packet: inout [UInt8]) -> Bool {
        let g = Self.geometry
        guard let mac = try? hopKeys(packet).part(0) else { return false }
        let digest = packet.withUnsafeBytes { mac.mac(UnsafeRawBufferPointer(rebasing: $0[..<g.macOffset])) }
        packet.replaceSubrange(g.macOffset..<g.headerSize, with: digest.bytes)
        return true
    }

    /// The packet whose routing information decrypts to `routing` and zeros.
    private func sealed(_ routing: [UInt8], hasGoodTag: Bool) throws -> [UInt8] {
        let g = Self.geometry
        var made = packet
        let keys = try hopKeys(packet)
        let stream = keys.part(1).stream(g.routingSize)
        for index in 0..<g.routingSize {
            made[g.routingOffset + index] = stream[index] ^ (index < routing.count ? routing[index] : 0)
        }
        for index in 0..<g.keySize { made[g.headerSize + index] = hasGoodTag ? 0 : UInt8(index) }
        made.withUnsafeMutableBytes { bytes in
            WideBlock(key: keys.part(3)).encrypt(UnsafeMutableRawBufferPointer(rebasing: bytes[g.headerSize...]))
        }
        guard authenticate(&made) else { throw VectorMismatch("the golden packet's ciphertext is refused") }
        return made
    }

    /// What the format says of a first block, written down a second time; nil: the packet is good.
    private func expected(_ routing: [UInt8], hasGoodTag: Bool) -> UnwrapFailure? {
        let g = Self.geometry
        let block =
            Array(routing.prefix(g.blockSize)) + [UInt8](repeating: 0, count: max(0, g.blockSize - routing.count))
        let length = Int(block[2]) * 256 + Int(block[3])
        if block[1] != 0 { return .malformed }
        switch block[0] {
        case 0: return nil
        case 1:
            if length != 0 || block[8...].contains(where: { $0 != 0 }) { return .malformed }
            return hasGoodTag ? nil : .badTag
        case 2:
            if length > 1184 || length < 257 || block[(8 + length)...].contains(where: { $0 != 0 }) {
                return .malformed
            }
            return nil
        default: return .malformed
        }
    }
}
