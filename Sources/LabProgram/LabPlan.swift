internal import Directory
public import WireFormat

/// What a lab is to be.
public struct LabPlan: Sendable {
    /// Nodes in all.
    public var nodes = 6
    /// How many of them deliver mail.
    public var exits = 2
    /// Authorities that vote on the nodes; 0 has one key certify all nodes once, for tests of other things.
    public var authorities = 0
    /// Length of a slot in the network's time; nil for about two seconds of real time.
    public var slot: Interval?
    /// How many nodes offer mailboxes: the last one that is no exit, the first exit, then the others, last ones first.
    public var mailboxNodes = 2
    /// How many times faster than real time the network lives.
    public var timeScale = 1.0
    /// Mixing strategy of every node.
    public var strategy = "poisson"
    /// Mean delay of a hop; nil for the network's default.
    public var meanDelay: Interval?
    /// Own loops of every node per minute of the network's time; nil for the default.
    public var loopsPerMinute: Double?
    /// Where exits hand mail to: `host:port` of an SMTP server.
    public var smarthost: String?
    /// Pauses of the exits between attempts, shortened so that a test sees them.
    public var retryPause: Interval?
    /// How long a mail server may take over a step, real time.
    public var smtpTimeout: Interval?
    /// Local users of the exits.
    public var localNames = ["postmaster"]
    /// Packets that each node may hold.
    public var spoolPackets = 250_000
    /// How long a mail is tried.
    public var deliveryDeadline: Interval?
    /// Share of the packets that every node receives which it loses on purpose, 0 to 1.
    public var dropFraction = 0.0
    /// Whether exits take answers by ordinary mail, each at a domain and an LMTP port of its own (`LabNode`).
    public var hasGateways = true
    /// Ports of 127.0.0.1 to publish for nodes, by name, in place of those that they listen on: for what stands between.
    public var publishedPorts: [String: Int] = [:]

    /// The numbers of the nodes that offer mailboxes.
    var mailboxIndices: Set<Int> {
        let relays = (0..<max(0, nodes - exits)).reversed()
        let others = (max(0, nodes - exits)..<nodes)
        let order = relays.prefix(1) + Array(others.prefix(1)) + Array(relays.dropFirst()) + Array(others.dropFirst())
        return Set(order.prefix(max(0, mailboxNodes)))
    }

    /// Whole seconds, as the network file wants them.
    var slotLength: Interval {
        slot ?? .seconds(max(1, Int64((2 * timeScale).rounded(.up))))
    }

    /// What the network agrees on.
    var parameters: NetworkParameters {
        var parameters = NetworkParameters()
        if let mean = meanDelay { parameters.meanDelay = mean }
        if let deadline = deliveryDeadline { parameters.deliveryDeadline = deadline }
        return parameters
    }

    public init() {}
}
