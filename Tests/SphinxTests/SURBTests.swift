import MixCrypto
import Sphinx
import Testing
import TestSupport
import WireFormat

@Suite("SURBs")
struct SURBTests {
    static let expiry = Timestamp(seconds: 2_000_000)
    static let before = Timestamp(seconds: 1_000_000)

    @Test("an answer comes back to its maker and to nobody else", arguments: 1...5)
    func roundTrip(hops: Int) throws {
        let network = try TestNetwork(hops, name: "surb \(hops)")
        let maker = SURBMaker(secret: SymmetricSecret(copying: network.generator.bytes(32)))
        let made = try maker.make(path: network.path(hops), address: "box:abc", expiry: Self.expiry, using: &network.generator)
        let surb = try SURB(made.surb.encoded)
        #expect(surb.first == network.nodes[0].id)
        #expect(surb.expiry == Self.expiry)
        let content = network.generator.bytes(Geometry.suite1.contentSize)
        var packet = try surb.makePacket(content: content, at: Self.before)
        for (index, node) in network.nodes.enumerated() {
            #expect(packet.count == 32768)
            switch try node.unwrap(packet) {
            case .forward(_, _, let inner): packet = inner
            case .deliver: Issue.record("a reply ended as a forward packet")
            case .reply(let delay, let info, var payload):
                #expect(index == hops - 1)
                #expect(delay == UInt32(100 + index))
                let parsed = try ReplyInfo(info)
                #expect(parsed.id == made.id)
                #expect(parsed.address == "box:abc")
                let opened = try maker.open(parsed, payload: payload)
                #expect(opened.content == content)
                #expect(opened.messageKey.withBytes { Array($0) } == surb.messageKey.withBytes { Array($0) })
                let other = SURBMaker(secret: SymmetricSecret(copying: network.generator.bytes(32)))
                #expect(throws: SURBError.notOurs) { _ = try other.open(parsed, payload: payload) }
                payload[100] ^= 1
                #expect(throws: SURBError.damaged) { _ = try maker.open(parsed, payload: payload) }
            }
        }
    }

    @Test("forward and reply packets give a middle hop the same view")
    func sameView() throws {
        let network = try TestNetwork(3, name: "sameView")
        let content = network.generator.bytes(Geometry.suite1.contentSize)
        let forward = try network.packet(content: content, hops: 3)
        let maker = SURBMaker(secret: SymmetricSecret(copying: network.generator.bytes(32)))
        let reply = try maker.make(path: network.path(3), address: "box:abc", expiry: Self.expiry, using: &network.generator)
            .surb.makePacket(content: content, at: Self.before)
        var packets = [forward, reply]
        for index in 0..<2 {
            #expect(packets[0].prefix(4) == packets[1].prefix(4))
            for which in 0..<2 {
                guard case .forward(let next, let delay, let inner) = try network.nodes[index].unwrap(packets[which]) else {
                    Issue.record("not forwarded")
                    return
                }
                #expect(next == network.nodes[index + 1].id)
                #expect(delay == UInt32(100 + index))
                // What the hop sees of the payload is noise in both: no byte value is favoured.
                let counts = inner[7116...].reduce(into: [Int](repeating: 0, count: 256)) { $0[Int($1)] += 1 }
                #expect(counts.max() ?? 0 < 180)
                packets[which] = inner
            }
        }
    }

    @Test("an expired SURB is refused with its date, and malformed ones never trap")
    func refused() throws {
        let network = try TestNetwork(1, name: "surb refused")
        let maker = SURBMaker(secret: SymmetricSecret(copying: network.generator.bytes(32)))
        let surb = try maker.make(path: network.path(1), address: "", expiry: Self.expiry, using: &network.generator).surb
        let content = [UInt8](repeating: 0, count: Geometry.suite1.contentSize)
        #expect(throws: SURBError.expired(Self.expiry)) { _ = try surb.makePacket(content: content, at: Self.expiry) }
        for size in [0, 1, 7223, 7225] {
            #expect(throws: SURBError.malformed) { _ = try SURB([UInt8](repeating: 1, count: size)) }
        }
        var encoded = surb.encoded
        encoded[0] = 2
        #expect(throws: SURBError.malformed) { _ = try SURB(encoded) }
        encoded[0] = 1
        encoded[2] = 1
        #expect(throws: SURBError.malformed) { _ = try SURB(encoded) }
        let long = String(repeating: "a", count: 928)
        #expect(throws: BuildError.addressSize(928)) {
            _ = try maker.make(path: network.path(1), address: long, expiry: Self.expiry, using: &network.generator)
        }
    }

    @Test("armor survives quoting, CRLF and other text around it")
    func armor() throws {
        var generator = SeededRandom(name: "armor")
        let first = generator.bytes(7224)
        let second = generator.bytes(100)
        let text = "Hello\n\n" + Armor.encode(first, kind: .replyBlock) + "--\n" + Armor.encode(second, kind: .replyBlock)
        #expect(Armor.decode(text, kind: .replyBlock).blocks == [first, second])
        let quoted = text.split(separator: "\n", omittingEmptySubsequences: false).map { "> > \($0)\r\n" }.joined()
        #expect(Armor.decode(quoted, kind: .replyBlock).blocks == [first, second])
        #expect(Armor.decode(text, kind: .message).blocks.isEmpty)
        let damaged = text.replacingFirst("-----END NIGHTJAR REPLY BLOCK-----", with: "")
        #expect(Armor.decode(damaged, kind: .replyBlock).damaged == 1)
        #expect(Armor.decode(damaged, kind: .replyBlock).blocks == [second])
    }
}

extension String {
    func replacingFirst(_ text: String, with replacement: String) -> String {
        guard let range = firstRange(of: text) else { return self }
        return replacingCharacters(in: range, with: replacement)
    }

    private func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
