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

    /// What became of an attempt to make a packet of cover.
    enum CoverAttempt: Sendable {
        /// It lies ready.
        case made(WaitingPacket)
        /// Packets of the user's fill the queue.
        case noRoom
        /// It cannot be made, for a reason that has nothing to do with packets of the user's.
        case impossible
    }

    /// So many packets of cover lie ready: one does even if the other's node goes away.
    static var stock: Int { 2 }

    /// When something leaves.
    var schedule: StreamSchedule<Source>
    /// Packets of the user's.
    var pool = SendingPool()
    /// Whether cover can be made. Without cover for a tick at which nothing waits, ticks at which something does would
    /// stand out, so nothing leaves then.
    private(set) var isCoverPossible = true
    /// Whether packets of the user's leave no room for cover. Without them there would be cover, so they leave in its place.
    private var isFull = false
    private var cover: [(packet: WaitingPacket, made: Timestamp)] = []
    /// Cover in whose place packets of the user's have left.
    private var replaced: [WaitingPacket] = []

    init(schedule: StreamSchedule<Source>) { self.schedule = schedule }

    /// What leaves now. Called once for each tick. Whether anything does is asked of cover alone, and a packet of the user's
    /// uses up the one that would have left instead: so the same is left for later ticks, whoever has packets waiting.
    /// - Parameter occupied: nodes that get nothing now.
    mutating func departure(
        now: Timestamp, occupied: Set<NodeID>, using generator: inout some RandomNumberGenerator
    ) -> Departure? {
        guard isCoverPossible else { return nil }
        let index = cover.firstIndex { !occupied.contains($0.packet.destination) }
        guard index != nil || isFull else { return nil }
        let own = pool.take(now: now, isOpen: { !occupied.contains($0) }, using: &generator)
        let unused = index.map { cover.remove(at: $0).packet }
        guard let own else { return unused.map { .cover($0) } }
        if let unused { replaced.append(unused) }
        return .own(own)
    }

    /// Judges whether cover can be made now, and sees to it that some lies ready.
    /// - Parameters:
    ///   - isPathPossible: whether a path can be drawn that begins at a node that may get something now.
    ///   - attempt: makes a packet of cover for such a node.
    mutating func replenish(now: Timestamp, isPathPossible: Bool, attempt: () -> CoverAttempt) {
        isCoverPossible = isPathPossible
        isFull = false
        guard isPathPossible else { return }
        while cover.count < Self.stock {
            switch attempt() {
            case .made(let packet): cover.append((packet, now))
            case .noRoom:
                isFull = true
                return
            case .impossible:
                isCoverPossible = false
                return
            }
        }
    }

    /// Takes out cover that is no good any more: for nodes that get nothing now, as they get none of the user's either,
    /// what was made before `oldest`, and what packets of the user's have left in the place of.
    mutating func takeUselessCover(occupied: Set<NodeID>, madeBefore oldest: Timestamp) -> [WaitingPacket] {
        let useless = cover.filter { occupied.contains($0.packet.destination) || $0.made < oldest }.map(\.packet)
        cover.removeAll { occupied.contains($0.packet.destination) || $0.made < oldest }
        defer { replaced = [] }
        return useless + replaced
    }
}
