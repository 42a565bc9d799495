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
    private struct State {
        var entries: [NodeID: Entry] = [:]
        /// Where probes go now; others are only looked into for what was sent there before.
        var chosen: Set<NodeID> = []
        var sent: [NodeID: Timestamp] = [:]
    }
    private let state = Mutex(State())

    init() {}

    subscript(node: NodeID) -> Entry {
        get { state.withLock { $0.entries[node] ?? Entry() } }
        set { state.withLock { $0.entries[node] = newValue } }
    }

    /// Nodes to whose mailboxes probes can be sent: those that are chosen, and answer.
    var ready: [NodeID] {
        state.withLock { state in
            state.entries.filter { state.chosen.contains($0.key) && $0.value.isReady && !$0.value.isFailing }.keys
                .sorted()
        }
    }

    /// How many are chosen, and how many of these fail.
    var counts: (all: Int, failing: Int) {
        state.withLock { state in
            (
                state.chosen.count,
                state.chosen.count { node in state.entries[node].map { $0.isFailing || !$0.isReady } ?? true }
            )
        }
    }

    /// When the last probe was sent to each mailbox, or was about to be.
    var sent: [NodeID: Timestamp] { state.withLock { $0.sent } }

    /// A probe goes to a mailbox.
    func noteSent(_ node: NodeID, at time: Timestamp) {
        state.withLock { $0.sent[node] = max($0.sent[node] ?? time, time) }
    }

    /// Forgets all mailboxes but those that are polled.
    /// - Parameter chosen: where probes go now.
    func keep(_ polled: Set<NodeID>, chosen: Set<NodeID>) {
        state.withLock { state in
            state.entries = state.entries.filter { polled.contains($0.key) }
            state.sent = state.sent.filter { polled.contains($0.key) }
            state.chosen = chosen
        }
    }
}
