// What measurements may do to nodes, however many authorities say it: at the start of a network all of them may believe one
// pinger, and that one may lie, or be mistaken. It must not be able to choose the nodes that everybody uses.

public import WireFormat

/// What the tally took back because measurements said too much at once.
public struct MeasurementBrake: Equatable, Sendable {
    /// Nodes that most authorities call unreliable and the consensus does not; ascending.
    public internal(set) var spared: [NodeID] = []
    /// Nodes that measurements would have left less than half of their weight; ascending.
    public internal(set) var raised: [NodeID] = []
    /// Links that enough authorities call broken and the consensus does not; ascending.
    public internal(set) var links: [NodeLink] = []

    /// Nothing was too much.
    public var isIdle: Bool { spared.isEmpty && raised.isEmpty && links.isEmpty }

    /// Of the nodes that can be used at most one of this many is unreliable, and of those among them that deliver mail;
    /// and of no more can measurements take more than half of the weight.
    static let share = 3

    /// A node that the brake may act on.
    struct Node {
        let id: NodeID
        let isExit: Bool
        let isUnreliable: Bool
        /// What measurements leave of its weight (`StandingWeight.measured`).
        let measured: Int
        let reliability: Int?
        let latency: Interval?

        /// Worst first. What lies beyond the ends of the weights' scale still tells who is worse, so that nobody gains
        /// by being so; equal ones by id.
        static func isWorse(_ left: Self, _ right: Self) -> Bool {
            if left.measured != right.measured { return left.measured < right.measured }
            let (reliable, other) = (left.reliability ?? 0, right.reliability ?? 0)
            if reliable != other { return reliable < other }
            let (late, otherLate) = (left.latency ?? .zero, right.latency ?? .zero)
            return late != otherLate ? late > otherLate : left.id < right.id
        }
    }

    init() {}

    /// - Parameter nodes: all that clients may use: that run, and of which nobody warns.
    init(_ nodes: [Node]) {
        let ordered = nodes.sorted(by: Node.isWorse)
        let flagged = ordered.filter(\.isUnreliable)
        // Exits first: what is taken back of them does not count for the rest.
        let exits = flagged.filter(\.isExit).dropFirst(Self.flags(among: nodes.count(where: \.isExit)))
        var spared = Set(exits.map(\.id))
        let rest = flagged.filter { !spared.contains($0.id) }.dropFirst(Self.flags(among: nodes.count))
        spared.formUnion(rest.map(\.id))
        self.spared = spared.sorted()
        raised = ordered.dropFirst(max(1, nodes.count / Self.share))
            .filter { $0.measured < StandingWeight.leastMeasured }.map(\.id).sorted()
    }

    /// How many of `count` nodes may be unreliable: a third, at least one, but never the only one.
    private static func flags(among count: Int) -> Int { count < 2 ? 0 : max(1, count / share) }
}
