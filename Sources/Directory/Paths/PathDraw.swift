// One attempt at a path: the fixed and the hardest places first, each node at random among those that go with the ones
// before.

internal import Sphinx
internal import WireFormat

/// Draws paths that fit one specification. A draw can end where no node fits any more; another one may not.
struct PathDraw {
    /// How much is made of what is said of nodes. What must not be is the same for all.
    enum Manner: CaseIterable {
        /// Nodes to be avoided are left out as long as there are others at all, even if none of these fits here and
        /// now.
        case strict
        /// They are taken where no other fits.
        case yielding
        /// All are alike, weights too: for demands that leave hardly a way.
        case indifferent
    }

    /// What a place in the path would rather have.
    private enum Place {
        /// Named: the user knows what he wants.
        case named
        /// A random node, not the last: not one that loses packets.
        case random
        /// The last, if it is random: moreover one that has been measured, as nobody but it can say what becomes of a
        /// message.
        case last
    }

    let specification: PathSpecification
    private let selector: PathSelector
    private let network: Network
    private let demands: PathDemands
    private let manner: Manner
    /// Nodes that may be used at all.
    private let allowed: [PathCandidate]

    init(_ selector: PathSelector, _ specification: PathSpecification, _ demands: PathDemands, _ manner: Manner) {
        self.selector = selector
        self.specification = specification
        self.demands = demands
        self.manner = manner
        network = selector.network
        allowed = selector.usable.filter { !demands.blocked.contains($0.id) && $0.id != demands.endpoint }
    }

    func path(using generator: inout some RandomNumberGenerator) throws(PathError) -> [Descriptor] {
        var slots = try slots(using: &generator)
        let maximum = Geometry.suite1.maximumHops
        guard !slots.isEmpty else { throw .tooShort }
        guard slots.count <= maximum else { throw .tooLong(slots.count, maximum: maximum) }
        let count = allowed.count + (demands.endpoint == nil ? 0 : 1)
        guard count >= slots.count else { throw .notEnoughNodes(wanted: slots.count, usable: count) }

        if slots.count == 1 { slots[0] = try entryCandidates(slots[0]) }
        let last = slots.count - 1
        var path = [PathCandidate?](repeating: nil, count: slots.count)
        // What has no choice first, so that nothing else takes its place; then the last, which has least choice.
        for index in slots.indices.dropLast() where slots[index]?.count == 1 {
            let only = try candidates(slots[index], at: index)
            path[index] = try pick(only, .named, at: index, in: path, using: &generator)
        }
        path[last] = try pick(
            try exitCandidates(slots[last]), slots[last] == nil ? .last : .named, at: last, in: path, using: &generator)
        for isNamed in [true, false] {
            for index in slots.indices where path[index] == nil && (slots[index] != nil) == isNamed {
                let choices = try candidates(slots[index], at: index)
                path[index] = try pick(choices, isNamed ? .named : .random, at: index, in: path, using: &generator)
            }
        }
        return path.compactMap { $0?.node }
    }

    /// The named nodes of each place; nil where any will do.
    private func slots(using generator: inout some RandomNumberGenerator) throws(PathError) -> [[PathCandidate]?] {
        var slots: [[PathCandidate]?] = []
        var fillAt: Int?
        func anywhere(_ count: Int) -> [[PathCandidate]?] { [[PathCandidate]?](repeating: nil, count: count) }
        for element in specification.elements {
            switch element {
            case .node(let name): slots.append([try selector.named(name, demands)])
            case .oneOf(let names):
                var choices: [PathCandidate] = []
                for name in names { choices.append(try selector.named(name, demands)) }
                slots.append(choices)
            case .random(let count): slots += anywhere(count)
            case .about(let count):
                slots += anywhere(Int.random(in: max(1, count - 1)...(count + 1), using: &generator))
            case .fill: fillAt = slots.count
            }
        }
        if let fillAt {
            slots.insert(contentsOf: anywhere(max(0, Int(network.parameters.hops) - slots.count)), at: fillAt)
        }
        return slots
    }

    /// Nodes for a place that is not the last.
    private func candidates(_ slot: [PathCandidate]?, at index: Int) throws(PathError) -> [PathCandidate] {
        let all = index == 0 ? try entryCandidates(slot) : slot ?? allowed
        let relays = all.filter(\.isRelay)
        guard !relays.isEmpty else { throw .cannotRelay(slot?.first?.name) }
        return relays
    }

    /// Nodes that the path may begin at.
    private func entryCandidates(_ slot: [PathCandidate]?) throws(PathError) -> [PathCandidate] {
        let candidates = (slot ?? allowed).filter { !demands.blockedEntries.contains($0.id) }
        guard !candidates.isEmpty else { throw .blockedEntry(slot?.first?.name) }
        return candidates
    }

    /// Nodes that the path may end at.
    private func exitCandidates(_ slot: [PathCandidate]?) throws(PathError) -> [PathCandidate] {
        let abilities = demands.abilities
        if let fixed = demands.fixedExit {
            let candidate = try selector.named(fixed.hex, demands)
            if let slot, !slot.contains(where: { $0.id == fixed }) {
                throw .cannotExit(slot.first?.name ?? "", needs: abilities.first?.what ?? "this address")
            }
            // It was chosen before, or an address names it: neither says that it can do what is asked now.
            if let lacking = abilities.first(where: { !$0.isMet(by: candidate.node) }) {
                throw .cannotExit(candidate.name, needs: lacking.what)
            }
            guard !demands.blockedExits.contains(fixed) else { throw .blockedExit(candidate.name) }
            return [candidate]
        }
        let candidates = slot ?? allowed
        for ability in abilities where !candidates.contains(where: { ability.isMet(by: $0.node) }) {
            if let name = slot?.first?.name { throw .cannotExit(name, needs: ability.what) }
            throw .noExit(ability.what)
        }
        let able = candidates.filter { candidate in abilities.allSatisfy { $0.isMet(by: candidate.node) } }
        guard !able.isEmpty else { throw .noExit(abilities.map(\.what).joined(separator: " and ")) }
        // Who names a node knows whom it writes to; of the others only those that write to everybody are of use.
        let willing = slot == nil ? able.filter { one in abilities.allSatisfy { $0.isOpen(at: one.node) } } : able
        guard !willing.isEmpty else { throw .noOpenExit(able[0].name) }
        let open = willing.filter { !demands.blockedExits.contains($0.id) }
        guard !open.isEmpty else { throw .blockedExit(slot?.first?.name) }
        return open
    }

    /// A random candidate, by weight, that goes with the nodes chosen so far.
    private func pick(
        _ candidates: [PathCandidate], _ place: Place, at index: Int, in chosen: [PathCandidate?],
        using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> PathCandidate {
        // That a node is taken already tells less than what keeps the others away, so it is named only if nothing else
        // does.
        var taken: PathError?
        var conflict: PathError?
        for var pool in preferences(candidates, for: place) {
            var total = pool.reduce(0) { $0 + weight($1) }
            // Most fit: one is drawn first and looked at then.
            while !pool.isEmpty {
                let drawn = draw(pool, total, using: &generator)
                switch self.conflict(pool[drawn], at: index, in: chosen) {
                case nil: return pool[drawn]
                case .repeated(let name): taken = .repeated(name)
                case let other: conflict = other
                }
                total -= weight(pool[drawn])
                pool.swapAt(drawn, pool.count - 1)
                pool.removeLast()
            }
        }
        throw conflict ?? taken ?? .notEnoughNodes(wanted: chosen.count, usable: selector.usable.count)
    }

    private func weight(_ candidate: PathCandidate) -> Int { manner == .indifferent ? 1 : candidate.weight }

    /// The index of a candidate; `total` is the sum of their weights.
    private func draw(_ pool: [PathCandidate], _ total: Int, using generator: inout some RandomNumberGenerator) -> Int {
        var left = Int.random(in: 0..<max(total, 1), using: &generator)
        for (index, candidate) in pool.enumerated() {
            left -= weight(candidate)
            if left < 0 { return index }
        }
        return pool.count - 1
    }

    /// The candidates, in the order in which the place would take them.
    private func preferences(_ candidates: [PathCandidate], for place: Place) -> [[PathCandidate]] {
        guard place != .named, manner != .indifferent else { return [candidates] }
        var groups: [[PathCandidate]] = [[], [], []]
        for candidate in candidates {
            let isUnmeasuredLast = place == .last && candidate.flags.contains(.unmeasured)
            groups[candidate.flags.contains(.unreliable) ? 2 : isUnmeasuredLast ? 1 : 0].append(candidate)
        }
        groups.removeAll(where: \.isEmpty)
        return manner == .strict ? Array(groups.prefix(1)) : groups
    }

    /// What keeps a node from its place among those chosen so far.
    private func conflict(_ candidate: PathCandidate, at index: Int, in chosen: [PathCandidate?]) -> PathError? {
        for (place, other) in chosen.enumerated() {
            guard let other else { continue }
            // Named in the order of the path.
            let found = place < index ? other.conflict(with: candidate) : candidate.conflict(with: other)
            if let found { return found }
        }
        if index > 0, let before = chosen[index - 1], network.isBroken(from: before.id, to: candidate.id) {
            return .brokenLink(before.name, candidate.name)
        }
        if index + 1 < chosen.count, let after = chosen[index + 1], network.isBroken(from: candidate.id, to: after.id) {
            return .brokenLink(candidate.name, after.name)
        }
        // A loop begins at the node that makes it.
        if index == 0, let endpoint = demands.endpoint, network.isBroken(from: endpoint, to: candidate.id) {
            return .brokenLink(network.node(endpoint)?.fields.nickname.text ?? endpoint.hex, candidate.name)
        }
        return nil
    }
}
