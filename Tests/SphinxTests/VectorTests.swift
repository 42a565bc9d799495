import Foundation
import Sphinx
import Testing
import TestSupport

@Suite("Golden vectors")
struct VectorTests {
    static let golden: [PacketVector] = {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Vectors/packet-v1.json")
        return (try? JSONDecoder().decode([PacketVector].self, from: Data(contentsOf: url))) ?? []
    }()

    @Test("there are ten vectors of an independent implementation")
    func present() { #expect(Self.golden.count == 10) }

    @Test("every golden vector passes", arguments: 0..<10)
    func passes(index: Int) throws { try Self.golden[index].verify() }

    @Test("a vector made here verifies", arguments: ["forward", "reply"], 1...5)
    func ours(kind: String, hops: Int) throws {
        var generator = SeededRandom(name: "vector \(kind) \(hops)")
        let vector = try PacketVector.make(kind: kind, hopCount: hops, using: &generator)
        let text = try JSONEncoder().encode(vector)
        try JSONDecoder().decode(PacketVector.self, from: text).verify()
    }

    @Test("a vector with any wrong value is refused")
    func refused() throws {
        var changed = Self.golden[3]
        changed.hops[2].replayTag = String(repeating: "0", count: 64)
        #expect(throws: VectorMismatch.self) { try changed.verify() }
        changed = Self.golden[8]
        changed.contentSHA256 = String(repeating: "0", count: 64)
        #expect(throws: VectorMismatch.self) { try changed.verify() }
        changed = Self.golden[2]
        changed.packet.replaceSubrange(changed.packet.startIndex..<changed.packet.index(changed.packet.startIndex, offsetBy: 2), with: "02")
        #expect(throws: UnwrapFailure.malformed) { try changed.verify() }
    }
}
