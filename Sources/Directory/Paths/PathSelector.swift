// Choosing paths (doc/DIRECTORY.md, choosing a path). Pure: the network, the demands and the generator go in, nodes
// come out.

public import Sphinx
public import WireFormat

/// Chooses nodes for paths in one network.
public struct PathSelector: Sendable {
    /// How many random draws are made before a demand counts as unsatisfiable.
    static let maximumDraws = 200
    /// How many are made before nodes that are better avoided are taken as well.
    static let strictDraws = 40

    let network: Network
    let usable: [PathCandidate]
    private let now: Timestamp
    /// Whether some nodes are to be taken rather than others.
    private let hasPreferences: Bool

    /// - Parameter now: nodes whose descriptor has expired, or that have no key for the current period, are not usable;
    ///   nor are those that the consensus does not say are running, or of which the authorities warn.
    public init(network: Network, at now: Timestamp) {
        self.network = network
        self.now = now
        let calendar = network.parameters.calendar
        let usable = network.nodes.filter { Self.obstacle(to: $0, network, calendar, now) == nil }.map {
            PathCandidate($0, in: network)
        }
        self.usable = usable
        let unmeasured = usable.count { $0.flags.contains(.unmeasured) }
        hasPreferences =
            usable.contains { $0.flags.contains(.unreliable) } || unmeasured > 0 && unmeasured < usable.count
    }

    /// Nodes that can be used now.
    public var usableNodes: [Descriptor] { usable.map(\.node) }

    /// Why a node is not usable; nil if it is.
    private static func obstacle(
        to node: Descriptor, _ network: Network, _ calendar: KeyPeriodCalendar, _ now: Timestamp
    ) -> PathError? {
        let name = node.fields.nickname.text
        if let flags = network.standing(of: node.id)?.flags {
            if flags.contains(.bad) { return .badNode(name) }
            if !flags.contains(.running) { return .notRunning(name) }
        }
        if node.fields.validUntil <= now { return .expiredNode(name) }
        let period = calendar.period(at: now)
        if period.flatMap({ node.fields.keys[$0] }) == nil {
            return .noKey(name, period: period?.description ?? "of this machine's clock")
        }
        return nil
    }

    /// The node called `name`, if it can be used.
    func named(_ name: String, _ demands: PathDemands) throws(PathError) -> PathCandidate {
        guard let node = network.node(named: name) else { throw .unknownNode(name) }
        switch Self.obstacle(to: node, network, network.parameters.calendar, now) {
        case nil: break
        // The node that makes a loop knows better than the authorities that it runs.
        case .notRunning where node.id == demands.endpoint: break
        case let obstacle?: throw obstacle
        }
        guard !demands.blocked.contains(node.id) else { throw .blockedNode(node.fields.nickname.text) }
        return PathCandidate(node, in: network)
    }

    /// Chooses a path of 1 to 5 nodes. Nodes are drawn by the weights of the consensus. One that loses many packets is
    /// drawn only if there is no path without it, or where it is named; one that nobody has measured is drawn as the
    /// last only if there is no path that ends elsewhere.
    /// - Throws: `PathError`, which names the demand that cannot be met.
    public func choose(
        _ specification: PathSpecification, demands: PathDemands, using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> [Descriptor] {
        let manners: [PathDraw.Manner] = hasPreferences ? [.strict, .yielding] : [.yielding]
        for manner in manners {
            let draw = PathDraw(self, specification, demands, manner)
            let count = manner == .strict ? Self.strictDraws : Self.maximumDraws
            if let path = try? repeatedly(draw, count, using: &generator) { return path }
        }
        let draw = PathDraw(self, specification, demands, .indifferent)
        return try repeatedly(draw, Self.maximumDraws, using: &generator)
    }

    private func repeatedly(
        _ draw: PathDraw, _ count: Int, using generator: inout some RandomNumberGenerator
    ) throws(PathError) -> [Descriptor] {
        var failures: [String: Int] = [:]
        var last: PathError = .tooShort
        for _ in 0..<count {
            do throws(PathError) { return try draw.path(using: &generator) } catch {
                guard let constraint = Self.constraint(error) else { throw error }
                last = error
                failures[constraint, default: 0] += 1
            }
        }
        // If every node was named, the last failure is the message; else name the commonest.
        if draw.specification.elements.allSatisfy({ if case .node = $0 { true } else { false } }) { throw last }
        throw .notFound(failures.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? "")
    }

    /// What another draw may do better; nil for what none can change.
    private static func constraint(_ error: PathError) -> String? {
        switch error {
        case .repeated: "that every hop is another node"
        case .sameFamily: "that no two hops are of one family"
        case .sameNetwork: "that no two hops are in one network"
        case .brokenLink: "that no packets get lost between two hops"
        default: nil
        }
    }
}

extension PathSelector {
    /// The hops of a packet made at `now` along `nodes`, with the given delays in milliseconds, as many as nodes.
    ///
    /// Packets are made with the current period's keys. A key is accepted for two weeks after its period and published
    /// two periods ahead, so neither the way nor a clock that is off can make a packet miss its key.
    public func hops(_ nodes: [Descriptor], delays: [UInt32], at now: Timestamp) throws(PathError) -> [PathHop] {
        precondition(nodes.count == delays.count, "every hop has a delay: a path cut short would lose its last node")
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
