// What is known of the own mailboxes in this run. What must outlast a crash is in the database; what a node must be told again
// it is told again.

internal import Synchronization
internal import WireFormat

/// The state of every mailbox.
final class MailboxBook: Sendable {
    struct Entry: Sendable {
        /// Whether the node has said in this run that it has it.
        var isReady = false
        /// Blocks that are safe here, and that the node may delete.
        var acknowledging: [UInt64] = []
        /// When nothing was left in it.
        var emptied: Timestamp?
        /// Whether the last poll failed.
        var isFailing = false
    }
    private let entries = Mutex<[NodeID: Entry]>([:])

    init() {}

    subscript(node: NodeID) -> Entry {
        get { entries.withLock { $0[node] ?? Entry() } }
        set { entries.withLock { $0[node] = newValue } }
    }

    /// Nodes to whose mailboxes probes can be sent: those that answer.
    var ready: [NodeID] { entries.withLock { $0.filter { $0.value.isReady && !$0.value.isFailing }.keys.sorted() } }

    /// How many there are, and how many fail.
    var counts: (all: Int, failing: Int) {
        entries.withLock { ($0.count, $0.values.count { $0.isFailing || !$0.isReady }) }
    }

    /// Forgets the mailboxes at other nodes.
    func keep(_ nodes: Set<NodeID>) { entries.withLock { $0 = $0.filter { nodes.contains($0.key) } } }
}
