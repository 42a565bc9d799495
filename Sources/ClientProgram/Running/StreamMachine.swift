// What leaves when, of one network's stream. Pure: the shell asks at the times that the schedule names, tells which nodes
// have enough on their way to them, and sends what comes out.

internal import Spool
internal import WireFormat

/// The stream's decisions.
struct StreamMachine<Source: RandomNumberGenerator & Sendable>: Sendable {
    /// What leaves at a tick.
    enum Departure: Hashable, Sendable {
        /// A packet of the user's.
        case own(WaitingPacket)
        /// One that ends at a random node and carries nothing.
        case cover(WaitingPacket)

        var packet: WaitingPacket {
            switch self {
            case .own(let packet), .cover(let packet): packet
            }
        }
    }

    /// So many packets of cover lie ready: one does even if the other's node goes away.
    static var stock: Int { 2 }

    /// When something leaves.
    var schedule: StreamSchedule<Source>
    /// Packets of the user's.
    var pool = SendingPool()
    /// Whether cover can be made. Without cover for a tick at which nothing waits, ticks at which something does would
    /// stand out, so nothing leaves then.
    var isCoverPossible = true
    private var cover: [(packet: WaitingPacket, made: Timestamp)] = []

    init(schedule: StreamSchedule<Source>) { self.schedule = schedule }

    /// What leaves now. Called once for each tick.
    /// - Parameter occupied: nodes that get nothing now.
    mutating func departure(
        now: Timestamp, occupied: Set<NodeID>, using generator: inout some RandomNumberGenerator
    ) -> Departure? {
        guard isCoverPossible else { return nil }
        if let own = pool.take(now: now, isOpen: { !occupied.contains($0) }, using: &generator) { return .own(own) }
        guard let index = cover.firstIndex(where: { !occupied.contains($0.packet.destination) }) else { return nil }
        return .cover(cover.remove(at: index).packet)
    }

    /// Whether more cover is to be made.
    var needsCover: Bool { cover.count < Self.stock }

    /// Cover that is ready.
    mutating func add(cover packets: [WaitingPacket], made: Timestamp) { cover += packets.map { ($0, made) } }

    /// Takes out cover that is no good any more: for nodes that get nothing now, as they get none of the user's either, and
    /// what was made before `oldest`.
    mutating func takeUselessCover(occupied: Set<NodeID>, madeBefore oldest: Timestamp) -> [WaitingPacket] {
        let useless = cover.filter { occupied.contains($0.packet.destination) || $0.made < oldest }.map(\.packet)
        cover.removeAll { occupied.contains($0.packet.destination) || $0.made < oldest }
        return useless
    }
}
