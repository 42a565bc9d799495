// Outcomes of frames come one by one on an event loop; the forwarder wants them in groups.

internal import MMTP
internal import Synchronization

/// Gathers the outcomes of one send and hands them over in as few calls as they allow: what has come while the receiver
/// had not yet fetched the last group is one group.
final class OutcomeBatch: Sendable {
    private struct State {
        var ready: [(id: Int64, outcome: FrameOutcome)] = []
        var left: Int
    }
    private let ids: [Int64]
    private let state: Mutex<State>
    private let deliver: @Sendable ([(id: Int64, outcome: FrameOutcome)]) -> Void
    /// Outcomes handed over at a time, unless they are the last.
    private static let group = 16

    init(ids: [Int64], deliver: @escaping @Sendable ([(id: Int64, outcome: FrameOutcome)]) -> Void) {
        self.ids = ids
        self.deliver = deliver
        state = Mutex(State(left: ids.count))
    }

    func note(_ index: Int, _ outcome: FrameOutcome) {
        guard ids.indices.contains(index) else { return }
        let group: [(id: Int64, outcome: FrameOutcome)] = state.withLock { state in
            state.ready.append((ids[index], outcome))
            state.left -= 1
            guard state.left == 0 || state.ready.count >= Self.group else { return [] }
            defer { state.ready = [] }
            return state.ready
        }
        if !group.isEmpty { deliver(group) }
    }
}
