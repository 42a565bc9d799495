public import Directory
public import WireFormat

/// The way of a probe: 1 to 5 nodes, the entry first, the mailbox's node (or the exit) last.
///
/// The entry sees the pinger's address, and the last node whose mailbox it is, so both can tell that a packet is a probe. Only the
/// nodes between them cannot, and only what happens there speaks for a node (doc/PINGER.md, what a node can see).
public struct ProbePath: Hashable, Sendable {
    public let hops: [NodeID]

    /// - Parameter hops: 1 to 5, all different; nil for anything else.
    public init?(_ hops: [NodeID]) {
        guard (1...5).contains(hops.count), Set(hops).count == hops.count else { return nil }
        self.hops = hops
    }

    public var entry: NodeID { hops[0] }
    public var last: NodeID { hops[hops.count - 1] }
    /// The nodes that cannot know a probe when they see one.
    public var interior: ArraySlice<NodeID> { hops.count > 2 ? hops[1..<(hops.count - 1)] : [] }
    /// The links between its nodes, in order.
    public var links: [NodeLink] { zip(hops, hops.dropFirst()).map { NodeLink(from: $0, to: $1) } }
}
