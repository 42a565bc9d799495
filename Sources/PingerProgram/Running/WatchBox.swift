// Who is asked whether the pinger sees, by parts that run side by side.

internal import Measurement
internal import Synchronization
internal import WireFormat

/// An `ObservationWatch` for many, and the gaps that it found and that are not in the database yet.
final class WatchBox: Sendable {
    private struct State {
        var watch: ObservationWatch
        var gaps: [Gap] = []
    }
    private let state: Mutex<State>

    init(_ watch: ObservationWatch) { state = Mutex(State(watch: watch)) }

    /// What holds now.
    var current: WatchState { state.withLock { $0.watch.state } }

    /// Nil while the pinger sees; else a sentence on why nothing can be said now.
    var silence: String? {
        let now = current
        return now == .watching ? nil : now.description
    }

    /// A connection to a node was tried, or is still in use.
    func contact(_ worked: Bool, with node: NodeID, at now: Timestamp) {
        state.withLock { $0.gaps += $0.watch.contact(worked, with: node, at: now) }
    }

    /// Time passes.
    func tick(now: Timestamp, uptime: Interval) {
        state.withLock { $0.gaps += $0.watch.tick(now: now, uptime: uptime) }
    }

    /// The gaps since the last call, which the caller writes to the database, and until when the pinger surely saw.
    func take() -> (gaps: [Gap], aliveUntil: Timestamp) {
        state.withLock { state in
            defer { state.gaps = [] }
            return (state.gaps, state.watch.aliveUntil)
        }
    }

    /// Gaps that could not be written: they are given out again.
    func giveBack(_ gaps: [Gap]) { state.withLock { $0.gaps = gaps + $0.gaps } }

    func isVoiding(_ gap: Gap) -> Bool { state.withLock { $0.watch.settings.isVoiding(gap) } }
}
