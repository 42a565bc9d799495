// What answers, and their absence, say about nodes. It is local, it is never sent, and a day later it is forgotten: a
// client that avoids nodes for long would be known by it, and whoever can make packets vanish could steer it.

internal import WireFormat

/// Which nodes carried something lately, and on how many paths from which nothing came back they have been since.
struct PathEvidence: Hashable, Sendable {
    /// How long anything is remembered.
    static let memory = Interval.days(1)
    /// So often must something have vanished beyond a node before it is suspected.
    static let suspicion = 4
    /// At most one in so many nodes is avoided.
    static let avoidedShare = 3
    /// Counts stop here.
    private static let most = 10_000

    struct Record: Hashable, Sendable {
        /// Paths with the node from which nothing came, since it last was on one from which something came.
        var unanswered = 0
        /// When something came by a path with it.
        var proven: Timestamp?
        var changed: Timestamp
    }

    private(set) var nodes: [NodeID: Record] = [:]
    /// How long answers take.
    var roundTrip: RoundTripEstimate?
    /// Share of the packets that arrive, and of the questions that are answered: running means of 0 to 1.
    private(set) var arrival = 0.9
    private(set) var answered = 0.8

    /// Weight of a new observation in the running means.
    private static let weight = 0.1

    init() {}

    init(nodes: [NodeID: Record], roundTrip: RoundTripEstimate?, arrival: Double, answered: Double) {
        self.nodes = nodes
        self.roundTrip = roundTrip
        self.arrival = min(max(arrival, 0), 1)
        self.answered = min(max(answered, 0), 1)
    }

    /// A packet along `path` is known to have arrived.
    mutating func prove(_ path: [NodeID], at now: Timestamp) {
        for node in path { nodes[node] = Record(unanswered: 0, proven: now, changed: now) }
    }

    /// Nothing came of a packet along `path`. Whatever else is proven by the same answer goes after this.
    mutating func doubt(_ path: [NodeID], at now: Timestamp) {
        for node in Set(path) {
            var record = nodes[node] ?? Record(changed: now)
            record.unanswered = min(record.unanswered + 1, Self.most)
            record.changed = now
            nodes[node] = record
        }
    }

    mutating func notePacket(arrived: Bool) { arrival += Self.weight * ((arrived ? 1 : 0) - arrival) }
    mutating func noteQuestion(answered isAnswered: Bool) {
        answered += Self.weight * ((isAnswered ? 1 : 0) - answered)
    }

    /// Forgets what is a day old.
    mutating func forget(at now: Timestamp) {
        nodes = nodes.filter { $0.value.changed + Self.memory > now && $0.value.changed <= now + Self.memory }
    }

    /// Whether anything came by way of `node` after `time`.
    func isProven(_ node: NodeID, since time: Timestamp) -> Bool { nodes[node]?.proven.map { $0 >= time } ?? false }

    /// How many of `nodes` may be left out of a path of `hops`.
    static func room(_ nodes: Int, hops: Int) -> Int { max(0, min(nodes / avoidedShare, nodes - hops)) }

    /// Nodes that stand out by what vanished beyond them, worst first: on many paths from which nothing came, on none
    /// since from which something did, and by far more than the others. Loss that hits all alike points at nobody.
    func suspects(among all: [NodeID]) -> [NodeID] {
        let counts = all.map { nodes[$0]?.unanswered ?? 0 }.sorted()
        guard !counts.isEmpty else { return [] }
        let median = counts[counts.count / 2]
        let limit = max(Self.suspicion, 2 * median + 2)
        return all.map { (node: $0, count: nodes[$0]?.unanswered ?? 0) }.filter { $0.count >= limit }
            .sorted { ($1.count, $0.node) < ($0.count, $1.node) }.map(\.node)
    }

    /// Of `all`, those by which nothing came within the day.
    func unproven(among all: [NodeID]) -> [NodeID] { all.filter { nodes[$0]?.proven == nil } }
}
