internal import Directory
internal import Spool
internal import WireFormat

/// Packets of answers that are stored and not yet in a queue: those of the command that is running, of one that was killed,
/// and of commands that leave the sending to `nightjar run`.
struct PendingReplies: Sendable {
    private let store: RecordStore

    /// How long one is kept past its deadline, so that it can be told that it was given up: whatever else is forgotten from
    /// the store must not take it along in silence.
    static let memory = Interval.days(14)

    init(_ store: RecordStore) { self.store = store }

    /// When a packet is forgotten, told or not.
    static func expiry(_ packet: OutgoingPacket) -> Timestamp { packet.deadline + memory }

    /// What users are told who have lost some.
    static func loss(_ count: Int) -> String {
        "\(Count.text(count, "packet")) of answers had waited past their deadline and were given up; their reply blocks "
            + "are used, so ask for new ones and answer again"
    }

    /// Whether there are any, of any network.
    func isEmpty() throws(SpoolError) -> Bool { try store.count(.waitingReplies) == 0 }

    /// Stores packets, all or none.
    func add(_ packets: [OutgoingPacket], network: String) throws {
        var generator = SystemRandomNumberGenerator()
        try store.transaction { transaction in
            for packet in packets {
                try transaction.put(
                    .waitingReplies, generator.bytes(16), WaitingReply(packet: packet, network: network).encoded,
                    expires: Self.expiry(packet))
            }
        }
    }

    /// Forgets those of `network` that are past their deadline.
    /// - Returns: how many they were, to be told.
    func giveUp(network: String, now: Timestamp) throws -> Int {
        let late = try all(network).filter { $0.packet.deadline <= now }
        guard !late.isEmpty else { return 0 }
        return try store.transaction { transaction in
            try late.count { try transaction.remove(.waitingReplies, $0.name) }
        }
    }

    private func all(_ network: String) throws -> [(name: [UInt8], packet: OutgoingPacket)] {
        guard try !isEmpty() else { return [] }
        var found: [(name: [UInt8], packet: OutgoingPacket)] = []
        for (name, value) in try store.all(.waitingReplies) {
            guard let reply = try? WaitingReply(decoding: value), reply.network == network else { continue }
            found.append((name, reply.packet))
        }
        return found
    }

    /// Puts those of `network` that are not past their deadline into its queue, as far as there is room, and forgets them
    /// here. After a crash between the two steps a packet is in the queue twice; its first node then drops the second one,
    /// so that nothing is lost and nothing arrives twice.
    /// - Returns: the packets as the queue has them, in random order.
    func move(to queue: OutgoingQueue, network: String, now: Timestamp) throws -> [WaitingPacket] {
        var waiting = try all(network).filter { $0.packet.deadline > now }
        var moved: [WaitingPacket] = []
        var generator = SystemRandomNumberGenerator()
        while !waiting.isEmpty, queue.room > 0 {
            let batch = waiting.prefix(min(OutgoingQueue.batch, queue.room))
            moved += try queue.store(batch.map(\.packet))
            try store.transaction { transaction in
                for (name, _) in batch { try transaction.remove(.waitingReplies, name) }
            }
            waiting.removeFirst(batch.count)
        }
        return moved.shuffled(using: &generator)
    }
}

extension Client {
    /// Whether there is a queue of the network, or packets that belong into one.
    func hasQueue(_ network: Network) throws -> Bool {
        if ClientPlaces.isThere(places.queue(of: network.name)) { return true }
        guard ClientPlaces.isThere(places.records) else { return false }
        let records = try records()
        defer { records.close() }
        return try !PendingReplies(records).isEmpty()
    }
}
