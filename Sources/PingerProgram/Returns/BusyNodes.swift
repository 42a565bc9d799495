// Nodes with which something is under way: one thing at a time for each.

internal import Synchronization
internal import WireFormat

/// A set for many.
final class BusyNodes: Sendable {
    private let nodes = Mutex<Set<NodeID>>([])

    init() {}

    /// False if something is under way already.
    func enter(_ node: NodeID) -> Bool { nodes.withLock { $0.insert(node).inserted } }

    func leave(_ node: NodeID) { nodes.withLock { _ = $0.remove(node) } }
}
