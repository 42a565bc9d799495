import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Sphinx

/// What the user of a reply block can know of the packet once it is under way, and what he can do to it.
@Suite("Repliers")
struct ReplierTests {
    static let shape = HopViewNetwork.shape

    /// The share of bits in which two payloads differ.
    static func difference(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> Double {
        Double(zip(first, second).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }) / Double(first.count * 8)
    }

    /// Half of all bits of a payload, within seven standard deviations.
    static let half = 0.5 - 7 * 0.5 / Double(25_652 * 8).squareRoot()...0.5 + 7 * 0.5 / Double(25_652 * 8).squareRoot()

    @Test("a replier's packet is at no later hop anything that he could compute")
    func unpredictable() throws {
        let net = try HopViewNetwork(nodes: 5, name: "unpredictable")
        let surb = try net.surb(hops: 5)
        let content = HopViewNetwork.content("hello")
        let flight = try net.fly(surb.makePacket(content: content, at: HopViewNetwork.now), first: surb.first)
        #expect(flight.packets.count == 5)
        // All that the block's keys make of the content, forwards and backwards, more often than there are hops.
        var computable: [[UInt8]] = []
        let plain = [UInt8](repeating: 0, count: 32) + content
        for key in [surb.payloadKey, surb.messageKey] {
            var encrypted = plain
            var decrypted = plain
            for _ in 0..<6 {
                encrypted.withUnsafeMutableBytes { WideBlock(key: key).encrypt($0) }
                decrypted.withUnsafeMutableBytes { WideBlock(key: key).decrypt($0) }
                computable += [encrypted, decrypted]
            }
        }
        #expect(flight.packets[0][Self.shape.header...] == computable[0][...])
        for packet in flight.packets.dropFirst() {
            for guess in computable + [plain] {
                let difference = Self.difference(packet[Self.shape.header...], guess[...])
                #expect(Self.half.contains(difference), "\(difference)")
            }
        }
    }

    @Test("two blocks that give a replier the same keys make different payloads from the first hop on")
    func otherHops() throws {
        let net = try HopViewNetwork(nodes: 5, name: "other hops")
        let (first, other) = (try net.surb(hops: 5), try net.surb(hops: 5))
        let twin = SURB(
            expiry: other.expiry, first: other.first, header: other.header, payloadKey: first.payloadKey,
            messageKey: first.messageKey)
        let content = HopViewNetwork.content("hello")
        let flights = try [first, twin].map {
            try net.fly($0.makePacket(content: content, at: HopViewNetwork.now), first: $0.first)
        }
        #expect(flights[0].packets[0][Self.shape.header...] == flights[1].packets[0][Self.shape.header...])
        for hop in 1..<5 {
            let difference = Self.difference(
                flights[0].packets[hop][Self.shape.header...], flights[1].packets[hop][Self.shape.header...])
            #expect(Self.half.contains(difference), "\(difference)")
        }
    }

    /// A payload that the replier marks is an ordinary packet to every hop, and worthless to its reader: whoever stands at
    /// both ends learns that a packet was damaged, never what was in it.
    @Test(
        "a payload that is marked, sealed wrongly or made up is damaged for its reader, and no hop sees it",
        arguments: 0..<4)
    func tagging(kind: Int) throws {
        let net = try HopViewNetwork(nodes: 5, name: "tagging \(kind)")
        let surb = try net.surb(hops: 4)
        var packet = try surb.makePacket(content: HopViewNetwork.content("hello"), at: HopViewNetwork.now)
        switch kind {
        case 0: packet[Self.shape.header] ^= 1
        case 1: packet[Self.shape.packet - 1] ^= 0x80
        case 2:
            // Another tag than zeros, encrypted as it should be.
            var payload = [UInt8](repeating: 1, count: 32) + HopViewNetwork.content("hello")
            payload.withUnsafeMutableBytes { WideBlock(key: surb.payloadKey).encrypt($0) }
            packet.replaceSubrange(Self.shape.header..., with: payload)
        default: packet.replaceSubrange(Self.shape.header..., with: [UInt8](repeating: 0, count: 25_652))
        }
        let flight = try net.fly(packet, first: surb.first)
        #expect(flight.packets.count == 4)
        let last = try #require(flight.packets.last)
        let node = try #require(net.network.nodes.first { node in (try? node.unwrap(last)) != nil })
        guard case .reply(_, let info, let payload) = try node.unwrap(last) else {
            Issue.record("not a reply")
            return
        }
        #expect(throws: SURBError.damaged) { _ = try net.maker.open(ReplyInfo(info), payload: payload) }
        // Nor does the noise keep the mark: nothing of the text or the zeros shows.
        #expect(Self.half.contains(Self.difference(payload[...], [UInt8](repeating: 0, count: 25_652)[...])))
    }
}
