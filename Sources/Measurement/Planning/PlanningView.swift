public import Directory
public import WireFormat

/// A node that probes can be sent through.
public struct PlanningNode: Hashable, Sendable {
    public var id: NodeID
    /// 1 to 100: how often clients draw it.
    public var weight: Int
    /// Whether clients avoid it (`Unreliable`). Such a node is never the entry.
    public var isAvoided: Bool

    public init(id: NodeID, weight: Int, isAvoided: Bool = false) {
        self.id = id
        self.weight = weight
        self.isAvoided = isAvoided
    }
}

/// What paths of probes are planned from.
public struct PlanningView: Sendable {
    /// Usable nodes, each once.
    public var nodes: [PlanningNode]
    /// Nodes at which the pinger has a mailbox. Those that are not usable are left out when a path is planned.
    public var mailboxes: [NodeID]
    /// Whether two nodes may be in one path.
    public var isCompatible: @Sendable (NodeID, NodeID) -> Bool

    public init(
        nodes: [PlanningNode], mailboxes: [NodeID],
        isCompatible: @escaping @Sendable (NodeID, NodeID) -> Bool = { $0 != $1 }
    ) {
        self.nodes = nodes
        self.mailboxes = mailboxes
        self.isCompatible = isCompatible
    }

    /// The nodes that a client could use now: those that run, of which nobody warns, and that have keys.
    public init(network: Network, mailboxes: [NodeID], at now: Timestamp) {
        let rules = PathRules(network: network)
        let nodes = PathSelector(network: network, at: now).usableNodes.map { node in
            let standing = network.standing(of: node.id)
            return PlanningNode(
                id: node.id, weight: max(1, standing?.weight ?? 1),
                isAvoided: standing?.flags.contains(.unreliable) ?? false)
        }
        self.init(nodes: nodes, mailboxes: mailboxes) { rules.areCompatible($0, $1) }
    }
}

/// A probe to be sent.
public struct PlannedProbe: Hashable, Sendable {
    /// A loop, a reply or an ahead.
    public var kind: ProbeKind
    public var path: ProbePath

    public init(kind: ProbeKind, path: ProbePath) {
        self.kind = kind
        self.path = path
    }
}
