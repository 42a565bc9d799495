import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@Suite("Packets")
struct PacketPropertyTests {
    @Test("content arrives over every number of hops, 32768 bytes at each", arguments: 1...5)
    func arrives(hops: Int) throws {
        let network = try TestNetwork(hops, name: "arrives \(hops)")
        let content = network.generator.bytes(Geometry.suite1.contentSize)
        var packet = try network.packet(content: content, hops: hops)
        for (index, node) in network.nodes.enumerated() {
            #expect(packet.count == 32768)
            switch try node.unwrap(packet) {
            case .forward(let next, let delay, let inner):
                #expect(next == network.nodes[index + 1].id)
                #expect(delay == UInt32(100 + index))
                packet = inner
            case .deliver(let delay, let found):
                #expect(index == hops - 1)
                #expect(delay == UInt32(100 + index))
                #expect(found == content)
            case .reply: Issue.record("a forward packet ended as a reply")
            }
        }
    }

    @Test("any bit flipped in the header is refused at that hop")
    func headerTamper() throws {
        let network = try TestNetwork(3, name: "headerTamper")
        let content = network.generator.bytes(Geometry.suite1.contentSize)
        var packet = try network.packet(content: content, hops: 3)
        for node in network.nodes {
            for _ in 0..<60 {
                let bit = Int.random(in: 0..<(Geometry.suite1.headerSize * 8), using: &network.generator)
                var changed = packet
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                let failure = #expect(throws: UnwrapFailure.self) { _ = try node.unwrap(changed) }
                switch bit / 8 {
                case 0, 1: #expect(failure == .malformed)
                case 2, 3: #expect(failure == .unknownPeriod)
                default: #expect(failure == .badMAC)
                }
            }
            if case .forward(_, _, let inner) = try node.unwrap(packet) { packet = inner }
        }
    }

    @Test("a bit flipped in the payload reaches the exit as badTag and noise", arguments: 0..<3)
    func payloadTamper(at hop: Int) throws {
        let network = try TestNetwork(3, name: "payloadTamper \(hop)")
        let content = network.generator.bytes(Geometry.suite1.contentSize)
        for _ in 0..<8 {
            var packet = try network.packet(content: content, hops: 3)
            var failure: UnwrapFailure?
            for (index, node) in network.nodes.enumerated() {
                if index == hop {
                    let bit = Int.random(in: (Geometry.suite1.headerSize * 8)..<(32768 * 8), using: &network.generator)
                    packet[bit / 8] ^= 1 << UInt8(bit % 8)
                }
                do throws(UnwrapFailure) {
                    if case .forward(_, _, let inner) = try node.unwrap(packet) { packet = inner }
                } catch {
                    #expect(index == 2)
                    failure = error
                }
            }
            #expect(failure == .badTag)
        }
    }

    @Test("every content byte becomes noise when one bit of the payload changes")
    func noise() throws {
        var generator = SeededRandom(name: "noise")
        var block = [UInt8](repeating: 0, count: Geometry.suite1.payloadSize)
        let cipher = WideBlock(key: SymmetricSecret(copying: generator.bytes(32)))
        block.withUnsafeMutableBytes { cipher.encrypt($0) }
        block[generator.bytes(1)[0].hashValue.magnitude.isMultiple(of: 2) ? 5 : 20_000] ^= 1
        block.withUnsafeMutableBytes { cipher.decrypt($0) }
        // 25652 bytes of noise hold about 100 zeros; 200 would be ten standard deviations off.
        #expect(block.filter { $0 == 0 }.count < 200)
    }

    @Test("a replay is refused before the payload is touched, an unknown period before the KEM")
    func replay() throws {
        let network = try TestNetwork(2, name: "replay")
        let packet = try network.packet(content: network.generator.bytes(Geometry.suite1.contentSize), hops: 2)
        var seen: Set<ReplayTag> = []
        let node = network.nodes[0]
        _ = try node.unwrap(packet) { !seen.insert($0).inserted }
        #expect(throws: UnwrapFailure.replay) { try node.unwrap(packet) { !seen.insert($0).inserted } }
        // The tag does not depend on the payload: a changed copy is still a replay.
        var changed = packet
        changed[30_000] ^= 1
        #expect(throws: UnwrapFailure.replay) { try node.unwrap(changed) { !seen.insert($0).inserted } }
        let stranger = TestNetwork.Node(id: node.id, keys: [:])
        #expect(throws: UnwrapFailure.unknownPeriod) { try stranger.unwrap(packet) }
        #expect(throws: UnwrapFailure.badMAC) { try network.nodes[1].unwrap(packet) }
    }

    @Test("an X25519 point of small order in the ciphertext is a bad MAC like any other wrong ciphertext")
    func smallOrder() throws {
        let network = try TestNetwork(1, name: "smallOrder")
        let g = Geometry.suite1
        var packet = try network.packet(content: network.generator.bytes(g.contentSize), hops: 1)
        for value: UInt8 in [0, 1] {
            packet.replaceSubrange(
                g.routingOffset - 32..<g.routingOffset, with: [value] + [UInt8](repeating: 0, count: 31))
            #expect(throws: UnwrapFailure.badMAC) { try network.nodes[0].unwrap(packet) }
        }
    }

    @Test("bytes of any size and content never trap")
    func garbage() throws {
        let network = try TestNetwork(1, name: "garbage")
        let node = network.nodes[0]
        for size in [0, 1, 3, 4, 7115, 7116, 32767, 32769, 65536] {
            #expect(throws: UnwrapFailure.malformed) { try node.unwrap(network.generator.bytes(size)) }
        }
        for _ in 0..<50 {
            var packet = network.generator.bytes(32768)
            packet[0] = 1
            packet[1] = 0
            packet[2] = UInt8(TestNetwork.period.number >> 8)
            packet[3] = UInt8(TestNetwork.period.number & 255)
            #expect(throws: UnwrapFailure.badMAC) { try node.unwrap(packet) }
        }
    }

    @Test("paths of no or too many hops and content of a wrong size are refused")
    func builder() throws {
        let network = try TestNetwork(6, name: "builder")
        let content = [UInt8](repeating: 0, count: Geometry.suite1.contentSize)
        #expect(throws: BuildError.hopCount(0)) { try network.packet(content: content, hops: 0) }
        #expect(throws: BuildError.hopCount(6)) { try network.packet(content: content, hops: 6) }
        #expect(throws: BuildError.contentSize(5)) { try network.packet(content: [1, 2, 3, 4, 5], hops: 3) }
    }
}
