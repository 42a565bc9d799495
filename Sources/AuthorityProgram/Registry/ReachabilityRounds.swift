// Whether nodes answer: an MMTP handshake with each, once a slot at a moment that cannot be foreseen. Nothing is sent over
// the link, so to the node it looks like a client that changed its mind.

internal import Daemon
internal import Directory
internal import MMTP
internal import Spool
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
            let turns = TrialTurns(parallel, registry.rules.limits)
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
        await turns.renew()
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
                guard await wait(until: item.time, from: start) else { break }
                await turns.enter()
                group.addTask {
                    await reach(item.id, turns)
                    await turns.leave()
                }
            }
            if Task.isCancelled { group.cancelAll() }
        }
        _ = await wait(until: end, from: start)
    }

    /// Waits in steps. False if this was cancelled, or if the clock was set to a time before the round began: what was planned
    /// then is worth nothing.
    private func wait(until time: Timestamp, from start: Timestamp) async -> Bool {
        while true {
            let now = clock.now()
            guard now >= start else { return false }
            guard now < time else { return !Task.isCancelled }
            do { try await clock.sleep(until: time, atMost: AuthorityParts.longestSleep) } catch { return false }
        }
    }

    private func attempt(_ id: NodeID, _ turns: TrialTurns) async {
        await turns.enter()
        await reach(id, turns)
        await turns.leave()
    }

    private func reach(_ id: NodeID, _ turns: TrialTurns) async {
        guard let entry = await registry.entry(id) else { return }
        let found = await addresses(entry)
        var (targets, isUnsure) = (found.addresses, found.isUnsure)
        if let known = entry.reachedAt, let index = targets.firstIndex(of: known) {
            targets.swapAt(0, index)
        }
        var failure: DialFailure?
        for target in targets.prefix(TrialBudget.targetsPerNode) {
            let isProven = entry.isProven && (entry.reachedAt ?? target) == target
            var isAllowed = isTest || isProven
            if !isAllowed { isAllowed = await turns.allows(target) }
            guard isAllowed else {
                isUnsure = true
                continue
            }
            do throws(DialFailure) {
                let address = LinkAddress(host: target.host, port: Int(target.port))
                try await dialer.connect(to: id, at: [address]).close()
                guard !Task.isCancelled else { return }
                count("reached")
                return await registry.noteTry(id, failure: nil, at: target)
            } catch {
                if failure.map(Self.saysLittle) ?? true { failure = error }
            }
        }
        guard !Task.isCancelled else { return }
        if isUnsure {
            count("postponed")
            return await registry.notePostponed(id)
        }
        let label = (failure ?? .noAddress).label
        count("failed_\(label)")
        await registry.noteTry(id, failure: label)
    }

    /// Of several addresses' failures one that comes from a node, or from somebody, says more.
    private static func saysLittle(_ failure: DialFailure) -> Bool {
        switch failure {
        case .noAddress, .unresolvable, .unreachable, .refused: true
        default: false
        }
    }

    /// Addresses to try. Names are resolved here, so that no name can lead this authority into its own network.
    /// - Returns: `isUnsure`: a name could not be looked up, and nobody knows where it led before.
    private func addresses(_ entry: NodeRegistry.Entry) async -> (addresses: [NodeAddress], isUnsure: Bool) {
        var (targets, isUnsure): ([NodeAddress], Bool) = ([], false)
        for address in entry.descriptor.fields.addresses {
            guard address.family == .name, !isTest else {
                if isTest || address.isPublic { targets.append(address) }
                continue
            }
            var found: [NodeAddress]
            do throws(HostLookup.Failure) {
                found = try await lookup.addresses(of: address.host, port: address.port).filter(\.isPublic)
                await registry.note(found, of: address.host, at: entry.node.id)
            } catch {
                // That says nothing of the node.
                found = (entry.resolved[address.host] ?? []).compactMap {
                    NodeAddress(host: $0.host, port: address.port)
                }
                isUnsure = isUnsure || found.isEmpty
            }
            targets += found.prefix(NodeRegistry.addressesPerName)
        }
        // Nor to where authorities serve HTTP.
        return (targets.filter { !registry.rules.authorities.contains($0) }, isUnsure)
    }
}

/// Who may try now.
actor TrialTurns {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var budget: TrialBudget

    init(_ count: Int, _ limits: RegistryLimits) {
        free = max(1, count)
        budget = TrialBudget(limits)
    }

    /// A new round.
    func renew() { budget.renew() }
    /// Whether an address at which nobody has answered may be tried in this round.
    func allows(_ address: NodeAddress) -> Bool { budget.allows(address) }

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
