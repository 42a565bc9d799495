import Directory
import Messages
import MixCrypto
import Mixing
import Sphinx
import Spool
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import NodeProgram

/// What the intake makes of packets that the spool holds for the node itself, with the real spool.
@Suite("Packet intake")
struct PacketIntakeTests {
    static let start = Timestamp(seconds: 1_790_000_000)

    @Test("a packet for the node itself waits when the spool is full, and goes on when there is room")
    func full() async throws {
        let fixture = try IntakeFixture("re-entry into a full spool", packets: 2)
        let node = fixture.rings.nodes[0].id
        let next = fixture.rings.nodes[1].id
        let row = try await fixture.enqueue(.part(fixture.rings.part(.full)), path: [0, 1])
        let filler = try await fixture.enqueue(.part(fixture.rings.part(.full)), path: [0, 1])
        fixture.intake.reenter([row])
        try await fixture.settled()
        #expect(fixture.spool.holds(row))
        #expect(fixture.outcomes.take().map(\.id) == [row])
        #expect(fixture.ledger.snapshot == PacketBalance(heldBefore: 1, held: 1))

        _ = try await fixture.spool.perform([.removePackets([filler])])
        fixture.intake.reenter([row])
        try await fixture.settled()
        #expect(!fixture.spool.holds(row))
        let sent = fixture.outcomes.take()
        #expect(sent.map(\.destination) == [next])
        #expect(sent.allSatisfy { fixture.spool.holds($0.id) && $0.destination != node })
        #expect(fixture.ledger.snapshot == PacketBalance(heldBefore: 1, received: 1, forwarded: 1, held: 1))

        // Brought once more by mistake: gone and booked.
        fixture.intake.reenter([row])
        try await fixture.settled()
        #expect(fixture.ledger.snapshot == PacketBalance(heldBefore: 1, received: 1, forwarded: 1, held: 1))
    }

    @Test("a packet that was taken before a crash is known, and its row goes")
    func replay() async throws {
        let fixture = try IntakeFixture("re-entry after a crash")
        let content = try PayloadContent.part(fixture.rings.part(.full))
        let packet = try fixture.packet(content, path: [0, 1])
        let rows = [try await fixture.enqueue(packet), try await fixture.enqueue(packet)]
        fixture.intake.reenter([rows[0]])
        try await fixture.settled()
        #expect(fixture.outcomes.take().count == 1)
        fixture.intake.reenter([rows[1]])
        try await fixture.settled()
        #expect(fixture.outcomes.take().isEmpty)
        #expect(rows.allSatisfy { !fixture.spool.holds($0) })
        #expect(fixture.ledger.snapshot.dropped == [.replay: 1])
    }

    @Test("a packet for a node that the network does not list is dropped, also one to be injected")
    func unknown() async throws {
        let fixture = try IntakeFixture("unknown destinations", known: 1)
        let surb = try fixture.surb(path: [1, 0])
        let rows = [
            try await fixture.enqueue(.part(fixture.rings.part(.full)), path: [0, 1]),
            try await fixture.enqueue(fixture.rings.injection(surb), path: [0]),
        ]
        fixture.intake.reenter(rows)
        try await fixture.settled()
        #expect(fixture.outcomes.take().isEmpty)
        #expect(rows.allSatisfy { !fixture.spool.holds($0) })
        #expect(fixture.ledger.snapshot.dropped == [.unknownDestination: 2])
    }

    @Test("a part whose message has the name of none is dropped")
    func nameless() async throws {
        let fixture = try IntakeFixture("a part without a name")
        let part = try fixture.rings.part(.full)
        let nameless = try Part(
            id: MessageID(), layout: part.layout, group: part.group.number, index: part.index, share: part.share)
        let rows = [
            try await fixture.enqueue(.part(nameless), path: [0]), try await fixture.enqueue(.part(part), path: [0]),
        ]
        fixture.intake.reenter(rows)
        try await fixture.settled()
        #expect(fixture.ledger.snapshot.dropped == [.badContent: 1])
        #expect(fixture.ledger.snapshot.received == 2)
        #expect(try fixture.spool.readMessage(MessageID()) == nil)
    }
}

/// The intake of the first of two nodes.
private final class IntakeFixture {
    let rings: KeyRingNetwork
    let spool: Spool
    let ledger = NodeLedger(heldBefore: 1)
    let outcomes = NotedOutcomes()
    let intake: PacketIntake
    private let directory: TemporaryDirectory

    /// - Parameters:
    ///   - packets: that the spool may hold.
    ///   - known: how many of the nodes the network lists.
    init(_ name: String, packets: Int = 100, known: Int = 2) throws {
        directory = try TemporaryDirectory("nightjar-intake")
        rings = try KeyRingNetwork(nodes: 2, at: PacketIntakeTests.start, name: name)
        var configuration = SpoolConfiguration()
        configuration.maxPackets = packets
        spool = try Spool.open(
            directory: directory.file("spool"), storageKey: ReplyFixture.key, configuration: configuration,
            now: PacketIntakeTests.start
        ).spool
        let listed = Set(rings.nodes[..<known].map(\.id))
        intake = PacketIntake(
            node: rings.nodes[0].id, keys: rings.nodes[0].ring, spool: spool, budget: TimeBudget(),
            calendar: rings.parameters.calendar, takesMessages: true, isKnown: { listed.contains($0) },
            door: ReplyDoor(mailboxes: nil, addresses: { _, _, _, _ in nil }), messageLimit: 1 << 20,
            partDeadline: .days(7), clock: { PacketIntakeTests.start }, ledger: ledger, outcomes: outcomes)
    }

    deinit { spool.close() }

    private func hops(_ path: [Int]) throws -> [PathHop] {
        let nodes = path.compactMap { rings.file.node(named: "node\($0)") }
        return try PathSelector(network: rings.file, at: rings.now).hops(
            nodes, delays: path.map { _ in 0 }, at: rings.now)
    }

    func packet(_ content: PayloadContent, path: [Int]) throws -> [UInt8] {
        try PacketBuilder().build(content: content.encoded(), path: hops(path), using: &rings.generator)
    }

    func surb(path: [Int]) throws -> SURB {
        try rings.maker.make(
            path: hops(path), address: "box:00@node0", expiry: rings.now + .days(10), using: &rings.generator
        ).surb
    }

    func enqueue(_ content: PayloadContent, path: [Int]) async throws -> PacketRowID {
        try await enqueue(packet(content, path: path))
    }

    func enqueue(_ packet: [UInt8]) async throws -> PacketRowID {
        let results = try await spool.perform([
            .enqueuePacket(
                destination: rings.nodes[0].id, release: rings.now, deadline: rings.now + .days(1), body: packet)
        ])
        guard case .stored(let id) = results.first else { throw KeyRingNetwork.Lost() }
        return id
    }

    /// Waits until the spool's writer has done what was submitted, and what followed from that.
    func settled() async throws {
        for _ in 0..<2 { _ = try await spool.perform([.removePackets([])]) }
    }
}

private final class NotedOutcomes: IntakeOutcomes {
    private let packets = Mutex<[WaitingPacket]>([])

    func take() -> [WaitingPacket] {
        packets.withLock { packets in
            defer { packets = [] }
            return packets
        }
    }

    func accepted(_ more: [WaitingPacket]) { packets.withLock { $0 += more } }
    func completed(_: MessageID, release _: Timestamp) {}
    func loopReturned(_: LoopID) {}
    func replyBoxed() {}
    func replyKept(_: ItemRowID) {}
}
