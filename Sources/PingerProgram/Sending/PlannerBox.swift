// The planner of probes for parts that run side by side, and which probes it waits to hear of.

internal import Measurement
internal import Synchronization
internal import WireFormat

/// A `ProbePlanner` for many.
final class PlannerBox: Sendable {
    private struct State {
        var planner = ProbePlanner()
        var underway = ProbesUnderway()
    }
    private let state = Mutex(State())

    init() {}

    /// The next probe; nil if there is no path.
    func plan(_ view: PlanningView) -> PlannedProbe? {
        var generator = SystemRandomNumberGenerator()
        return state.withLock { $0.planner.plan(view, using: &generator) }
    }

    /// A probe was taken by its entry.
    func sent(_ tag: [UInt8], _ plan: PlannedProbe, mailbox: NodeID, at time: Timestamp) {
        // What a node can tell from others teaches nothing about paths.
        guard plan.kind != .ahead else { return }
        state.withLock { $0.underway.add(tag, path: plan.path, mailbox: mailbox, sent: time) }
    }

    /// A probe was not sent.
    func withdraw(_ plan: PlannedProbe) { state.withLock { $0.planner.withdraw(plan.path) } }

    /// A probe has come back.
    func arrived(_ tag: [UInt8]) {
        state.withLock { state in
            if let path = state.underway.arrived(tag) { state.planner.note(path, arrived: true) }
        }
    }

    /// A mailbox was emptied: what was sent to it long before is overdue.
    func emptied(_ mailbox: NodeID, at time: Timestamp) {
        state.withLock { state in
            let overdue = state.underway.overdue(in: mailbox, at: time - state.planner.settings.overdue)
            for path in overdue { state.planner.note(path, arrived: false) }
        }
    }

    /// What is under way is void: the pinger could not see.
    func forgetUnderway() {
        state.withLock { state in
            for path in state.underway.clear() { state.planner.withdraw(path) }
        }
    }

    /// A probe of an earlier run was decided.
    func note(_ path: ProbePath, arrived: Bool) { state.withLock { $0.planner.note(path, arrived: arrived) } }

    /// What follows from all probes.
    func note(_ analysis: Analysis) { state.withLock { $0.planner.note(analysis) } }
}

/// Probes whose end the planner does not know.
struct ProbesUnderway: Sendable {
    private struct Probe {
        var path: ProbePath
        var mailbox: NodeID
        var sent: Timestamp
        /// Whether it was told already that it is overdue.
        var isOverdue = false
    }
    private var probes: [[UInt8]: Probe] = [:]
    private var order: [[UInt8]] = []

    /// Of more, the oldest are forgotten.
    static let limit = PlanningSettings.maximumPending

    var count: Int { probes.count }

    mutating func add(_ tag: [UInt8], path: ProbePath, mailbox: NodeID, sent: Timestamp) {
        probes[tag] = Probe(path: path, mailbox: mailbox, sent: sent)
        order.append(tag)
        guard order.count > Self.limit else { return }
        for tag in order.prefix(Self.limit / 4) { probes[tag] = nil }
        order.removeFirst(Self.limit / 4)
    }

    /// The path of a probe that came.
    mutating func arrived(_ tag: [UInt8]) -> ProbePath? { probes.removeValue(forKey: tag)?.path }

    /// Paths of the probes that were sent before `time` to a mailbox that has just been emptied; each is told once.
    mutating func overdue(in mailbox: NodeID, at time: Timestamp) -> [ProbePath] {
        var paths: [ProbePath] = []
        for (tag, probe) in probes where probe.mailbox == mailbox && !probe.isOverdue && probe.sent <= time {
            probes[tag]?.isOverdue = true
            paths.append(probe.path)
        }
        return paths
    }

    /// Forgets all; the paths that the planner still waits for.
    mutating func clear() -> [ProbePath] {
        defer { self = ProbesUnderway() }
        return probes.values.filter { !$0.isOverdue }.map(\.path)
    }
}
