// Figures of the database for metrics, looked up at most once in a while: counting rows reads whole indexes.

internal import Spool
internal import Synchronization

/// What the database holds.
final class StoreGauges: Sendable {
    private struct State {
        var counts = NymStoreCounts()
        var looked: ContinuousClock.Instant?
    }
    private let store: NymStore
    private let state = Mutex(State())

    /// Time between two looks.
    static let age = Duration.seconds(60)

    init(store: NymStore) { self.store = store }

    var current: NymStoreCounts {
        state.withLock { state in
            if state.looked.map({ ContinuousClock.now - $0 > Self.age }) ?? true {
                state.looked = .now
                if let counts = try? store.counts() { state.counts = counts }
            }
            return state.counts
        }
    }
}
