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
    /// How many nodes offer mailboxes: the last one that is no exit, the first exit, then the others, last ones first. Nil is
    /// two of them, and all in a lab with a pinger, which wants many.
    public var mailboxNodes: Int?
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
    /// The same for single nodes, by name, in place of `dropFraction`.
    public var dropAt: [String: Double] = [:]
    /// How much longer single nodes hold packets for other nodes than these ask, the network's time.
    public var delayAt: [String: Interval] = [:]
    /// Links over which nothing goes: from the first node to the second one, by name.
    public var deadLinks: [DeadLink] = []
    /// Whether a pinger, named by all authorities, measures the network.
    public var pinger = false
    /// Probes that it sends in an hour of the network's time; nil for its default.
    public var probesPerHour: Double?
    /// When one of its probes is lost; nil for its default.
    public var probeDeadline: Interval?
    /// How often it looks into each of its mailboxes, the network's time; nil for its default.
    public var probePoll: Interval?
    /// Connections that it tries in an hour; nil for its default.
    public var handshakesPerHour: Double?
    /// How often it reports to the authorities; nil for once a slot.
    public var reportInterval: Interval?
    /// Domain of pseudonyms that a nymserver of the lab keeps; nil for none.
    public var nymserver: String?
    /// How many exits, the first ones, deliver to it.
    public var nymExits = 1
    /// Mail server (`host:port`) that takes what nyms send.
    public var nymSmarthost: String?
    /// An existing directory for the nymserver's sockets `lmtp` and `policy`, where a mail server gets at them; without it
    /// it listens on ports of 127.0.0.1.
    public var nymSockets: String?
    /// Bits of work that a name costs.
    public var nymWorkBits = 8
    /// Bytes that may wait for one nym, bytes of one mail, mails that a nym may send in a day; nil for the defaults.
    public var nymQuota, nymMailSize, nymBudget: Int?
    /// Whether exits take answers by ordinary mail, each at a domain and an LMTP port of its own (`LabNode`).
    public var hasGateways = true
    /// Ports of 127.0.0.1 to publish for nodes, by name, in place of those that they listen on: for what stands between.
    public var publishedPorts: [String: Int] = [:]

    /// The numbers of the nodes that offer mailboxes.
    var mailboxIndices: Set<Int> {
        let relays = (0..<max(0, nodes - exits)).reversed()
        let others = (max(0, nodes - exits)..<nodes)
        let order = relays.prefix(1) + Array(others.prefix(1)) + Array(relays.dropFirst()) + Array(others.dropFirst())
        return Set(order.prefix(max(0, mailboxNodes ?? (pinger ? nodes : 2))))
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

    /// Throws what in it does not fit together.
    func check() throws(LabError) {
        guard (1...Lab.names.count).contains(nodes) else { throw LabError("a lab has 1 to \(Lab.names.count) nodes") }
        guard (0...nodes).contains(exits) else {
            throw LabError("a lab of \(nodes) nodes cannot have \(exits) exits")
        }
        guard (0...Lab.authorityNames.count).contains(authorities) else {
            throw LabError("a lab has 0 to \(Lab.authorityNames.count) authorities")
        }
        guard nymserver == nil || (1...max(1, exits)).contains(nymExits) && exits > 0 else {
            throw LabError("a nymserver needs an exit that delivers to it; this lab has \(exits)")
        }
        let names = Lab.names.prefix(nodes)
        for name in [dropAt.keys.sorted(), delayAt.keys.sorted(), deadLinks.flatMap { [$0.from, $0.to] }].joined()
        where !names.contains(name) {
            throw LabError("the lab has no node \(name); its nodes are \(names.joined(separator: ", "))")
        }
    }
}

/// A link of a lab over which nothing goes, by the names of its nodes.
public struct DeadLink: Hashable, Sendable {
    public let from, to: String

    public init(from: String, to: String) {
        self.from = from
        self.to = to
    }
}
