// What goes wrong on purpose: a test network's way to have a bad node, so that what finds bad nodes can be tried.

internal import Daemon
internal import Directory
internal import Mixing
internal import WireFormat

/// Faults of a node that its configuration asks for, in test networks only.
struct InjectedFaults: Sendable {
    /// Share of the packets received that are acknowledged and then lost, 0 to 1.
    var dropFraction = 0.0
    /// How much longer a packet that is to be handed on is held than it asks for, the network's time.
    var delay = Interval.zero
    /// Nodes, by id or nickname: every packet for them is acknowledged and then lost.
    var deadLinks: [String] = []

    /// Longest `delay`: a packet must not outlive the keys that open it.
    static let longestDelay = Interval.hours(24)

    /// The settings that are not as in a real network, as the configuration calls them.
    var names: [String] {
        [
            dropFraction > 0 ? "drop-fraction" : nil, delay > .zero ? "delay" : nil,
            deadLinks.isEmpty ? nil : "dead-links",
        ].compactMap(\.self)
    }

    /// The mixing rule of a node that is slow: no packet would stay longer than the rule's cap, so that grows with it.
    func slowing(_ strategy: MixStrategy) -> MixStrategy {
        switch strategy {
        case .poisson(let cap): .poisson(cap: cap + delay)
        case .timedDynamicPool(let interval, let minimum, let percent, let cap):
            .timedDynamicPool(interval: interval, minimum: minimum, percent: percent, cap: cap + delay)
        case .threshold: strategy
        }
    }

    /// Whether the packet at hand is one of those that are lost.
    func loseOne() -> Bool { dropFraction > 0 && Double.random(in: 0..<1) < dropFraction }

    /// Whether the link to `next` is one of those that are dead.
    func breaks(_ next: NodeID, named nickname: (NodeID) -> Nickname?) -> Bool {
        guard !deadLinks.isEmpty else { return false }
        let id = next.hex
        let name = nickname(next)?.folded
        return deadLinks.contains { $0.lowercased() == id || $0.lowercased() == name }
    }

    /// Takes what the `[test]` table says.
    static func read(_ table: ConfigTable) -> InjectedFaults {
        var faults = InjectedFaults()
        faults.dropFraction = table.value(
            "drop-fraction", .double(0...1), default: 0,
            doc: "Share of the packets received that are acknowledged and then lost; test networks only.")
        faults.delay = table.value(
            "delay", .duration(.zero...Self.longestDelay), default: .zero,
            doc: "How much longer a packet for another node is held than it asks for; test networks only.")
        faults.deadLinks = table.value(
            "dead-links", .strings, default: [],
            doc: "Ids or nicknames of nodes: packets for them are acknowledged and then lost; test networks only."
        ).filter { text in
            if Nickname(text) != nil || NodeID(hex: text) != nil { return true }
            table.report("dead-links", "'\(text)' is neither a nickname nor a node id of 64 hexadecimal digits")
            return false
        }
        return faults
    }
}
