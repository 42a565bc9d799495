// The node's metrics. Names and reasons come from enums; nothing that a peer sends can make a new label.

internal import Daemon
internal import MMTP
internal import Synchronization

final class NodeCounters: Sendable {
    private struct State {
        var counts: [Key: Int] = [:]
        var gauges: [String: Int] = [:]
    }
    private struct Key: Hashable {
        var name: String
        var reason: String?
    }
    private let state = Mutex(State())

    /// Counts `by` more of an event.
    func count(_ name: String, reason: String? = nil, by amount: Int = 1) {
        state.withLock { $0.counts[Key(name: name, reason: reason), default: 0] += amount }
    }

    /// Sets a gauge.
    func set(_ name: String, _ value: Int) { state.withLock { $0.gauges[name] = value } }
}

extension NodeCounters {
    func install(_ node: Node, exit: ExitDesk?, cover: CoverTraffic, listener: MMTPListener) {}
}
