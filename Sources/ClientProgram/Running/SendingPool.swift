// The packets of the user's that wait for a tick of the stream. Pure.

internal import Spool
internal import WireFormat

/// Chooses what leaves at a tick.
struct SendingPool: Sendable {
    /// From this age on the oldest leaves first; before, any of them does.
    static let ageBound = Interval.hours(1)
    /// So many packets for one node may be on their way to it. A node that is away gets no more than these, so that it is
    /// not met with a crowd when it is back: a crowd would tell how much had waited.
    static let window = 2

    private var packets: [WaitingPacket] = []

    /// How many wait.
    var count: Int { packets.count }
    /// How many wait for each node.
    var byNode: [NodeID: Int] { packets.reduce(into: [:]) { $0[$1.destination, default: 0] += 1 } }

    mutating func add(_ more: [WaitingPacket]) { packets += more }

    /// Takes out what is past its deadline.
    mutating func expire(now: Timestamp) -> [WaitingPacket] {
        let late = packets.filter { $0.deadline <= now }
        if !late.isEmpty { packets.removeAll { $0.deadline <= now } }
        return late
    }

    /// Takes out the packet that leaves now: a random one of those whose node can be reached, or the oldest of them if it
    /// has waited for long. Nil if none of them can leave.
    mutating func take(
        now: Timestamp, isOpen: (NodeID) -> Bool, using generator: inout some RandomNumberGenerator
    ) -> WaitingPacket? {
        var open: [NodeID: Bool] = [:]
        let candidates = packets.indices.filter { index in
            let node = packets[index].destination
            if let known = open[node] { return known }
            let answer = isOpen(node)
            open[node] = answer
            return answer
        }
        guard let oldest = candidates.min(by: { packets[$0].release < packets[$1].release }) else { return nil }
        let chosen =
            now - packets[oldest].release >= Self.ageBound
            ? oldest : candidates.randomElement(using: &generator) ?? oldest
        packets.swapAt(chosen, packets.count - 1)
        return packets.removeLast()
    }
}
