public import Directory
public import WireFormat

/// Which part of what was sent arrived in time, of all that arrived or did not.
public struct ArrivalShares: Hashable, Sendable {
    /// Within 10 minutes, an hour, six hours and a day; 0 to 1.
    public var tenMinutes, hour, sixHours, day: Double
    /// Probes that they rest on.
    public var samples: Int

    public init(tenMinutes: Double, hour: Double, sixHours: Double, day: Double, samples: Int) {
        self.tenMinutes = tenMinutes
        self.hour = hour
        self.sixHours = sixHours
        self.day = day
        self.samples = samples
    }
}

/// What is known of a node.
public struct NodeResult: Hashable, Sendable {
    /// Which part it passes on of packets that it cannot tell from others: its score. Nil if it is not measured.
    public var relay: Estimate?
    /// The same for packets that it has from the pinger itself, and for those that end in a mailbox at it. Both it can
    /// recognise, so they are shown and count for nothing.
    public var entry, mailbox: Estimate?
    /// What it adds to a packet's journey between two other nodes, beyond the delay that the packet asks for: the median;
    /// nil if not measured.
    public var addedLatency: Interval?
    /// Of probes that it had from one node and passed on to another.
    public var arrivals: ArrivalShares?
    /// Connections that were tried and made.
    public var handshakes = Share()
    /// Probes with the next period's keys on paths with it.
    public var ahead = Share()
    /// Test mails through it as the exit.
    public var deliveries = Share()
    /// Probes on paths with it that came twice, or changed.
    public var duplicates = 0, damaged = 0

    public init() {}
}

/// What is known of a directed link between two nodes.
public struct LinkResult: Hashable, Sendable {
    /// Probes over it in the whole window that arrived, and that did not. The estimate may be of the newest only.
    public var arrived, lost: Int
    /// Which part of the packets it lets through, apart from what its two nodes lose.
    public var estimate: Estimate?
    /// Whether it certainly carries (almost) nothing while its two nodes work.
    public var isBroken: Bool

    public init(arrived: Int, lost: Int, estimate: Estimate?, isBroken: Bool) {
        self.arrived = arrived
        self.lost = lost
        self.estimate = estimate
        self.isBroken = isBroken
    }
}

/// How many probes there are, by outcome.
public struct OutcomeCounts: Hashable, Sendable {
    public var arrived = 0, lost = 0, pending = 0, void = 0
    public init() {}
    public var total: Int { arrived + lost + pending + void }
}

/// What follows from a pinger's probes.
public struct Analysis: Sendable {
    /// When it was made.
    public var made: Timestamp
    /// The first and the last probe that it rests on were sent then; nil if there is none.
    public var first, last: Timestamp?
    public var counts: [ProbeKind: OutcomeCounts]
    public var nodes: [NodeID: NodeResult]
    public var links: [NodeLink: LinkResult]
    /// Of all loops and replies together.
    public var arrivals: ArrivalShares?

    public init(
        made: Timestamp, first: Timestamp? = nil, last: Timestamp? = nil, counts: [ProbeKind: OutcomeCounts] = [:],
        nodes: [NodeID: NodeResult] = [:], links: [NodeLink: LinkResult] = [:], arrivals: ArrivalShares? = nil
    ) {
        self.made = made
        self.first = first
        self.last = last
        self.counts = counts
        self.nodes = nodes
        self.links = links
        self.arrivals = arrivals
    }

    /// The links that are marked, in order.
    public var brokenLinks: [NodeLink] { links.filter(\.value.isBroken).keys.sorted() }
}
