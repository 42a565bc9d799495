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
    /// Intervals narrower than this need not become narrower still.
    private static let narrow = 0.02
    /// How many probes the interval of a node without any stands for.
    private static let fewest = 4.0
    /// The power of an interval's width by which nodes are drawn: the widest nearly always.
    private static let sharpness = 6.0

    private struct Node {
        var width = 1.0
        var samples = 0.0
        var reliability = NodeNeeds.unknownReliability
        /// Probes with it between their ends that are under way, and that were decided since the last analysis.
        var pending = 0, fresh = 0
    }

    private var nodes: [UInt32: Node] = [:]

    /// A new analysis begins: nodes that it does not mention are unknown.
    mutating func begin() {
        for number in Array(nodes.keys) {
            let pending = nodes[number]?.pending ?? 0
            nodes[number] = pending > 0 ? Node(pending: pending) : nil
        }
    }

    mutating func set(_ number: UInt32, _ relay: Estimate?) {
        guard let relay else { return }
        var node = nodes[number] ?? Node()
        node.width = min(max(relay.high - relay.low, 0), 1)
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

    private mutating func change(_ hops: [UInt32], _ body: (inout Node) -> Void) {
        for hop in hops.dropFirst().dropLast() { body(&nodes[hop, default: Node()]) }
    }

    /// How much a node needs another probe: a high power of the width that its interval will have when all is decided that
    /// is under way.
    func score(of number: UInt32) -> Double {
        let node = nodes[number] ?? Node()
        let known = max(node.samples, Self.fewest)
        let width = node.width * (known / (known + Double(node.pending + node.fresh))).squareRoot()
        return pow(max(width, Self.narrow), Self.sharpness)
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

    /// How much more likely a failure is if a link of the path is broken, as a logarithm.
    /// - Parameter lossWithout: what the path loses if it is not.
    static func evidence(lossWithout: Double) -> Float { Float(-log(min(max(lossWithout, 0.005), 1))) }
}
