// Makes the packets that leave in slots: through a reply block, or, where there is none, an ordinary packet that ends as
// cover. Both are 32,768 bytes of noise, leave at the same moment, and take as long a way.

internal import Directory
internal import Messages
internal import Mixing
internal import NymProtocol
internal import Sphinx
internal import Spool
internal import WireFormat

/// Makes packets in the network as it is now.
struct PacketMaker: Sendable {
    let network: Network
    private let selector: PathSelector
    private let now: Timestamp

    init(network: Network, now: Timestamp) {
        self.network = network
        self.now = now
        selector = PathSelector(network: network, at: now)
    }

    /// Whether a packet can go through this block: it is read, its first node is there, and it has not expired.
    func canUse(_ block: SURB, at release: Timestamp) -> Bool {
        network.node(block.first) != nil && release < deadline(of: block, release)
    }

    /// The packet that takes a nym's packet through a block.
    func packet(_ body: NymPacket, through block: SURB, release: Timestamp) throws -> NewNymPacket {
        let envelope = try Envelope(recipients: [.drop], bodyKind: .nym)
        let encoded = try MessageEncoder.encode(envelope, body: body.encoded)
        var generator = SystemRandomNumberGenerator()
        let parts = try MessageEncoder.parts(of: encoded, using: &generator).parts(ofGroup: 0)
        guard parts.count == 1, let part = parts.first else { throw PayloadError.messageLength }
        let deadline = deadline(of: block, release)
        guard release < deadline else { throw SURBError.expired(block.expiry) }
        return NewNymPacket(
            node: block.first, release: release, deadline: deadline,
            content: try block.makePacket(content: PayloadContent.part(part).encoded(), at: now))
    }

    /// A packet that nobody reads, made as a client's cover is.
    func cover(release: Timestamp, using generator: inout some RandomNumberGenerator) throws -> NewNymPacket {
        let parameters = network.parameters
        let nodes = try selector.choose(.standard, demands: PathDemands(), using: &generator)
        let sampling = DelaySampling(mean: parameters.meanDelay, cap: parameters.delayCap)
        let hops = try selector.hops(nodes, delays: nodes.map { _ in sampling.sample(using: &generator) }, at: now)
        guard let first = hops.first else { throw PathError.tooShort }
        let content = try PayloadContent.dummy(LoopID.random(using: &generator)).encoded()
        return NewNymPacket(
            node: first.node, release: release,
            deadline: budget.deadline(release: release, period: first.period, calendar: parameters.calendar),
            content: try PacketBuilder().build(content: content, path: hops, using: &generator))
    }

    private var budget: TimeBudget {
        let parameters = network.parameters
        return TimeBudget(
            hops: 5, delayCap: parameters.delayCap, retryDeadline: parameters.retryDeadline,
            acceptance: parameters.acceptance)
    }

    private func deadline(of block: SURB, _ release: Timestamp) -> Timestamp {
        let period = KeyPeriod(UInt16(block.header[2]) << 8 | UInt16(block.header[3]))
        return min(
            budget.deadline(release: release, period: period, calendar: network.parameters.calendar), block.expiry)
    }
}
