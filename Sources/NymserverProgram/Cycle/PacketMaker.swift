// Makes the packets that leave in slots: through a reply block, or, where there is none, an ordinary packet that ends as
// cover. Both are 32,768 bytes of noise, leave at the same moment, take as long a way, and name the same key period.

internal import Directory
internal import Messages
internal import MixCrypto
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
    private let keys: PacketKeyBook.Keys
    /// Periods that cover may name, the best first, and the nodes whose keys of them are not known.
    private let periods: [(period: KeyPeriod, unknown: Set<NodeID>)]

    /// - Parameter keys: Packet keys of nodes, of past periods too.
    init(network: Network, keys: PacketKeyBook.Keys, now: Timestamp) {
        self.network = network
        self.now = now
        self.keys = keys
        let selector = PathSelector(network: network, at: now)
        self.selector = selector
        let nodes = selector.usableNodes
        periods = Self.periods(network.parameters.calendar, at: now).compactMap { period in
            let unknown = nodes.filter { Self.key(of: $0, period, keys) == nil }
            // With keys of a few nodes alone the paths would tell: a server that was just set up takes a later period.
            guard 2 * unknown.count <= nodes.count else { return nil }
            return (period, Set(unknown.map(\.id)))
        }
    }

    /// Periods from that in which a block was made that is spent now, to the current one. A client keeps blocks for
    /// `NymTiming.stock` here and the oldest are spent first: in a full stock they are so old, and when a stock ends the
    /// last ones are. This does not depend on any account, so that nothing is seen when a stock ends.
    private static func periods(_ calendar: KeyPeriodCalendar, at now: Timestamp) -> [KeyPeriod] {
        guard let current = calendar.period(at: now) else { return [] }
        // Where keys live shorter, so do blocks.
        let first = calendar.period(at: now - min(NymTiming.stock, calendar.acceptance)) ?? current
        return (first.number...max(first.number, current.number)).map { KeyPeriod($0) }
    }

    private static func key(of node: Descriptor, _ period: KeyPeriod, _ keys: PacketKeyBook.Keys) -> KEMPublicKey? {
        node.fields.keys[period] ?? keys[node.id]?[period]
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

    /// A packet that nobody reads, made as a client's cover is, in the period of a block that would be spent now.
    func cover(release: Timestamp, using generator: inout some RandomNumberGenerator) throws -> NewNymPacket {
        let parameters = network.parameters
        let sampling = DelaySampling(mean: parameters.meanDelay, cap: parameters.delayCap)
        var failure: PathError = .tooShort
        for (period, unknown) in periods {
            let deadline = budget.deadline(release: release, period: period, calendar: parameters.calendar)
            // A block of this period could not be used any more either.
            guard release < deadline else { continue }
            let nodes: [Descriptor]
            do throws(PathError) {
                nodes = try selector.choose(.standard, demands: PathDemands(blocked: unknown), using: &generator)
            } catch {
                failure = error
                continue
            }
            let hops = try nodes.map { node throws(PathError) in
                guard let key = Self.key(of: node, period, keys) else { throw .tooShort }
                return PathHop(node: node.id, key: key, period: period, delay: sampling.sample(using: &generator))
            }
            guard let first = hops.first else { throw PathError.tooShort }
            let content = try PayloadContent.dummy(LoopID.random(using: &generator)).encoded()
            return NewNymPacket(
                node: first.node, release: release, deadline: deadline,
                content: try PacketBuilder().build(content: content, path: hops, using: &generator))
        }
        throw failure
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
