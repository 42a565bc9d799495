// Packets on their way out: from the store's rows into the spool, and from there to their first nodes. A row goes when the
// spool has the packet, so that a crash between the two finds both, and the packet is known again by its bytes.

internal import Daemon
internal import Forwarding
internal import Logging
internal import MMTP
internal import MixCrypto
internal import Mixing
internal import NIOPosix
internal import Spool
internal import WireFormat

/// The spool and what empties it.
final class PacketSpool: Sendable {
    let spool: Spool
    private let forwarder: Forwarder
    private let counters: EventCounters
    /// What an earlier run left, by release.
    private let recovered: [Timestamp: [WaitingPacket]]

    /// Packets that may wait: those of 100,000 accounts of the highest class for half an hour.
    static let limit = 200_000

    /// Opens the spool.
    init(
        _ directory: String, key: SymmetricSecret, clock: ScaledClock, dialer: MMTPDialer,
        addresses: @escaping AddressLookup,
        logger: Logger, counters: EventCounters
    ) throws {
        var configuration = SpoolConfiguration()
        configuration.maxPackets = Self.limit
        configuration.cacheBytes = 8 << 20
        configuration.segmentBytes = 16 << 20
        configuration.replayFilterBytes = 4096
        let now = clock.now()
        let opened = try Spool.open(directory: directory, storageKey: key, configuration: configuration, now: now)
        if let summary = opened.recovery.damage.summary { logger.critical("\(summary)") }
        spool = opened.spool
        recovered = Dictionary(grouping: opened.recovery.packets, by: \.release)
        self.counters = counters
        var queues = QueueSettings().scaled(by: Int64(clock.scale.rounded(.up)))
        queues.maximumConnections = 64
        forwarder = Forwarder(
            spool: spool, dialer: dialer, addresses: addresses, strategy: .standard, settings: queues,
            clock: ForwarderClock(
                now: { clock.now() },
                secondsUntil: { time in
                    let parts = clock.realDelay(until: time).components
                    return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
                })
        ) { [counters] event in
            switch event {
            case .forwarded(let count): counters.count("packets_sent", by: count)
            case .dropped(let reason, let count): counters.count("packets_dropped", kind: "\(reason)", by: count)
            case .connection(.success): counters.count("links_opened")
            case .connection(.failure(let failure)): counters.count("links_failed", kind: failure.label)
            }
        }
    }

    /// So long the packets whose moment passed while the server was off take to leave.
    static let catchingUp = Interval.minutes(10)

    /// Goes on with what an earlier run left. What is late does not leave all at once.
    func resume(at now: Timestamp) {
        forwarder.add(
            recovered.values.flatMap(\.self).map { packet in
                guard packet.release < now else { return packet }
                let release = now + .milliseconds(.random(in: 0..<Self.catchingUp.milliseconds))
                return WaitingPacket(
                    id: packet.id, destination: packet.destination, release: min(release, packet.deadline),
                    deadline: packet.deadline)
            })
    }

    /// Whether the spool has this packet from an earlier run.
    func has(_ packet: NewNymPacket) -> Bool {
        (recovered[packet.release] ?? []).contains { row in
            row.destination == packet.node && (try? spool.readPacket(row.id)) == packet.content
        }
    }

    /// Holds packets until their moment; returns when they are durable. Blocks.
    /// - Returns: Whether it is held, of each: there may be no room.
    func take(_ packets: [NewNymPacket]) throws(SpoolError) -> [Bool] {
        let results = try spool.performAndWait(
            packets.map {
                .enqueuePacket(destination: $0.node, release: $0.release, deadline: $0.deadline, body: $0.content)
            })
        var waiting: [WaitingPacket] = []
        var isHeld: [Bool] = []
        for (packet, result) in zip(packets, results) {
            guard case .stored(let id) = result else {
                isHeld.append(false)
                continue
            }
            isHeld.append(true)
            waiting.append(
                WaitingPacket(
                    id: id, destination: packet.node, release: packet.release, deadline: packet.deadline))
        }
        forwarder.add(waiting)
        return isHeld
    }

    /// Packets that wait.
    var count: Int { spool.statistics.packets }

    /// Looks at the spool from time to time: forgets what is past its deadline.
    func expire(at now: Timestamp) throws(SpoolError) { _ = try spool.performAndWait([.expire(now: now)]) }

    /// Sends nothing new, waits for what is in flight.
    func shutdown() async {
        await forwarder.shutdown()
        spool.close()
    }
}
