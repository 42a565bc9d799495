import Daemon
import Directory
import Foundation
import MixCrypto
import NymProtocol
import Sphinx
import Spool
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("Key periods of packets without a block", .timeLimit(.minutes(3)))
struct CoverPeriodTests {
    /// What its first node reads in the clear.
    private static func period(_ packet: NewNymPacket) -> [UInt8] { Array(packet.content[2..<4]) }

    @Test("cover names the period of the block that a full stock would have had in its place, at all first nodes")
    func sameAsBlocks() throws {
        var random = SeededRandom(name: "sameAsBlocks")
        let directory = try TemporaryDirectory("packet-keys")
        // In the middle of a key period: near its end cover takes the next one.
        let first = try MixNetwork(now: MixNetwork.middleOfAPeriod)
        let path = directory.file("packet-keys")
        try PacketKeyBook(path: path).see(first.file, at: first.now)
        let person = try NymPerson("alice", domain: "nym.example", using: &random)
        // Blocks of two weeks ago, in a network that knows the keys of their period no more.
        let block = try first.blocks(1, of: person.maker)[0]
        for days in [14, 17, 20] {
            let now = first.now + .days(Int64(days))
            let later = try first.later(now)
            // Read again: what was written at the start is what counts.
            let book = PacketKeyBook(path: path)
            try book.see(later.file, at: now)
            let maker = PacketMaker(network: later.file, keys: book.keys, now: now)
            var nodes: Set<NodeID> = []
            for _ in 0..<120 {
                let cover = try maker.cover(release: now + .seconds(30), using: &random)
                #expect(cover.content.count == 32_768 && later.nodes.contains { $0.id == cover.node })
                let made = first.calendarPeriod(now - NymTiming.stock)
                #expect(Self.period(cover) == [UInt8(made >> 8), UInt8(made & 0xFF)], "after \(days) days")
                #expect(try later.fly(cover).hops == 5)
                nodes.insert(cover.node)
            }
            #expect(nodes.count == later.nodes.count)
            if days == 14 {
                let surb = try #require(try? SURB(block))
                #expect(maker.canUse(surb, at: now + .seconds(30)))
                let status = NymStatus(account: person.name, day: 1, difficulty: 0, results: [])
                let packet = try maker.packet(
                    NymPacket(status: status, records: []), through: surb, release: now + .seconds(30))
                let cover = try maker.cover(release: now + .seconds(30), using: &random)
                #expect(Self.period(packet) == Self.period(cover) && packet.deadline == cover.deadline)
            }
        }
    }

    @Test(
        "a server that was just set up names the oldest period whose keys it has; keys that nobody accepts are forgotten"
    )
    func justSetUp() throws {
        var random = SeededRandom(name: "justSetUp")
        let directory = try TemporaryDirectory("packet-keys")
        let network = try MixNetwork()
        let book = PacketKeyBook(path: directory.file("packet-keys"))
        try book.see(network.file, at: network.now)
        let current = network.calendarPeriod(network.now)
        let maker = PacketMaker(network: network.file, keys: book.keys, now: network.now)
        let cover = try maker.cover(release: network.now, using: &random)
        #expect(Self.period(cover) == [UInt8(current >> 8), UInt8(current & 0xFF)])
        let end = network.now + .days(60)
        try book.see(network.later(end - .days(36)).file, at: end - .days(36))
        #expect(book.keys.values.allSatisfy { keys in !keys.keys.contains { $0.number == current } })
        // A file that is none counts for nothing.
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory.file("packet-keys")))
        #expect(PacketKeyBook(path: directory.file("packet-keys")).keys.isEmpty)
    }
}

extension MixNetwork {
    fileprivate func calendarPeriod(_ time: Timestamp) -> UInt16 {
        file.parameters.calendar.period(at: time)?.number ?? 0
    }
}
