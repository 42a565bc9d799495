// Which mailboxes are polled. Probes go to those that are chosen now; what was sent to others before is still looked for, or
// every change of the choice, which a node can bring about by itself, would leave probes of which nobody can say anything.

internal import Directory
internal import WireFormat

/// Mailboxes that are polled, and until when.
struct PolledMailboxes: Sendable {
    private var known: [NodeID: Descriptor] = [:]
    private let deadline: Interval

    /// Most mailboxes that are polled though no probes go there any more; of more, those that got one last.
    static let formerLimit = 256

    /// - Parameter deadline: a probe that is not back after so long is lost.
    init(deadline: Interval) { self.deadline = deadline }

    /// The nodes to poll. One that is not chosen any more is polled, as it was last known, until twice the deadline after the
    /// last probe that was sent to it: then all of them are decided.
    /// - Parameters:
    ///   - chosen: where probes go now.
    ///   - sent: when the last probe went to each mailbox; of the last run too.
    ///   - node: what is known of a node now, whether it offers mailboxes or not.
    mutating func nodes(
        chosen: [Descriptor], sent: [NodeID: Timestamp], at now: Timestamp, node: (NodeID) -> Descriptor?
    ) -> [NodeID: Descriptor] {
        let former = sent.filter { now - $0.value < deadline * 2 }.sorted { ($1.value, $1.key) < ($0.value, $0.key) }
        var nodes: [NodeID: Descriptor] = [:]
        for (id, _) in former.prefix(Self.formerLimit) { nodes[id] = node(id) ?? known[id] }
        for descriptor in chosen { nodes[descriptor.id] = descriptor }
        known = nodes
        return nodes
    }
}
