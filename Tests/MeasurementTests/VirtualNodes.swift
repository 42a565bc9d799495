import Directory
import WireFormat

/// What a node sees of a packet, apart from its bytes.
struct Sighting {
    /// Nil if it comes from outside of the network.
    var previous: Int?
    /// Nil at the last node.
    var next: Int?
    /// Whether it came from the pinger's own address, and whether it goes into the pinger's mailbox here.
    var isFromPinger = false, isForPinger = false
    /// Whether it was made with the next period's key.
    var isAhead = false
    var at: Timestamp
    /// The delay that it asks for here.
    var asked: Interval
}

/// By what a cheating node takes a packet for a probe.
enum Recognition: CaseIterable {
    case address, mailbox, ahead, rhythm, everything
}

/// How a node treats packets.
enum NodeStrategy {
    /// Loses this part.
    case drops(Double)
    /// Holds all for longer than they ask.
    case slow(Interval)
    /// Drops this part of the packets that it does not take for probes.
    case cheats(Recognition, Double)

    static let honest = NodeStrategy.drops(0)
}

/// A node of a virtual network.
struct VirtualNode {
    var strategy: NodeStrategy
    /// When packets came for each pair of neighbours: what a rhythm is looked for in.
    private var seen: [Pair: (last: Timestamp, gap: Interval?)] = [:]
    /// Packets that it could not tell from others by where they came from or went, and how many of these it passed on.
    private(set) var relayed = 0, passed = 0

    private struct Pair: Hashable {
        var previous, next: Int?
    }

    init(_ strategy: NodeStrategy) { self.strategy = strategy }

    /// How long it holds a packet; nil if it drops it.
    mutating func treat(_ packet: Sighting, using generator: inout some RandomNumberGenerator) -> Interval? {
        let held = hold(packet, using: &generator)
        if packet.previous != nil, packet.next != nil, !packet.isAhead {
            relayed += 1
            if held != nil { passed += 1 }
        }
        return held
    }

    private mutating func hold(_ packet: Sighting, using generator: inout some RandomNumberGenerator) -> Interval? {
        switch strategy {
        case .drops(let share):
            return Double.random(in: 0..<1, using: &generator) < share ? nil : packet.asked
        case .slow(let more): return packet.asked + more
        case .cheats(let recognition, let share):
            if takesForProbe(packet, by: recognition) { return packet.asked }
            return Double.random(in: 0..<1, using: &generator) < share ? nil : packet.asked
        }
    }

    private mutating func takesForProbe(_ packet: Sighting, by recognition: Recognition) -> Bool {
        switch recognition {
        case .address: packet.isFromPinger
        case .mailbox: packet.isForPinger
        case .ahead: packet.isAhead
        case .rhythm: isRhythmic(packet)
        case .everything: packet.isFromPinger || packet.isForPinger || packet.isAhead || isRhythmic(packet)
        }
    }

    /// Whether it comes as long after the one before, between the same neighbours, as that after the one before it, within a
    /// hundredth.
    private mutating func isRhythmic(_ packet: Sighting) -> Bool {
        let pair = Pair(previous: packet.previous, next: packet.next)
        let before = seen[pair]
        let gap = before.map { packet.at - $0.last }
        seen[pair] = (packet.at, gap)
        guard let gap, let last = before?.gap else { return false }
        return abs(gap.inSeconds - last.inSeconds) < 0.01 * last.inSeconds
    }
}
