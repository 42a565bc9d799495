// From what a person wants to send to packets. Pure but for the KEM's own randomness: the network, the time and the
// generator go in, packets with their first nodes come out.

internal import Directory
internal import Messages
internal import MixCrypto
internal import Mixing
internal import Sphinx
internal import WireFormat

/// A packet ready to be queued.
struct OutgoingPacket: Sendable {
    /// 32,768 bytes.
    let body: [UInt8]
    /// The node that it is given to.
    let first: NodeID
    /// When it was made.
    let made: Timestamp
    /// Until when it may be handed over.
    let deadline: Timestamp
}

/// One exit's share of a message's recipients.
struct Errand {
    let recipients: [Address]
    let demands: PathDemands
}

/// Makes the packets of messages.
struct PacketPlanner: Sendable {
    private let network: Network
    private let options: SendOptions
    private let selector: PathSelector
    private let now: Timestamp

    init(network: Network, options: SendOptions, now: Timestamp) {
        self.network = network
        self.options = options
        self.now = now
        selector = PathSelector(network: network, at: now)
    }

    /// Messages of at most this many bytes of body are taken by the network.
    var bodyLimit: Int { Int(network.parameters.messageSize) }

    /// Recipients grouped by what their exit must be: all `smtp:` ones share an exit, `mbox:` ones go to their node,
    /// and each `box:` is by itself, as its message's name is known to its owner only; `nym:` ones share an exit that
    /// hands over for their domain.
    /// - Parameter nymserver: the key that the exit must announce for `nym:` addresses; without it all nodes that
    ///   announce the domain must announce one.
    func errands(_ recipients: [Address], nymserver: KEMPublicKey? = nil) throws -> [Errand] {
        guard recipients.count <= MessageLimits.recipients else { throw EnvelopeError.tooManyRecipients }
        var mail: [Address] = []
        var local: [NodeID: [Address]] = [:]
        var order: [Descriptor] = []
        var boxes: [(Address, Descriptor)] = []
        var nyms: [String: [Address]] = [:]
        var domains: [String] = []
        for address in recipients {
            switch address.kind {
            case .smtp: mail.append(address)
            case .mbox:
                guard let node = network.node(named: address.host) else { throw PathError.unknownNode(address.host) }
                guard node.can(Capability.Name.mbox) else {
                    throw SendError.noLocalUsers(node: node.fields.nickname.text)
                }
                if local[node.id] == nil { order.append(node) }
                local[node.id, default: []].append(address)
            case .box:
                guard let node = network.node(named: address.host) else { throw PathError.unknownNode(address.host) }
                guard node.can(Capability.Name.mailbox) else {
                    throw SendError.noMailboxes(node: node.fields.nickname.text)
                }
                boxes.append((address, node))
            case .nym:
                guard network.nodes.contains(where: { $0.nymDomain(address.host) != nil }) else {
                    throw SendError.noNymserver(domain: address.host)
                }
                if nyms[address.host] == nil { domains.append(address.host) }
                nyms[address.host, default: []].append(address)
            case .drop: throw SendError.unsupportedAddress(address.description)
            }
        }
        var errands: [Errand] = []
        if !mail.isEmpty {
            errands.append(
                Errand(recipients: mail, demands: demands([(Capability.Name.smtp, "mail addresses (smtp:)")])))
        }
        for node in order {
            let what = "local users of \(node.fields.nickname.text) (mbox:)"
            errands.append(
                Errand(
                    recipients: local[node.id] ?? [], demands: demands([(Capability.Name.mbox, what)], at: node.id)))
        }
        for (address, node) in boxes {
            let what = "mailboxes at \(node.fields.nickname.text) (box:)"
            errands.append(
                Errand(recipients: [address], demands: demands([(Capability.Name.mailbox, what)], at: node.id)))
        }
        for domain in domains {
            var demands = demands()
            demands.nymDomain = domain
            demands.blockedExits.formUnion(try strangers(domain, nymserver))
            errands.append(Errand(recipients: nyms[domain] ?? [], demands: demands))
        }
        return errands
    }

    /// Nodes that announce a domain with another key than the one that counts.
    private func strangers(_ domain: String, _ key: KEMPublicKey?) throws(NymClientError) -> [NodeID] {
        let announced = network.nodes.compactMap { node in node.nymDomain(domain).map { (id: node.id, key: $0.key) } }
        guard let key else {
            guard Set(announced.map(\.key.fingerprint)).count < 2 else { throw .domainInDoubt(domain) }
            return []
        }
        let others = announced.filter { $0.key != key }.map(\.id)
        guard others.count < announced.count else {
            throw .keyNotAnnounced(domain, fingerprint: key.fingerprint.description)
        }
        return others
    }

    /// Demands that leave out whom the settings exclude.
    func demands(_ exit: [(capability: String, what: String)] = [], at fixed: NodeID? = nil) -> PathDemands {
        PathDemands(
            exit: exit, blocked: options.blocked, blockedEntries: options.blockedEntries,
            blockedExits: options.blockedExits, fixedExit: fixed)
    }

    /// A path that a packet of `errand` could take, or of any packet without one.
    func path(for errand: Errand?, using generator: inout some RandomNumberGenerator) throws(PathError) -> [Descriptor]
    {
        try selector.choose(options.path, demands: errand?.demands ?? demands(), using: &generator)
    }

    /// A message for one exit, cut into parts.
    struct Cut {
        let parts: MessageParts
        let demands: PathDemands
        /// How often each part is sent.
        let copies: Int
        /// All packets of it.
        var packetCount: Int { parts.layout.parts * copies }
    }

    /// The message that goes to the exit of `errand`. All its parts meet there, so the exit is chosen here, once.
    /// - Throws: `PathError`, `EnvelopeError`, `MessageError`, `PayloadError`.
    func cut(
        _ mail: OutgoingMail, for errand: Errand, using generator: inout some RandomNumberGenerator
    ) throws -> Cut {
        let envelope = try mail.envelope(to: errand.recipients)
        let encoded = try MessageEncoder.encode(envelope, body: mail.body, limit: bodyLimit)
        let parts = try MessageEncoder.parts(of: encoded, using: &generator)
        var demands = errand.demands
        demands.fixedExit = try path(for: errand, using: &generator).last?.id
        return Cut(parts: parts, demands: demands, copies: parts.layout.isSingle ? options.copies : 1)
    }

    /// All packets of a message, each by a path of its own, in random order within random groups.
    func packets(
        of cut: Cut, using generator: inout some RandomNumberGenerator, each: (OutgoingPacket) throws -> Void
    ) throws {
        for number in (0..<cut.parts.layout.groups).shuffled(using: &generator) {
            var group = cut.parts.parts(ofGroup: number)
            if cut.copies > 1 { group = Array(repeating: group, count: cut.copies).flatMap(\.self) }
            group.shuffle(using: &generator)
            while let part = group.popLast() {
                let nodes = try selector.choose(options.path, demands: cut.demands, using: &generator)
                try each(try packet(.part(part), along: nodes, using: &generator))
            }
        }
    }

    /// An encoded message, cut for one exit. All its parts meet there, so the exit is chosen here, once.
    /// - Parameter demands: of a `ComposedMessage`.
    /// - Throws: `PathError`, `PayloadError`.
    func cut(
        encoded: [UInt8], demands: PathDemands, using generator: inout some RandomNumberGenerator
    ) throws -> Cut {
        let parts = try MessageEncoder.parts(of: encoded, using: &generator)
        var demands = demands
        demands.fixedExit = try selector.choose(options.path, demands: demands, using: &generator).last?.id
        return Cut(parts: parts, demands: demands, copies: parts.layout.isSingle ? options.copies : 1)
    }

    /// One packet with `content` along `nodes`.
    func packet(
        _ content: PayloadContent, along nodes: [Descriptor], using generator: inout some RandomNumberGenerator
    ) throws -> OutgoingPacket {
        let parameters = network.parameters
        let sampling = DelaySampling(
            mean: options.isUrgent ? parameters.urgentMeanDelay : parameters.meanDelay, cap: parameters.delayCap)
        let delays = nodes.map { _ in sampling.sample(using: &generator) }
        let hops = try selector.hops(nodes, delays: delays, at: now)
        let body = try PacketBuilder().build(content: content.encoded(), path: hops, using: &generator)
        let budget = TimeBudget(
            hops: nodes.count, delayCap: parameters.delayCap, retryDeadline: parameters.retryDeadline,
            acceptance: parameters.acceptance)
        let deadline = budget.deadline(release: now, period: hops[0].period, calendar: parameters.calendar)
        return OutgoingPacket(body: body, first: hops[0].node, made: now, deadline: deadline)
    }
}
