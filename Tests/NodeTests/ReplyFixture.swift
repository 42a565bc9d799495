import Directory
import Exits
import Messages
import MixCrypto
import Mixing
import Sphinx
import Spool
import Synchronization
import TestSupport
import WireFormat

@testable import NodeProgram

/// What an exit has for receipts and answers, with the real spool and store, a clock that the test sets, and nodes that are
/// key rings to carry the packets.
final class ReplyFixture {
    static let start = Timestamp(seconds: 1_790_000_000)
    static let key = SymmetricSecret(copying: [UInt8](repeating: 7, count: 32))

    let rings: KeyRingNetwork
    let directory: TemporaryDirectory
    private(set) var spool: Spool
    private(set) var records: RecordStore
    let ledger = NodeLedger(heldBefore: 0)
    let clock: TestTime
    let counts = TestCounts()
    let sent = SentPackets()

    init(_ name: String) throws {
        rings = try KeyRingNetwork(nodes: 5, at: Self.start, name: name)
        directory = try TemporaryDirectory("nightjar-replies")
        clock = TestTime(Self.start)
        spool = try Self.openSpool(directory)
        records = try Self.openRecords(directory)
    }

    private static func openSpool(_ directory: TemporaryDirectory) throws -> Spool {
        try Spool.open(directory: directory.file("spool"), storageKey: key, now: start).spool
    }

    private static func openRecords(_ directory: TemporaryDirectory) throws -> RecordStore {
        try RecordStore.open(path: directory.file("records.sqlite"), key: key)
    }

    /// Closes and opens everything, as a new process does.
    func restart() throws {
        spool.close()
        records.close()
        spool = try Self.openSpool(directory)
        records = try Self.openRecords(directory)
    }

    var courier: ReplyCourier {
        ReplyCourier(
            spool: spool,
            budget: TimeBudget(), calendar: rings.parameters.calendar, ledger: ledger,
            forward: { [sent] packets in sent.add(packets) })
    }

    func receipts(limit: Int = ReceiptDesk.maximumBooks) -> ReceiptDesk {
        ReceiptDesk(
            records: records, courier: courier, rememberFor: .days(14), clock: { [clock] in clock.now }, limit: limit,
            count: { [counts] in counts.add($0, 1) })
    }

    func pools(limit: Int = ReplyPools.maximumBlocks) -> ReplyPools {
        ReplyPools(
            records: records, key: Self.key, keep: .days(28), limit: limit,
            count: { [counts] in counts.add($0, $1) })
    }

    func gateway(_ pools: ReplyPools? = nil) throws -> ReplyGateway {
        ReplyGateway(
            settings: GatewaySettings(domain: "reply.example", listen: .loopback(host: "127.0.0.1", port: 0)),
            pools: pools ?? self.pools(), courier: courier, clock: { [clock] in clock.now },
            count: { [counts] in counts.add($0, 1) })
    }

    /// The packets that went into the spool since the last call.
    func packets() throws -> [(first: NodeID, packet: [UInt8])] {
        try sent.take().map { ($0.destination, try spool.readPacket($0.id)) }
    }

    /// What the maker of the reply blocks finds in a packet: a part.
    func open(_ packet: (first: NodeID, packet: [UInt8])) throws -> Part {
        guard case .part(let part) = try rings.open(rings.fly(packet.packet, first: packet.first).end) else {
            throw KeyRingNetwork.Lost()
        }
        return part
    }

    /// The message that parts of one group make.
    static func message(_ parts: [Part]) throws -> (envelope: Envelope, body: [UInt8]) {
        guard let layout = parts.first?.layout else { throw KeyRingNetwork.Lost() }
        var assembler = MessageAssembler(layout: layout)
        let encoded = try assembler.data(from: parts.map { ErasureCode.Share(index: $0.index, bytes: $0.share) })
        var reader = MessageReader(length: encoded.count)
        var source: [UInt8]? = encoded
        func next() -> [UInt8]? {
            defer { source = nil }
            return source
        }
        let envelope = try reader.envelope(from: next)
        var body: [UInt8] = []
        while let chunk = try reader.nextBodyChunk(from: next) { body += chunk }
        return (envelope, body)
    }

    func receipt(_ packet: (first: NodeID, packet: [UInt8])) throws -> Receipt {
        let (envelope, body) = try Self.message([open(packet)])
        guard envelope.bodyKind == .receipt, envelope.recipients == [.drop] else { throw KeyRingNetwork.Lost() }
        return try Receipt(decoding: body)
    }
}

/// A clock that stands still until it is set.
final class TestTime: Sendable {
    private let time: Mutex<Timestamp>
    init(_ start: Timestamp) { time = Mutex(start) }
    var now: Timestamp {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// Counts by name.
final class TestCounts: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    func add(_ name: String, _ amount: Int) { counts.withLock { $0[name, default: 0] += amount } }
    subscript(name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
}

/// What was handed to the forwarder.
final class SentPackets: Sendable {
    private let packets = Mutex<[WaitingPacket]>([])
    func add(_ more: [WaitingPacket]) { packets.withLock { $0 += more } }
    func take() -> [WaitingPacket] {
        packets.withLock { packets in
            defer { packets = [] }
            return packets
        }
    }
    var count: Int { packets.withLock { $0.count } }
}
