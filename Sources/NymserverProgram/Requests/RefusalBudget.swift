// How many answers to refused creations may be made: so many in each cycle, whoever asks.

internal import NymProtocol
internal import Synchronization
internal import WireFormat

/// Counts answers, by cycle.
final class RefusalBudget: Sendable {
    private let state = Mutex((cycle: Int64(-1), count: 0))

    /// Whether there may be one more of `limit` in this cycle.
    func take(at now: Timestamp, limit: Int) -> Bool {
        let cycle = now.milliseconds / NymTiming.cycle.milliseconds
        return state.withLock { state in
            if state.cycle != cycle { state = (cycle, 0) }
            guard state.count < limit else { return false }
            state.count += 1
            return true
        }
    }
}
