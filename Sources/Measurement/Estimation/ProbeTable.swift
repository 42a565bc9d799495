public import WireFormat

/// Probes, a column for each thing that is known of them: 33 bytes a probe, so that a million fit where there is
/// little memory. Times after the sending are kept in milliseconds up to 49 days.
public struct ProbeTable: Sendable {
    /// More nodes are not taken in.
    public static let maximumNodes = 4096
    /// Hops of the longest path.
    static let stride = 5

    /// The nodes in the order in which hops name them.
    public private(set) var nodes: [NodeID] = []
    private var numbers: [NodeID: Int] = [:]

    /// Milliseconds since 1970.
    private(set) var sent: [Int64] = []
    /// `stride` for each probe, of which `hopCount` are used.
    private(set) var hops: [UInt16] = []
    private(set) var hopCount: [UInt8] = []
    private(set) var kind: [UInt8] = []
    private(set) var state: [UInt8] = []
    private(set) var drawn: [UInt32] = []
    /// From sending to arrival, or to when the mailbox was last emptied.
    private(set) var age: [UInt32] = []
    private(set) var slack: [UInt32] = []

    /// What a row's outcome is, in a byte.
    enum State {
        static let unseen: UInt8 = 0, pending: UInt8 = 1, arrived: UInt8 = 2, lost: UInt8 = 3, void: UInt8 = 4
        /// Void, but its mailbox was emptied before that, and it was not there.
        static let unfinished: UInt8 = 5
    }

    /// - Parameter nodes: the nodes that hops name by their place in it. Of a repeated one the first place counts; no
    ///   more than `maximumNodes` are taken.
    public init(nodes: [NodeID] = []) {
        self.nodes = Array(nodes.prefix(Self.maximumNodes))
        for (number, node) in self.nodes.enumerated() where numbers[node] == nil { numbers[node] = number }
    }

    public var count: Int { sent.count }

    /// Makes room for that many probes in all.
    public mutating func reserveCapacity(_ count: Int) {
        sent.reserveCapacity(count)
        hops.reserveCapacity(count * Self.stride)
        hopCount.reserveCapacity(count)
        kind.reserveCapacity(count)
        state.reserveCapacity(count)
        drawn.reserveCapacity(count)
        age.reserveCapacity(count)
        slack.reserveCapacity(count)
    }

    /// Adds a probe, and those of its nodes that are new. One with more new nodes than fit is left out.
    @discardableResult
    public mutating func append(_ probe: ObservedProbe) -> Bool {
        let unknown = probe.path.hops.filter { numbers[$0] == nil }
        guard nodes.count + unknown.count <= Self.maximumNodes else { return false }
        for node in unknown {
            numbers[node] = nodes.count
            nodes.append(node)
        }
        let path = probe.path.hops.compactMap { numbers[$0] }
        return append(kind: probe.kind, hops: path, sent: probe.sent, drawn: probe.drawn, outcome: probe.outcome)
    }

    /// Adds a probe whose hops are places in `nodes`.
    ///
    /// - Returns: whether it was well-formed (1 to 5 different known nodes); otherwise it is left out.
    @discardableResult
    public mutating func append(
        kind: ProbeKind, hops path: some Sequence<Int>, sent time: Timestamp, drawn delay: Interval,
        outcome: ProbeOutcome
    ) -> Bool {
        var packed: (UInt16, UInt16, UInt16, UInt16, UInt16) = (.max, .max, .max, .max, .max)
        var length = 0
        for hop in path {
            let short = UInt16(truncatingIfNeeded: hop)
            guard length < Self.stride, nodes.indices.contains(hop), packed.0 != short, packed.1 != short,
                packed.2 != short, packed.3 != short
            else { return false }
            switch length {
            case 0: packed.0 = short
            case 1: packed.1 = short
            case 2: packed.2 = short
            case 3: packed.3 = short
            default: packed.4 = short
            }
            length += 1
        }
        guard length > 0 else { return false }
        sent.append(time.milliseconds)
        hops.append(packed.0)
        hops.append(packed.1)
        hops.append(packed.2)
        hops.append(packed.3)
        hops.append(packed.4)
        hopCount.append(UInt8(length))
        self.kind.append(Self.code(kind))
        drawn.append(Self.short(delay))
        switch outcome {
        case .pending(nil): add(State.unseen, .zero, .zero)
        case .pending(let emptied?): add(State.pending, emptied - time, .zero)
        case .arrived(let arrived, let slack): add(State.arrived, arrived - time, slack)
        case .lost: add(State.lost, .zero, .zero)
        case .void(let emptied):
            if let emptied, emptied > time {
                add(State.unfinished, emptied - time, .zero)
            } else {
                add(State.void, .zero, .zero)
            }
        }
        return true
    }

    private mutating func add(_ state: UInt8, _ age: Interval, _ slack: Interval) {
        self.state.append(state)
        self.age.append(Self.short(age))
        self.slack.append(Self.short(slack))
    }

    /// Saturating both ways: an acknowledgement may be noted after the arrival.
    private static func short(_ interval: Interval) -> UInt32 { UInt32(clamping: interval.milliseconds) }

    static func code(_ kind: ProbeKind) -> UInt8 {
        switch kind {
        case .loop: 0
        case .reply: 1
        case .ahead: 2
        case .delivery: 3
        }
    }
    /// By code.
    static let kinds: [ProbeKind] = [.loop, .reply, .ahead, .delivery]
}
