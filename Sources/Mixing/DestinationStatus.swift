// How each destination stands, for `queue list` and for metrics that add up over all of them.

public import WireFormat

/// One destination as it stands.
public struct DestinationStatus: Hashable, Sendable {
    /// The state of its connection, in a word.
    public enum State: String, CaseIterable, Hashable, Sendable {
        /// Nothing to do.
        case idle
        /// Waits for a free connection.
        case waiting
        /// Left alone after a failure, until `retryAt`.
        case backingOff
        case connecting
        case open
        /// Being closed.
        case closing
    }

    public var destination: NodeID
    public var state: State
    /// Packets waiting.
    public var queued: Int
    /// Packets sent and not answered.
    public var inFlight: Int
    /// Failures in a row.
    public var failures: Int
    public var lastFailure: LinkFailure?
    public var retryAt: Timestamp?
}

extension DestinationQueues {
    /// All destinations that the machine knows, by id.
    public var statuses: [DestinationStatus] {
        slotOf.values.map { slot in
            let destination = slots[slot]
            var retryAt: Timestamp?
            let state: DestinationStatus.State
            switch destination.phase {
            case .none: state = .idle
            case .waiting: state = .waiting
            case .backingOff(let until):
                state = .backingOff
                retryAt = until
            case .connecting: state = .connecting
            case .open: state = .open
            case .draining, .closing: state = .closing
            }
            return DestinationStatus(
                destination: destination.node, state: state, queued: destination.queue.count,
                inFlight: destination.link.inFlight.count, failures: destination.failures,
                lastFailure: destination.lastFailure, retryAt: retryAt)
        }.sorted { $0.destination < $1.destination }
    }
}
