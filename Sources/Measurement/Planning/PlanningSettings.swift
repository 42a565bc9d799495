public import WireFormat

/// How probes are planned. The defaults are tuned so that 2000 probes over 60 nodes find a node that drops a fifth and one
/// broken link (doc/PINGER.md, planning).
public struct PlanningSettings: Hashable, Sendable {
    /// Parts of all probes, together at most 1; what is left are loops.
    public var replyShare = 0.15, aheadShare = 0.05
    /// Parts of the probes with 3 and with 4 hops; the others have 5.
    public var threeHops = 0.1, fourHops = 0.2
    /// Part of the probes that carry, between their ends, a node of which too little is known.
    public var needShare = 0.6
    /// The largest part of the probes that test again links of paths that failed.
    public var suspicionShare = 0.25
    /// A link of low weight is tested as if its nodes had at least this part of the largest weight.
    public var smallestWeight = 0.25
    /// A probe that has not arrived after this time counts, for planning only, as one that failed.
    public var overdue: Interval = .minutes(45)

    /// Most nodes looked at for one place in a path: in larger networks a random selection of them.
    public static let maximumChoices = 256
    /// Most links remembered, 40 bytes each. All links of up to 512 nodes; in larger networks those tested last.
    public static let maximumLinks = 262_144
    /// Most probes remembered that have not been decided, and most that failed.
    public static let maximumPending = 16_384
    /// Most nodes remembered, with those that have left the network.
    public static let maximumNodes = 16_384
    /// Tries at a path, for each length.
    static let maximumDraws = 20

    public init() {}
}
