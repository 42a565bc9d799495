internal import Synchronization
public import WireFormat

/// Whether whoever sends mail knows the network's opt-outs: what no list has that is here may be in one that is not.
public final class OptOutReadiness: Sendable {
    /// So long mail waits for the statements of all listed exits, from the first question on; then it goes out with what is
    /// here, so that a statement which nobody gives out does not end the mail.
    public static let patience = Interval.hours(6)

    private let state = Mutex<(until: Timestamp?, isComplete: Bool)>((nil, false))

    public init() {}

    /// Whether all statements were here once.
    public var isComplete: Bool { state.withLock { $0.isComplete } }

    /// All that descriptors name is here.
    public func noteComplete() { state.withLock { $0.isComplete = true } }

    /// Whether what the list does not have is in no list, as far as can be known.
    public func isReady(at now: Timestamp) -> Bool {
        state.withLock { state in
            if state.isComplete { return true }
            // A clock that was set back must not prolong it.
            let until = min(state.until ?? now + Self.patience, now + Self.patience)
            state.until = until
            return until <= now
        }
    }
}
