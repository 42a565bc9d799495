// How many answers to refused creations may be made: so many in each cycle, whoever asks, and one for each request. A copy of
// a request would make a second packet through the same reply block, which its first node knows again.

internal import NymProtocol
internal import Synchronization
internal import WireFormat

/// Counts answers, by cycle, and remembers what was answered.
final class RefusalBudget: Sendable {
    private struct State {
        var cycle: Int64 = -1
        var count = 0
        var answered: Set<Digest> = []
        var order: [Digest] = []
    }
    private let state = Mutex(State())

    /// Answered requests that are remembered; beyond it the oldest are forgotten.
    static let remembered = 65_536

    /// Whether this request may be answered: it was not before, and there were fewer than `limit` in this cycle.
    func take(_ request: Digest, at now: Timestamp, limit: Int) -> Bool {
        let cycle = now.milliseconds / NymTiming.cycle.milliseconds
        return state.withLock { state in
            if state.cycle != cycle { (state.cycle, state.count) = (cycle, 0) }
            guard state.count < limit, state.answered.insert(request).inserted else { return false }
            state.count += 1
            state.order.append(request)
            if state.order.count > Self.remembered {
                for old in state.order.prefix(Self.remembered / 4) { state.answered.remove(old) }
                state.order.removeFirst(Self.remembered / 4)
            }
            return true
        }
    }
}
