// One attempt at a path: the fixed and the hardest places first, each node at random among those that go with the ones before.

internal import Sphinx
internal import WireFormat

/// Draws paths that fit one specification. A draw can end where no node fits any more; another one may not.
struct PathDraw {
    let specification: PathSpecification
    private let selector: PathSelector
    private let network: Network
    private let demands: PathDemands
    /// Whether nodes that are to be avoided are left out as long as there are others at all, even if none of these fits here
    /// and now; otherwise they are taken where no other fits.
    private let isStrict: Bool
    /// Nodes that may be used at all.
    private let allowed: [Descriptor]

    init(_ selector: PathSelector, _ specification: PathSpecification, _ demands: PathDemands, isStrict: Bool) {
        self.selector = selector
        self.specification = specification
        self.demands = demands
        self.isStrict = isStrict
        network = selector.network
        allowed = selector.usable.filter { !demands.blocked.contains($0.id) && $0.id != demands.endpoint }
    }

    /// What a place in the path would rather have.
    private enum Place {
        /// Named: the user knows what he wants.
        case named
        /// A random node, not the last: not one that loses packets.
        case random
        /// The last, if it is random: moreover one that has been measured, as nobody but it can say what becomes of a message.
        case last
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
        var path = [Descriptor?](repeating: nil, count: slots.count)
        path[last] = try pick(
            try exitCandidates(slots[last]), slots[last] == nil ? .last : .named, at: last, in: path, using: &generator)
        // Named nodes first, so that a random one never takes their place.
        for (index, slot) in slots.enumerated().dropLast() {
            guard let slot else { continue }
            let candidates = index == 0 ? try entryCandidates(slot) : slot
            path[index] = try pick(candidates, .named, at: index, in: path, using: &generator)
        }
        for index in slots.indices where path[index] == nil {
            let candidates = index == 0 ? try entryCandidates(nil) : allowed
            path[index] = try pick(candidates, .random, at: index, in: path, using: &generator)
        }
        return path.compactMap { $0 }
    }

    /// The named nodes of each place; nil where any will do.
    private func slots(using generator: inout some RandomNumberGenerator) throws(PathError) -> [[Descriptor]?] {
        var slots: [[Descriptor]?] = []
        var fillAt: Int?
        func anywhere(_ count: Int) -> [[Descriptor]?] { [[Descriptor]?](repeating: nil, count: count) }
        for element in specification.elements {
            switch element {
            case .node(let name): slots.append([try selector.named(name, demands)])
            case .oneOf(let names):
                var choices: [Descriptor] = []
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

    /// Nodes that the path may begin at.
    private func entryCandidates(_ slot: [Descriptor]?) throws(PathError) -> [Descriptor] {
        let candidates = (slot ?? allowed).filter { !demands.blockedEntries.contains($0.id) }
        guard !candidates.isEmpty else { throw .blockedEntry(slot?.first?.fields.nickname.text) }
        return candidates
    }

    /// Nodes that the path may end at.
    private func exitCandidates(_ slot: [Descriptor]?) throws(PathError) -> [Descriptor] {
        if let fixed = demands.fixedExit {
            let node = try selector.named(fixed.hex, demands)
            if let slot, !slot.contains(where: { $0.id == fixed }) {
                throw .cannotExit(
                    slot.first?.fields.nickname.text ?? "", needs: demands.exit.first?.what ?? "this address")
            }
            // It was chosen before, or an address names it: neither says that it can do what is asked now.
            if let lacking = demands.exit.first(where: { !node.can($0.capability) }) {
                throw .cannotExit(node.fields.nickname.text, needs: lacking.what)
            }
            guard !demands.blockedExits.contains(fixed) else { throw .blockedExit(node.fields.nickname.text) }
            return [node]
        }
        let candidates = slot ?? allowed
        for demand in demands.exit {
            let able = candidates.filter { $0.can(demand.capability) }
            guard !able.isEmpty else {
                if let slot, let name = slot.first?.fields.nickname.text { throw .cannotExit(name, needs: demand.what) }
                throw .noExit(demand.what)
            }
        }
        let able = candidates.filter { node in demands.exit.allSatisfy { node.can($0.capability) } }
        guard !able.isEmpty else { throw .noExit(demands.exit.map(\.what).joined(separator: " and ")) }
        let open = able.filter { !demands.blockedExits.contains($0.id) }
        guard !open.isEmpty else { throw .blockedExit(slot?.first?.fields.nickname.text) }
        return open
    }

    /// A random candidate, by weight, that goes with the nodes chosen so far.
    private func pick(
        _ candidates: [Descriptor], _ place: Place, at index: Int, in chosen: [Descriptor?],
        using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> Descriptor {
        // That a node is taken already tells less than what keeps the others away, so it is named only if nothing else does.
        var taken: PathError?
        var conflict: PathError?
        var fitting: [Descriptor] = []
        for candidate in isStrict ? best(candidates, for: place) : candidates {
            switch self.conflict(candidate, at: index, in: chosen) {
            case nil: fitting.append(candidate)
            case .repeated(let name): taken = .repeated(name)
            case let other: conflict = other
            }
        }
        guard let node = weighted(best(fitting, for: place), using: &generator) else {
            throw conflict ?? taken ?? .notEnoughNodes(wanted: chosen.count, usable: selector.usable.count)
        }
        return node
    }

    /// Those that the place would rather have, as far as there are any.
    private func best(_ nodes: [Descriptor], for place: Place) -> [Descriptor] {
        guard place != .named else { return nodes }
        let avoided: [Set<NodeFlag>] =
            place == .last ? [[.unreliable, .unmeasured], [.unreliable]] : [[.unreliable]]
        for flags in avoided {
            let found = nodes.filter { network.standing(of: $0.id)?.flags.isDisjoint(with: flags) ?? true }
            if !found.isEmpty { return found }
        }
        return nodes
    }

    private func weighted(_ nodes: [Descriptor], using generator: inout some RandomNumberGenerator) -> Descriptor? {
        let weights = nodes.map { max(1, network.standing(of: $0.id)?.weight ?? 1) }
        let total = weights.reduce(0, +)
        guard total > 0 else { return nil }
        var left = Int.random(in: 0..<total, using: &generator)
        for (node, weight) in zip(nodes, weights) {
            if left < weight { return node }
            left -= weight
        }
        return nil
    }

    /// What keeps a node from its place among those chosen so far.
    private func conflict(_ node: Descriptor, at index: Int, in chosen: [Descriptor?]) -> PathError? {
        for other in chosen {
            if let found = other.flatMap({ conflict(node, $0) }) { return found }
        }
        if index > 0, let before = chosen[index - 1], network.isBroken(from: before.id, to: node.id) {
            return .brokenLink(before.fields.nickname.text, node.fields.nickname.text)
        }
        if index + 1 < chosen.count, let after = chosen[index + 1], network.isBroken(from: node.id, to: after.id) {
            return .brokenLink(node.fields.nickname.text, after.fields.nickname.text)
        }
        // A loop begins at the node that makes it.
        if index == 0, let endpoint = demands.endpoint, network.isBroken(from: endpoint, to: node.id) {
            let name = network.node(endpoint)?.fields.nickname.text ?? endpoint.hex
            return .brokenLink(name, node.fields.nickname.text)
        }
        return nil
    }

    private func conflict(_ a: Descriptor, _ b: Descriptor) -> PathError? {
        let (nameA, nameB) = (a.fields.nickname.text, b.fields.nickname.text)
        if a.id == b.id { return .repeated(nameA) }
        // Families must be declared by both, else anybody could exclude anybody.
        if a.fields.family.contains(b.id), b.fields.family.contains(a.id) { return .sameFamily(nameA, nameB) }
        // A test network lives on one machine.
        if !network.isTest {
            let networks = Set(a.fields.addresses.compactMap(\.network))
            if b.fields.addresses.contains(where: { $0.network.map(networks.contains) ?? false }) {
                return .sameNetwork(nameA, nameB)
            }
        }
        return nil
    }
}
