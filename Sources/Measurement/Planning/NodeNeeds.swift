// How well the planner knows each node, and which it should know better.

internal import Glibc

/// What is known of nodes, by their numbers with the planner.
struct NodeNeeds {
    /// A node that nothing is known of passes on this part; only for the weighing of failures.
    private static let unknownReliability = 0.995
    /// The most that is believed of a node.
    private static let bestReliability = 0.998
    /// A node with less than this, and less than most, may be at fault when a path fails.
    private static let goodReliability = 0.95
    /// A reliability that is known this well (as a standard deviation) need not be known better.
    private static let wellKnown = 0.006
    /// Losses that are added to those of a node, as none is perfect.
    private static let priorLoss = 0.2
    /// Paths of a node that are counted until the count is halved.
    private static let longest = 1000.0
    /// The power of the standard deviation by which nodes are drawn: the least known nearly always.
    private static let sharpness = 12.0

    private struct Node {
        /// Whether the last analysis has an estimate for it.
        var isEstimated = false
        var samples = 0.0
        var reliability = NodeNeeds.unknownReliability
        /// Probes with it between their ends that are under way, that were decided since the last analysis, and before.
        var pending = 0, fresh = 0, older = 0
        /// Of the paths with it anywhere that were decided: how many, and how many failed. Halved from time to time.
        var seen = 0.0, lost = 0.0
    }

    private var nodes: [UInt32: Node] = [:]

    /// A new analysis begins: nodes that it does not mention are unknown.
    mutating func begin() {
        for (number, before) in nodes {
            nodes[number] = Node(
                pending: before.pending, older: before.older + before.fresh, seen: before.seen, lost: before.lost)
        }
    }

    mutating func set(_ number: UInt32, _ relay: Estimate?) {
        guard let relay else { return }
        var node = nodes[number] ?? Node()
        node.isEstimated = true
        node.samples = Double(max(relay.samples, 0))
        node.reliability = min(max(relay.value, 0.01), Self.bestReliability)
        nodes[number] = node
    }

    func reliability(of number: UInt32) -> Double { nodes[number]?.reliability ?? Self.unknownReliability }

    /// What a node must have for a failed path to be rather not its fault: nearly all, but where most have less, as much
    /// as they.
    func goodReliability(_ numbers: [UInt32]) -> Double {
        let all = numbers.map { reliability(of: $0) }.sorted()
        return all.isEmpty ? Self.goodReliability : min(Self.goodReliability, all[all.count / 2])
    }

    mutating func planned(_ hops: [UInt32]) { change(hops) { $0.pending += 1 } }
    mutating func withdrawn(_ hops: [UInt32]) { change(hops) { $0.pending = max(0, $0.pending - 1) } }
    mutating func decided(_ hops: [UInt32]) {
        change(hops) { node in
            node.pending = max(0, node.pending - 1)
            node.fresh += 1
        }
    }

    /// A path was decided.
    mutating func seen(_ hops: [UInt32], arrived: Bool) {
        for hop in hops {
            var node = nodes[hop] ?? Node()
            node.seen += 1
            if !arrived { node.lost += 1 }
            if node.seen >= Self.longest {
                node.seen /= 2
                node.lost /= 2
            }
            nodes[hop] = node
        }
    }

    /// Which part of the paths with this node fails that do not go by a link of which so many were seen and lost.
    func loss(of number: UInt32, without link: (seen: Double, lost: Double)) -> Double {
        guard let node = nodes[number] else { return 0 }
        return max(0, node.lost - link.lost) / (max(0, node.seen - link.seen) + 2)
    }

    private mutating func change(_ hops: [UInt32], _ body: (inout Node) -> Void) {
        for hop in hops.dropFirst().dropLast() { body(&nodes[hop, default: Node()]) }
    }

    /// How much a node needs another probe: a high power of how far its reliability may be from what is believed, when all is
    /// decided that is under way. Losses make it less certain than arrivals, so most goes to nodes that lose some.
    func score(of number: UInt32) -> Double {
        let node = nodes[number] ?? Node()
        let coming = Double(node.pending + node.fresh)
        // Without an estimate, what became of the paths with it must do.
        let known = node.isEstimated ? node.samples : Double(node.older)
        let loss = node.isEstimated ? 1 - node.reliability : node.lost / max(node.seen, 1)
        let doubtful = (loss * known + Self.priorLoss) / (known + 1)
        let chance = (doubtful * (1 - doubtful) / (known + coming + 1)).squareRoot()
        return pow(max(chance, Self.wellKnown), Self.sharpness)
    }

    static func pick(_ scores: [Double], using generator: inout some RandomNumberGenerator) -> Int? {
        let total = scores.reduce(0, +)
        guard total > 0 else { return nil }
        var left = Double.random(in: 0..<total, using: &generator)
        for (index, score) in scores.enumerated() {
            left -= score
            if left < 0 { return index }
        }
        return scores.indices.last
    }
}
