// Choosing paths (doc/DIRECTORY.md, client rules). Pure: the network, the demands and the generator go in, nodes come out.

public import Sphinx
public import WireFormat

/// What a path must satisfy besides its specification.
public struct PathDemands: Sendable {
    /// Capability names that the last node must have (`Capability.Name`), with words for a message to people.
    public var exit: [(capability: String, what: String)]
    /// Nodes never to be used.
    public var blocked: Set<NodeID>
    /// Nodes never to be the first of a path, though they may stand elsewhere in it.
    public var blockedEntries: Set<NodeID>
    /// Nodes never to be the last.
    public var blockedExits: Set<NodeID>
    /// The last node, when it was chosen before (parts of one message share it).
    public var fixedExit: NodeID?
    /// For a loop: the looping node itself. It stands only where it is named or is the fixed exit, never as a random hop.
    public var endpoint: NodeID?

    public init(
        exit: [(capability: String, what: String)] = [], blocked: Set<NodeID> = [],
        blockedEntries: Set<NodeID> = [], blockedExits: Set<NodeID> = [], fixedExit: NodeID? = nil,
        endpoint: NodeID? = nil
    ) {
        self.exit = exit
        self.blocked = blocked
        self.blockedEntries = blockedEntries
        self.blockedExits = blockedExits
        self.fixedExit = fixedExit
        self.endpoint = endpoint
    }
}

/// Chooses nodes for paths in one network.
public struct PathSelector: Sendable {
    /// How many random draws are made before a demand counts as unsatisfiable.
    static let maximumDraws = 200

    private let network: Network
    private let usable: [Descriptor]
    private let now: Timestamp

    /// - Parameter now: nodes whose descriptor has expired, or that have no key for the current period, are not usable.
    public init(network: Network, at now: Timestamp) {
        self.network = network
        self.now = now
        let period = network.parameters.calendar.period(at: now)
        usable = network.nodes.filter { node in
            node.fields.validUntil > now && (period.map { node.fields.keys[$0] != nil } ?? false)
        }
    }

    /// Nodes that can be used now.
    public var usableNodes: [Descriptor] { usable }

    /// Chooses a path of 1 to 5 nodes.
    public func choose(
        _ specification: PathSpecification, demands: PathDemands, using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> [Descriptor] {
        var failures: [String: Int] = [:]
        var last: PathError = .tooShort
        for _ in 0..<Self.maximumDraws {
            do throws(PathError) {
                return try draw(specification, demands: demands, using: &generator)
            } catch {
                switch error {
                case .repeated, .sameFamily, .sameNetwork:
                    last = error
                    failures[Self.constraint(error), default: 0] += 1
                default: throw error
                }
            }
        }
        // If only one thing ever failed and every node was named, that is the message; else name the commonest.
        if specification.elements.allSatisfy({ if case .node = $0 { true } else { false } }) { throw last }
        throw .notFound(failures.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? Self.constraint(last))
    }

    private static func constraint(_ error: PathError) -> String {
        switch error {
        case .sameFamily: "that no two hops are of one family"
        case .sameNetwork: "that no two hops are in one network"
        default: "that every hop is another node"
        }
    }

    private func draw(
        _ specification: PathSpecification, demands: PathDemands, using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> [Descriptor] {
        let maximum = Geometry.suite1.maximumHops
        var slots: [[Descriptor]?] = []  // nil: any usable node
        var fillAt: Int?
        for element in specification.elements {
            switch element {
            case .node(let name): slots.append([try named(name, demands)])
            case .oneOf(let names):
                var choices: [Descriptor] = []
                for name in names { choices.append(try named(name, demands)) }
                slots.append(choices)
            case .random(let count): slots += [[Descriptor]?](repeating: nil, count: count)
            case .about(let count):
                let spread = Int.random(in: max(1, count - 1)...(count + 1), using: &generator)
                slots += [[Descriptor]?](repeating: nil, count: spread)
            case .fill: fillAt = slots.count
            }
        }
        if let fillAt {
            let count = max(0, Int(network.parameters.hops) - slots.count)
            slots.insert(contentsOf: [[Descriptor]?](repeating: nil, count: count), at: fillAt)
        }
        guard !slots.isEmpty else { throw .tooShort }
        guard slots.count <= maximum else { throw .tooLong(slots.count, maximum: maximum) }
        let allowed = usable.filter { !demands.blocked.contains($0.id) }
        guard allowed.count >= slots.count else { throw .notEnoughNodes(wanted: slots.count, usable: allowed.count) }

        let random = allowed.filter { $0.id != demands.endpoint }

        if slots.count == 1 { slots[0] = try entryCandidates(slots[0], random: random, demands) }
        let exits = try exitCandidates(slots[slots.count - 1], random: random, demands)
        var path = [Descriptor?](repeating: nil, count: slots.count)
        path[slots.count - 1] = try pick(exits, besides: path, using: &generator)
        // Named nodes first, so that a random one never takes their place.
        for (index, slot) in slots.enumerated().dropLast() {
            guard let slot else { continue }
            let candidates = index == 0 ? try entryCandidates(slot, random: random, demands) : slot
            path[index] = try pick(candidates, besides: path, using: &generator)
        }
        if path[0] == nil {
            path[0] = try pick(
                entryCandidates(nil, random: random, demands), besides: path, using: &generator)
        }
        for index in slots.indices where path[index] == nil {
            path[index] = try pick(random, besides: path, using: &generator)
        }
        return path.compactMap { $0 }
    }

    /// Nodes that the path may begin at.
    private func entryCandidates(
        _ slot: [Descriptor]?, random: [Descriptor], _ demands: PathDemands
    ) throws(PathError) -> [Descriptor] {
        let allowed = (slot ?? random).filter { !demands.blockedEntries.contains($0.id) }
        guard !allowed.isEmpty else { throw .blockedEntry(slot?.first?.fields.nickname.text) }
        return allowed
    }

    private func exitCandidates(
        _ slot: [Descriptor]?, random: [Descriptor], _ demands: PathDemands
    ) throws(PathError) -> [Descriptor] {
        if let fixed = demands.fixedExit {
            let node = try named(fixed.hex, demands)
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
        let candidates = slot ?? random
        for demand in demands.exit {
            let able = candidates.filter { $0.can(demand.capability) }
            guard !able.isEmpty else {
                if let slot, let name = slot.first?.fields.nickname.text { throw .cannotExit(name, needs: demand.what) }
                throw .noExit(demand.what)
            }
        }
        let able = candidates.filter { node in demands.exit.allSatisfy { node.can($0.capability) } }
        guard !able.isEmpty else { throw .noExit(demands.exit.map(\.what).joined(separator: " and ")) }
        let allowed = able.filter { !demands.blockedExits.contains($0.id) }
        guard !allowed.isEmpty else { throw .blockedExit(slot?.first?.fields.nickname.text) }
        return allowed
    }

    private func named(_ name: String, _ demands: PathDemands) throws(PathError) -> Descriptor {
        guard let node = network.node(named: name) else { throw .unknownNode(name) }
        guard usable.contains(where: { $0.id == node.id }) else {
            if node.fields.validUntil <= now { throw .expiredNode(node.fields.nickname.text) }
            let period = network.parameters.calendar.period(at: now)
            throw .noKey(node.fields.nickname.text, period: period?.description ?? "of this machine's clock")
        }
        guard !demands.blocked.contains(node.id) else { throw .blockedNode(node.fields.nickname.text) }
        return node
    }

    /// A random candidate that goes with the nodes chosen so far.
    private func pick(
        _ candidates: [Descriptor], besides chosen: [Descriptor?], using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> Descriptor {
        // That a node is taken already tells less than what keeps the others away, so it is named only if nothing else does.
        var taken: PathError?
        var conflict: PathError?
        var fitting: [Descriptor] = []
        for candidate in candidates {
            switch chosen.lazy.compactMap({ $0.flatMap { self.conflict(candidate, $0) } }).first {
            case nil: fitting.append(candidate)
            case .repeated(let name): taken = .repeated(name)
            case let other: conflict = other
            }
        }
        guard let node = fitting.randomElement(using: &generator) else {
            throw conflict ?? taken ?? .notEnoughNodes(wanted: chosen.count, usable: usable.count)
        }
        return node
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

extension PathSelector {
    /// The hops of a packet made at `now` along `nodes`, with the given delays in milliseconds.
    ///
    /// Packets are made with the current period's keys. A key is accepted for two weeks after its period and published two
    /// periods ahead, so neither the way nor a clock that is off can make a packet miss its key.
    public func hops(_ nodes: [Descriptor], delays: [UInt32], at now: Timestamp) throws(PathError) -> [PathHop] {
        var hops: [PathHop] = []
        guard let period = network.parameters.calendar.period(at: now) else { throw .tooShort }
        for (node, delay) in zip(nodes, delays) {
            guard let key = node.fields.keys[period] else {
                throw .noKey(node.fields.nickname.text, period: period.description)
            }
            hops.append(PathHop(node: node.id, key: key, period: period, delay: delay))
        }
        return hops
    }

    /// When the first key of a path made at `now` stops being accepted: the expiry of a SURB.
    public func expiry(at now: Timestamp) -> Timestamp? {
        let calendar = network.parameters.calendar
        return calendar.period(at: now).map(calendar.destruction(of:))
    }
}
