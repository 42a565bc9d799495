// Making reply blocks: paths that end where the answers are wanted, keys that live long enough. Pure but for the KEM's own
// randomness.

internal import Directory
internal import Messages
internal import Mixing
internal import Sphinx
internal import WireFormat

/// Makes reply blocks in one network.
struct ReplyBlockMaker: Sendable {
    private let network: Network
    private let blocked: Set<NodeID>
    private let selector: PathSelector
    private let now: Timestamp

    init(network: Network, blocked: Set<NodeID>, now: Timestamp) {
        self.network = network
        self.blocked = blocked
        self.now = now
        selector = PathSelector(network: network, at: now)
    }

    /// `count` blocks, each by a path of its own, whose last node takes answers to `target`.
    /// - Throws: `PathError`, `SendError`, `BuildError`.
    func make(
        _ count: Int, identity: String, target: ReplyTarget, path: PathSpecification = .standard, maker: SURBMaker,
        using generator: inout some RandomNumberGenerator
    ) throws -> [(surb: SURB, id: SURBID)] {
        let demands = try demands(for: target)
        let parameters = network.parameters
        let sampling = DelaySampling(mean: parameters.meanDelay, cap: parameters.delayCap)
        return try (0..<count).map { _ in
            let nodes = try selector.choose(path, demands: demands, using: &generator)
            let periods = ReplyBlockPeriods(parameters, hops: nodes.count)
            let choice = periods.choose(at: now) { period in nodes.allSatisfy { $0.fields.keys[period] != nil } }
            guard let choice else { throw PathError.noKey(nodes[0].fields.nickname.text, period: "of this clock") }
            let hops = try nodes.map { node throws(PathError) in
                guard let key = node.fields.keys[choice.period] else {
                    throw PathError.noKey(node.fields.nickname.text, period: choice.period.description)
                }
                return PathHop(
                    node: node.id, key: key, period: choice.period, delay: sampling.sample(using: &generator))
            }
            return try maker.make(path: hops, address: target.text, expiry: choice.expiry, using: &generator)
        }
    }

    /// What the last node must be.
    func demands(for target: ReplyTarget) throws -> PathDemands {
        let address = target.address
        switch address.kind {
        case .smtp:
            return PathDemands(exit: [(Capability.Name.smtp, "mail addresses (smtp:)")], blocked: blocked)
        case .box: return try atNode(address, Capability.Name.mailbox, "mailboxes (box:)")
        case .mbox: return try atNode(address, Capability.Name.mbox, "local users (mbox:)")
        case .nym, .drop: throw ReplyTargetError(address: address.description)
        }
    }

    private func atNode(_ address: Address, _ capability: String, _ what: String) throws -> PathDemands {
        guard let node = network.node(named: address.host) else { throw PathError.unknownNode(address.host) }
        let name = node.fields.nickname.text
        guard node.can(capability) else { throw PathError.cannotExit(name, needs: what) }
        return PathDemands(exit: [(capability, "\(what) at \(name)")], blocked: blocked, fixedExit: node.id)
    }
}
