// The node's books: every packet that came in is somewhere in these counts, and nowhere else. Kinds only: no peer, no
// destination, no time of a single packet.

internal import Mixing
internal import Synchronization

/// Counts packets in groups, on any thread.
final class NodeLedger: Sendable {
    private let balance: Mutex<PacketBalance>

    /// - Parameter heldBefore: packets and shares that the spool held at start.
    init(heldBefore: Int) {
        balance = Mutex(PacketBalance(heldBefore: Int64(heldBefore), held: Int64(heldBefore)))
    }

    /// One group's changes, gathered without a lock.
    struct Entry {
        private var received: Int64 = 0
        private var created: Int64 = 0
        private var forwarded: Int64 = 0
        private var delivered: Int64 = 0
        private var held: Int64 = 0
        private var dropped: [DropReason: Int64] = [:]

        /// A packet came and was dropped at once.
        mutating func receivedAndDropped(_ reason: DropReason) {
            received += 1
            dropped[reason, default: 0] += 1
        }
        /// A packet came and is held.
        mutating func receivedAndHeld() {
            received += 1
            held += 1
        }
        /// A packet came and ended here: an answer in a mailbox.
        mutating func receivedAndDelivered() {
            received += 1
            delivered += 1
        }
        /// An own packet was made and is held.
        mutating func createdAndHeld() {
            created += 1
            held += 1
        }
        /// Held packets went on.
        mutating func forwarded(_ count: Int) {
            forwarded += Int64(count)
            held -= Int64(count)
        }
        /// Held shares became a message.
        mutating func delivered(_ count: Int) {
            delivered += Int64(count)
            held -= Int64(count)
        }
        /// Held packets or shares were dropped.
        mutating func heldAndDropped(_ reason: DropReason, _ count: Int = 1) {
            dropped[reason, default: 0] += Int64(count)
            held -= Int64(count)
        }

        fileprivate func add(to balance: inout PacketBalance) {
            balance.received += received
            balance.created += created
            balance.forwarded += forwarded
            balance.delivered += delivered
            balance.held += held
            balance.dropped.merge(dropped, uniquingKeysWith: +)
        }
    }

    /// Books a group.
    func book(_ fill: (inout Entry) -> Void) {
        var entry = Entry()
        fill(&entry)
        balance.withLock { [entry] in entry.add(to: &$0) }
    }

    /// The books as they stand.
    var snapshot: PacketBalance { balance.withLock { $0 } }
}
