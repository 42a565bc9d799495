import Daemon
import Directory
import Foundation
import MixCrypto
import NymProtocol
import Spool
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import NymserverProgram

@Suite("Slots of nyms", .timeLimit(.minutes(3)))
struct SlotTests {
    /// What a watcher of the server's output sees: when, how much, and whether it is like the others.
    private static func watched(_ packets: [NewNymPacket]) -> [Timestamp] { packets.map(\.release) }

    @Test("packets leave at the same moments, as many and as large, whether mail came or not, with blocks or without")
    func constantRate() async throws {
        var random = SeededRandom(name: "constantRate")
        let network = try MixNetwork()
        let stage = try await NymserverStage(network)
        let start = stage.now
        // The moments follow from the server's secret and the accounts' numbers alone.
        let clock = stage.parts.slots
        var people: [NymPerson] = []
        for (number, packets) in [NymClass.low, .low, .low, .middle, .high].enumerated() {
            // The first two have blocks for ever, the third for a while, the others some.
            let blocks = [40, 40, 4, 20, 0][number]
            people.append(try stage.make("nym\(number)", blocks: blocks, packets: packets, using: &random))
        }
        let caller = try stage.caller()
        // The first gets much mail, the second none.
        for number in 0..<40 {
            let text = String(repeating: "mail \(number)\r\n", count: 500)
            #expect(
                try caller.deliver(MailDoorTests.mail(text, id: "\(number)"), to: "nym0@nym.example").hasPrefix("250"))
        }
        let hours = 12
        let packets = try stage.pass(.hours(Int64(hours)))
        var foreseen: [Timestamp] = []
        for (number, packets) in [1, 1, 1, 2, 4].enumerated() {
            var time = start
            while true {
                time = clock.next(after: time, account: UInt64(number + 1), count: packets)
                guard time <= start + .hours(Int64(hours)) else { break }
                foreseen.append(time)
            }
        }
        // As many as foreseen, not only at the same moments.
        #expect(Self.watched(packets).sorted() == foreseen.sorted())
        #expect(packets.allSatisfy { $0.content.count == 32_768 })
        var through: [Int: Int] = [:]
        for packet in packets {
            #expect(try network.fly(packet).hops == 5)
            for (number, person) in people.enumerated() {
                if let read = try? network.read(packet, person.maker) {
                    person.take(read)
                    through[number, default: 0] += 1
                }
            }
        }
        #expect(through[2] == 4 && through[4] == nil, "\(through)")
        print("packets \(packets.count) in \(hours) cycles, through blocks: \(through)")
        // The stock went down by what the cycles took, whatever came.
        for number in 0..<2 {
            #expect((11...13).contains(through[number] ?? 0))
            #expect(people[number].statuses.last?.surbs == UInt32(40 - (through[number] ?? 0)))
        }
        #expect(try people[0].items(.mail).count > 10 && people[1].items(.mail).isEmpty)
        await stage.close()
    }

    @Test("what is not acknowledged comes again, in room that would be empty; what is asked for comes too")
    func again() async throws {
        var random = SeededRandom(name: "again")
        let stage = try await NymserverStage(try MixNetwork())
        let alice = try stage.make("alice", blocks: 60, using: &random)
        let caller = try stage.caller()
        #expect(try caller.deliver(MailDoorTests.mail("one"), to: "alice@nym.example").hasPrefix("250"))
        _ = try stage.pass(.hours(2))
        // These were lost.
        #expect(try alice.items(.mail).isEmpty)
        try stage.pass(.hours(4), to: alice)
        #expect(try alice.items(.mail).isEmpty)
        try stage.pass(.hours(24), to: alice)
        #expect(try alice.items(.mail).count == 1)
        // Held mail announces itself and comes when it is wanted.
        let policy = NymPolicy(packets: .low, delivers: .synopses, synopsisAbove: 0)
        try stage.requests.take(alice.request([.policy(policy)], to: stage.server), at: stage.now)
        #expect(try caller.deliver(MailDoorTests.mail("two", id: "2"), to: "alice@nym.example").hasPrefix("250"))
        try stage.pass(.hours(2), to: alice)
        let synopses = try alice.items(.synopsis)
        #expect(synopses.count == 1 && alice.statuses.last?.heldItems == 1)
        let synopsis = try NymSynopsis(decoding: synopses.first?.content ?? [])
        #expect(synopsis.subject == "hello" && synopsis.from == "Bob <bob@example.org>")
        let item = synopses.first?.item ?? 0
        try stage.requests.take(alice.request([.get([NymRange(item: item)])], to: stage.server), at: stage.now)
        try stage.pass(.hours(2), to: alice)
        #expect(try alice.items(.mail).map(\.item).contains(item))
        await stage.close()
    }

    @Test("a stock that was replaced says so, in the place of a packet that would have gone anyway")
    func replaced() async throws {
        var random = SeededRandom(name: "replaced")
        let network = try MixNetwork()
        let stage = try await NymserverStage(network)
        let old = try stage.make("alice", blocks: 20, using: &random)
        try stage.pass(.hours(2), to: old)
        let heard = old.statuses.count
        #expect(heard > 0 && old.statuses.allSatisfy { !$0.isReplaced && $0.devices == 1 })
        let new = NymPerson(deviceOf: old, using: &random)
        func stock(_ person: NymPerson, _ generation: UInt32) throws -> [UInt8] {
            let batch = try NymBatch(generation: generation, blocks: network.blocks(20, of: person.maker))
            return try person.request([.surbs(batch)], to: stage.server)
        }
        func pass(_ hours: Int64) throws {
            let packets = try stage.pass(.hours(hours))
            #expect((hours - 1...hours + 1).contains(Int64(packets.count)))
            #expect(packets.allSatisfy { $0.content.count == 32_768 })
            for packet in packets {
                for person in [old, new] {
                    if let read = try? network.read(packet, person.maker) { person.take(read) }
                }
            }
        }
        let caller = try stage.caller()
        #expect(try caller.deliver(MailDoorTests.mail("one"), to: "alice@nym.example").hasPrefix("250"))
        try stage.requests.take(stock(new, 9), at: stage.now)
        try pass(4)
        // Once, and no mail with it.
        #expect(old.statuses.count == heard + 1 && new.statuses.count >= 2)
        let told = try #require(old.statuses.last)
        #expect(told.isReplaced && told.generation == 9 && told.devices == 2)
        #expect(try old.items(.mail).isEmpty && new.items(.mail).count == 1)
        #expect(new.statuses.allSatisfy { !$0.isReplaced && $0.generation == 9 })
        // It was lost: whoever makes more of the old stock is told again.
        try stage.requests.take(stock(old, 1), at: stage.now)
        try pass(4)
        #expect(old.statuses.count == heard + 2 && old.statuses.last?.isReplaced == true)
        await stage.close()
    }

    @Test("a large mail comes in pieces beside the small ones")
    func pieces() async throws {
        var random = SeededRandom(name: "pieces")
        let stage = try await NymserverStage(try MixNetwork())
        let alice = try stage.make("alice", blocks: 60, packets: .high, using: &random)
        let caller = try stage.caller()
        let lines = (0..<4000).map { _ in "\(random.next())\r\n" }.joined()
        #expect(try caller.deliver(MailDoorTests.mail(lines, id: "big"), to: "alice@nym.example").hasPrefix("250"))
        for number in 0..<5 {
            #expect(
                try caller.deliver(MailDoorTests.mail("\(number)", id: "\(number)"), to: "alice@nym.example").hasPrefix(
                    "250"))
        }
        try stage.pass(.hours(3), to: alice)
        let mails = try alice.items(.mail).map { String(decoding: $0.content, as: UTF8.self) }
        #expect(mails.count == 6 && mails.contains { $0.contains(lines) })
        await stage.close()
    }

    @Test(
        "a block whose first node left is spent with cover in its place; without a consensus nothing leaves for anybody"
    )
    func badBlocks() async throws {
        var random = SeededRandom(name: "badBlocks")
        let network = try MixNetwork(nodes: 7)
        let gone = network.nodes[0].id
        let less = try network.without(gone)
        let current = Mutex<Network?>(less)
        let stage = try await NymserverStage(network, seen: { current.withLock { $0 } })
        let alice = try NymPerson("alice", domain: NymserverStage.domain, using: &random)
        let blocks =
            try network.blocks(2, of: alice.maker, first: gone)
            + network.blocks(2, of: alice.maker, first: network.nodes[1].id)
        let batch = try NymBatch(generation: 1, blocks: blocks)
        try stage.requests.take(
            alice.request([alice.creation(bits: 4), .surbs(batch)], to: stage.server), at: stage.now)
        let packets = try stage.pass(.hours(5))
        #expect((4...6).contains(packets.count) && packets.allSatisfy { $0.node != gone })
        #expect(stage.parts.counters.current("slots", kind: "badBlock") == 2)
        #expect(stage.parts.counters.current("slots", kind: "block") == 2)
        current.withLock { $0 = nil }
        #expect(try stage.pass(.hours(3)).isEmpty)
        current.withLock { $0 = network.file }
        #expect(try stage.pass(.hours(3)).count >= 2)
        await stage.close()
    }

    @Test("after a time off the packets of all nyms do not come at once")
    func timeOff() async throws {
        var random = SeededRandom(name: "timeOff")
        let stage = try await NymserverStage(try MixNetwork())
        for number in 0..<20 { _ = try stage.make("nym\(number)", blocks: 0, using: &random) }
        let later = stage.now + .hours(30)
        #expect(try stage.cycles.spendDue(at: later) == 20)
        #expect(try stage.cycles.spendDue(at: later) < 8)
        let releases = try stage.parts.store.packets(limit: 100).map(\.packet.release)
        #expect(releases.allSatisfy { $0 >= later && $0 < later + .hours(2) })
        let spread = (releases.max() ?? later) - (releases.min() ?? later)
        #expect(spread > .minutes(10))
        await stage.close()
    }
}
