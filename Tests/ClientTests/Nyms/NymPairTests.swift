// Two nyms of one owner: nothing that nodes or servers see ties them together.

import Directory
import NymProtocol
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5))) struct NymPairTests {
    private func box(_ bench: NymBench, at node: Descriptor) throws -> OwnMailbox {
        var generator = SystemRandomNumberGenerator()
        return try OwnMailbox.new(
            name: NymIdentity.name(generator.bytes(32)), network: bench.network.name, node: node.id,
            nodeName: node.name, at: bench.now, using: &generator)
    }

    @Test("mailboxes are at nodes of their own as long as there are any")
    func nodes() throws {
        let bench = try NymBench()
        let offered = bench.network.nodes.filter(\.offersMailboxes)
        var used: Set<NodeID> = []
        for _ in offered {
            let node = try bench.client.mailboxNode(nil, bench.network, bench.keyring)
            #expect(used.insert(node.id).inserted)
            try bench.keyring.add(box(bench, at: node))
        }
        #expect(used.count > 2)
        // And at one that holds another when there is no other.
        #expect(try used.contains(bench.client.mailboxNode(nil, bench.network, bench.keyring).id))
    }

    @Test("what is done for one nym is done for it alone")
    func requests() async throws {
        let bench = try NymBench()
        let alice = try await bench.active()
        var generator = SystemRandomNumberGenerator()
        let other = try box(bench, at: try #require(bench.network.node(named: "bravo")))
        try bench.keyring.add(other)
        let bob = OwnNym(
            address: "bob@nym.example", network: alice.network, created: bench.now, server: alice.server,
            mailbox: other.id, keys: try .random())
        try bench.keyring.add(bob)
        var state = NymState(device: generator.next(), packets: .low, created: bench.now)
        state.stage = .active
        try bench.book.begin(bob.address, state)
        // Both need a new stock.
        bench.now = bench.now + .hours(49)
        let before = try bench.state()
        _ = bench.turn.take(at: bench.now, looking: [bob.address], refilling: [])
        #expect(try bench.state() == before && bench.state(bob.address).waiting.count == 1)
        #expect(try bench.posted().count == 1)
        _ = bench.turn.take(at: bench.now + .minutes(20), looking: [], refilling: [alice.address])
        #expect(try bench.state().waiting.count == 1 && bench.posted().count == 1)
        #expect(alice.identity != bob.identity && alice.mailbox != bob.mailbox)
        #expect(try bench.state().device != bench.state(bob.address).device)
    }

    @Test("two nyms are looked after at moments that have nothing to do with each other")
    func moments() {
        var random = SeededRandom(name: "moments")
        var rounds = NymRounds<SeededRandom>(looks: .minutes(20), refills: .hours(6))
        let start = Timestamp(seconds: 1_800_000_000)
        var (looks, refills, looksTogether, refillsTogether) = (0, 0, 0, 0)
        for minute in 0..<40_000 {
            let due = rounds.due(["a", "b"], now: start + .minutes(Int64(minute))) { SeededRandom(seed: random.next()) }
            looks += due?.looks.count ?? 0
            refills += due?.refills.count ?? 0
            looksTogether += due?.looks.count == 2 ? 1 : 0
            refillsTogether += due?.refills.count == 2 ? 1 : 0
        }
        // Some 4000 and 220, of which one of twenty and none meet in one minute by chance.
        #expect(looks > 3000 && looksTogether < looks / 10, "\(looks), \(looksTogether)")
        #expect(refills > 150 && refillsTogether < 4, "\(refills), \(refillsTogether)")
    }
}
