// A node's own loops: packets over random paths that come back to it, at Poisson times and a constant rate, so that what a
// node holds does not depend on its users. Those that stay away are evidence (doc/MIXING.md, cover).

internal import Daemon
internal import Directory
internal import Foundation
internal import Messages
internal import Mixing
internal import Sphinx
internal import Spool
internal import Synchronization
internal import WireFormat

final class CoverTraffic: Sendable {
    private struct State {
        var schedule: CoverSchedule
        var loops: LoopLedger<LoopID>
        var generator = SystemRandomNumberGenerator()
        var verdict = LoopLedger<LoopID>.Verdict.release
    }

    private let node: NodeID
    private let network: @Sendable () -> Network
    private let spool: Spool
    private let ledger: NodeLedger
    private let clock: ScaledTime
    private let forward: @Sendable ([WaitingPacket]) -> Void
    private let verdictChanged: @Sendable (LoopLedger<LoopID>.Verdict) -> Void
    private let state: Mutex<State>

    init(
        node: NodeID, loopsPerMinute: Double, network: @escaping @Sendable () -> Network, spool: Spool,
        ledger: NodeLedger,
        clock: ScaledTime, forward: @escaping @Sendable ([WaitingPacket]) -> Void,
        verdictChanged: @escaping @Sendable (LoopLedger<LoopID>.Verdict) -> Void
    ) {
        self.node = node
        self.network = network
        self.spool = spool
        self.ledger = ledger
        self.clock = clock
        self.forward = forward
        self.verdictChanged = verdictChanged
        var generator = SystemRandomNumberGenerator()
        let schedule = CoverSchedule(loopsPerMinute: loopsPerMinute, now: clock.now(), using: &generator)
        state = Mutex(State(schedule: schedule, loops: LoopLedger()))
    }

    /// A loop came back.
    func returned(_ loop: LoopID) {
        let now = clock.now()
        _ = state.withLock { $0.loops.returned(loop, now: now) }
    }

    /// The share of loops that came back lately; nil before the first outcome.
    var fractionBack: Double? { state.withLock { $0.loops.fraction } }
    /// Whether the node should tell its operator that loops stay away.
    var isAlarm: Bool { state.withLock { $0.verdict.isAlarm } }

    /// Sends loops until the task is cancelled.
    func run() async throws {
        while true {
            let next = state.withLock { state in
                [state.schedule.nextWake, state.loops.nextWake].compactMap { $0 }.min()
            }
            guard let next else { return try await clock.sleep(until: clock.now() + .days(3650)) }
            try await clock.sleep(until: next)
            let now = clock.now()
            let (count, change) = state.withLock { state in
                let before = state.verdict
                state.verdict = state.loops.verdict(now: now)
                let due = state.schedule.due(now: now, using: &state.generator).loops
                return (due, before == state.verdict ? nil : state.verdict)
            }
            if let change { verdictChanged(change) }
            for _ in 0..<count { send(now) }
        }
    }

    private func send(_ now: Timestamp) {
        let network = self.network()
        var generator = SystemRandomNumberGenerator()
        let selector = PathSelector(network: network, at: now)
        let parameters = network.parameters
        // A network smaller than a path gets loops as long as it can have.
        let hops = min(Int(parameters.hops), selector.usableNodes.count)
        guard hops > 1 else { return }
        let sampling = DelaySampling(mean: parameters.meanDelay, cap: parameters.delayCap)
        do {
            let specification = try PathSpecification("*\(hops)")
            let nodes = try selector.choose(
                specification, demands: PathDemands(fixedExit: node, endpoint: node), using: &generator)
            let delays = nodes.map { _ in sampling.sample(using: &generator) }
            let path = try selector.hops(nodes, delays: delays, at: now)
            let loop = LoopID.random(using: &generator)
            let packet = try PacketBuilder().build(
                content: PayloadContent.dummy(loop).encoded(), path: path, using: &generator)
            let budget = TimeBudget(
                hops: nodes.count, delayCap: parameters.delayCap, retryDeadline: parameters.retryDeadline,
                acceptance: parameters.acceptance)
            let deadline = budget.deadline(release: now, period: path[0].period, calendar: parameters.calendar)
            // Four mean delays a hop and a margin: of loops on which all goes well not one in ten thousand is later, and a
            // block shows within the hour.
            let due = now + (min(parameters.meanDelay * 4, parameters.delayCap) + .minutes(2)) * Int64(nodes.count)
            state.withLock { $0.loops.sent(loop, deadline: due) }
            let first = path[0].node
            let operation = SpoolOperation.enqueuePacket(
                destination: first, release: now, deadline: deadline, body: packet)
            try spool.submit([operation]) { [ledger, forward] results in
                guard case .stored(let id) = results.first else { return }
                ledger.book { $0.createdAndHeld() }
                forward([WaitingPacket(id: id, destination: first, release: now, deadline: deadline)])
            }
        } catch {
            // No path just now (nodes missing from the network file): the next event tries again, and the share of loops
            // that come back falls only for loops that were sent.
            return
        }
    }
}
