// From a message and reply blocks to packets. Pure but for the KEM's own randomness.

internal import Directory
internal import Messages
internal import Mixing
internal import Sphinx
internal import WireFormat

/// Makes the packets of an answer.
struct ReplyPlanner: Sendable {
    private let network: Network
    private let planner: PacketPlanner
    private let now: Timestamp
    /// Whether packets go straight to the blocks' first nodes.
    let isDirect: Bool

    init(network: Network, options: SendOptions, isDirect: Bool, now: Timestamp) {
        self.network = network
        self.isDirect = isDirect
        self.now = now
        planner = PacketPlanner(network: network, options: options, now: now)
    }

    /// Messages of at most this many bytes of body are taken by the network.
    var bodyLimit: Int { planner.bodyLimit }

    /// Room for a share: less if a node on the way is to put it into another packet.
    private var capacity: ShareCapacity { isDirect ? .full : .injected }

    /// The parts of a message, one for each block.
    func parts(of message: ComposedMessage, using generator: inout some RandomNumberGenerator) throws -> MessageParts {
        try MessageEncoder.parts(
            of: message.encoded(capacity: capacity, limit: bodyLimit), capacity: capacity, using: &generator)
    }

    /// A path of one's own to a node where a packet changes over into the path of a block that begins at `first`. That
    /// node is another one than `first` if that can be had: two nodes in a row see less than one that is both.
    func path(to first: NodeID?, using generator: inout some RandomNumberGenerator) throws(PathError) -> [Descriptor] {
        var path = try planner.path(for: nil, using: &generator)
        for _ in 0..<Self.draws where path.last?.id == first { path = try planner.path(for: nil, using: &generator) }
        return path
    }
    private static let draws = 20

    /// All packets of an answer, each through a block of its own and by a path of its own; the order of parts is random.
    /// - Parameter blocks: as many as there are parts.
    func packets(
        of parts: MessageParts, through blocks: [SURB], using generator: inout some RandomNumberGenerator,
        progress: (Int) -> Void = { _ in }
    ) throws -> [(block: SURB, packet: OutgoingPacket)] {
        var all = parts.flatMap(\.self)
        all.shuffle(using: &generator)
        return try zip(all, blocks).enumerated().map { index, pair in
            defer { progress(index + 1) }
            return (pair.1, try packet(of: pair.0, through: pair.1, using: &generator))
        }
    }

    private func packet(
        of part: Part, through block: SURB, using generator: inout some RandomNumberGenerator
    ) throws -> OutgoingPacket {
        if isDirect {
            let body = try block.makePacket(content: PayloadContent.part(part).encoded(), at: now)
            let parameters = network.parameters
            return OutgoingPacket(
                body: body, first: block.first, made: now,
                deadline: min(now + parameters.retryDeadline, deadline(of: block)))
        }
        let sealed = try SealedPart.seal(part, messageKey: block.messageKey)
        let injection = try Injection(
            firstNode: block.first, header: block.header, payloadKey: block.payloadKey, sealedPart: sealed)
        let made = try planner.packet(
            .inject(injection), along: path(to: block.first, using: &generator), using: &generator)
        return OutgoingPacket(
            body: made.body, first: made.first, made: made.made, deadline: min(made.deadline, deadline(of: block)))
    }

    /// After it, handing a packet over makes no sense.
    private func deadline(of block: SURB) -> Timestamp {
        block.expiry - ReplyBlockSorting.margin(network.parameters)
    }
}
