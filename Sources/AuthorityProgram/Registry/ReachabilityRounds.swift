// Whether nodes answer: an MMTP handshake with each, once a slot at a moment that cannot be foreseen. Nothing is sent over
// the link, so to the node it looks like a client that changed its mind.

internal import Daemon
internal import Directory
internal import MMTP
internal import WireFormat

/// Tries the nodes of a register, slot after slot.
struct ReachabilityRounds: Sendable {
    let registry: NodeRegistry
    let dialer: MMTPDialer
    let lookup: HostLookup
    let clock: ScaledClock
    let slots: SlotCalendar
    let isTest: Bool
    let parallel: Int
    /// Counts a try by its outcome.
    let count: @Sendable (_ outcome: String) -> Void

    /// Runs until it is cancelled. Nodes from `appeared` are tried at once, once more than their turn.
    func run(appeared: AsyncStream<NodeID>) async {
        await withDiscardingTaskGroup { group in
            let turns = TrialTurns(parallel)
            group.addTask {
                for await id in appeared { await attempt(id, turns) }
            }
            group.addTask {
                var generator = SystemRandomNumberGenerator()
                while !Task.isCancelled {
                    await round(turns, using: &generator)
                    await registry.maintain()
                }
            }
        }
    }

    /// One slot: ends with it.
    private func round(_ turns: TrialTurns, using generator: inout some RandomNumberGenerator) async {
        let start = clock.now()
        let slot = slots.slot(at: start) ?? Slot(0)
        let end = slot.advanced(by: 1).map(slots.start) ?? start + slots.length
        // The last tenth is left for the vote to hear of it.
        let span = max(1, (end - start).milliseconds * 9 / 10)
        let plan = await registry.candidates().map { id in
            (id: id, time: start + .milliseconds(Int64.random(in: 0..<span, using: &generator)))
        }.sorted { $0.time < $1.time }
        await withDiscardingTaskGroup { group in
            for item in plan {
                guard (try? await clock.sleep(until: item.time)) != nil else { break }
                await turns.enter()
                group.addTask {
                    await reach(item.id)
                    await turns.leave()
                }
            }
            if Task.isCancelled { group.cancelAll() }
        }
        try? await clock.sleep(until: end)
    }

    private func attempt(_ id: NodeID, _ turns: TrialTurns) async {
        await turns.enter()
        await reach(id)
        await turns.leave()
    }

    private func reach(_ id: NodeID) async {
        let failure: DialFailure?
        do throws(DialFailure) {
            let connection = try await dialer.connect(to: id, at: await targets(id))
            connection.close()
            failure = nil
        } catch {
            failure = error
        }
        guard !Task.isCancelled else { return }
        count(failure.map { "failed_\($0.label)" } ?? "reached")
        await registry.noteTry(id, failure: failure?.label)
    }

    /// Addresses to try. Names are resolved here, so that no name can lead this authority into its own network.
    private func targets(_ id: NodeID) async -> [LinkAddress] {
        var targets: [LinkAddress] = []
        for address in await registry.addresses(of: id) {
            if address.family == .name, !isTest {
                let found = (try? await lookup.addresses(of: address.host, port: address.port)) ?? []
                targets += found.filter(\.isPublic).prefix(2).map { LinkAddress(host: $0.host, port: Int($0.port)) }
            } else if isTest || address.isPublic {
                targets.append(LinkAddress(host: address.host, port: Int(address.port)))
            }
        }
        return targets
    }
}

/// Who may try now.
actor TrialTurns {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = max(1, count) }

    func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
