// Which reply blocks of others we have used. A block used twice would tie both packets together at every hop, and the
// second would be dropped as a replay.
//
// A block is free; then, in one transaction of the store, it is used and its packet waits; then its packet is in the
// queue. A crash leaves one of these states. Whoever runs next finds the packets that wait and queues them: nothing is
// used twice and no answer is lost.

internal import MixCrypto
internal import Sphinx
internal import Spool
internal import WireFormat

extension RecordKind {
    /// Reply blocks of others that were used.
    static let usedReplyBlocks = RecordKind(rawValue: 17)
    /// Packets of answers on their way from the store to the queue.
    static let waitingReplies = RecordKind(rawValue: 25)
}

/// The log of reply blocks that were used.
struct UsedReplyBlocks: Sendable {
    let store: RecordStore

    /// A record is kept so long after its block's date: a clock that is wrong for a while must not make us forget.
    static let memory = Interval.days(60)

    init(_ store: RecordStore) { self.store = store }

    /// Names a block by its header, which is what no two blocks share: somebody could write another date before it.
    static func name(of block: SURB) -> [UInt8] { Digest.sha256(block.header).bytes }

    /// Whether it was used.
    func isUsed(_ block: SURB) throws(SpoolError) -> Bool {
        try store.get(.usedReplyBlocks, Self.name(of: block)) != nil
    }

    /// When it was used; nil if it was not.
    func date(_ block: SURB) throws(SpoolError) -> Timestamp? {
        guard let value = try store.get(.usedReplyBlocks, Self.name(of: block)) else { return nil }
        var reader = WireReader(value)
        return (try? reader.integer(UInt64.self)).map { Timestamp(milliseconds: Int64(clamping: $0)) }
    }

    /// Notes that `answers` use their blocks, and stores their packets, all or none.
    /// - Throws: `ReplyError.usedMeanwhile`, `SpoolError`.
    func use(_ answers: [(block: SURB, packet: OutgoingPacket)], network: String, at now: Timestamp) throws {
        var generator = SystemRandomNumberGenerator()
        var time = WireWriter()
        time.integer(UInt64(clamping: now.milliseconds))
        // Blocks in the order given, packets in any: the store must not remember which packet uses which block.
        let packets = answers.map(\.packet).shuffled(using: &generator)
        try store.transaction { transaction in
            for (block, _) in answers {
                let name = Self.name(of: block)
                guard try transaction.get(.usedReplyBlocks, name) == nil else { throw ReplyError.usedMeanwhile }
                try transaction.put(.usedReplyBlocks, name, time.bytes, expires: block.expiry + Self.memory)
            }
            for packet in packets {
                try transaction.put(
                    .waitingReplies, generator.bytes(16), WaitingReply(packet: packet, network: network).encoded,
                    expires: PendingReplies.expiry(packet))
            }
        }
    }
}

/// A packet that waits to be queued.
///
///     first 32 | made u64 | deadline u64 | length u8 | network | packet
struct WaitingReply {
    let packet: OutgoingPacket
    let network: String

    init(packet: OutgoingPacket, network: String) {
        self.packet = packet
        self.network = network
    }

    var encoded: [UInt8] {
        var writer = WireWriter(capacity: packet.body.count + 100)
        writer.fixed(packet.first)
        writer.integer(UInt64(clamping: packet.made.milliseconds))
        writer.integer(UInt64(clamping: packet.deadline.milliseconds))
        // Names of networks have at most 32 characters.
        writer.integer(UInt8(truncatingIfNeeded: network.utf8.count))
        writer.append(network.utf8)
        writer.append(packet.body)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        let first: NodeID = try reader.fixed()
        let made = Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
        let deadline = Timestamp(milliseconds: Int64(clamping: try reader.integer(UInt64.self)))
        network = try reader.text(Int(try reader.integer(UInt8.self)))
        let body = Array(reader.rest())
        guard body.count == Geometry.suite1.packetSize else { throw .truncated }
        packet = OutgoingPacket(body: body, first: first, made: made, deadline: deadline)
    }
}
