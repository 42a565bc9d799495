internal import Directory
internal import Spool
internal import WireFormat

/// The flags that an authority votes for a node. Pure.
struct VotedFlags: Sendable {
    /// How long a node must be listed without a gap to be called stable.
    static let stableAfter = Interval.days(7)

    let bad: Set<NodeID>
    /// False: nodes are not tried, and so taken to be reachable.
    let checksReachability: Bool

    /// - Parameter listed: nodes that the last certified consensus lists; nil if there is none. One that it does not list
    ///   is not yet known to all others, so clients must not use it.
    /// - Parameter unreliable: nodes that pingers found so.
    func flags(
        _ node: RegisteredNode, _ descriptor: Descriptor, listed: Set<NodeID>?, unreliable: Set<NodeID> = [],
        at time: Timestamp
    ) -> Set<NodeFlag> {
        var flags: Set<NodeFlag> = []
        if isReachable(node), listed?.contains(node.id) ?? true { flags.insert(.running) }
        if descriptor.can(Capability.Name.smtp) || descriptor.can(Capability.Name.mbox) { flags.insert(.exit) }
        if descriptor.can(Capability.Name.mailbox) { flags.insert(.mailbox) }
        if descriptor.can(Capability.Name.nymserver) { flags.insert(.nymserver) }
        if let since = node.listedSince, time - since >= Self.stableAfter { flags.insert(.stable) }
        if bad.contains(node.id) { flags.insert(.bad) }
        if unreliable.contains(node.id) { flags.insert(.unreliable) }
        return flags
    }

    /// Whether it is there at all: whoever makes up nodes gets none into a vote.
    func isKnown(_ node: RegisteredNode) -> Bool { !checksReachability || node.lastReachable != nil }

    /// One of the last two tries succeeded.
    func isReachable(_ node: RegisteredNode) -> Bool { !checksReachability || node.reached || node.reachedBefore }
}
