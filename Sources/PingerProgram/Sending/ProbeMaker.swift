// From a planned probe to a packet: an ordinary message of one packet to an own mailbox, or an ordinary answer through an own
// reply block. Nothing in it differs from what clients send. Pure but for the KEM's own randomness.

internal import Directory
internal import Measurement
internal import Messages
internal import MixCrypto
internal import Mixing
internal import Sphinx
internal import Spool
internal import WireFormat

/// Why a probe cannot be made.
enum ProbeMakingError: String, Error, Hashable, Sendable {
    /// A node of the path is not in the network any more.
    case nodeGone = "node-gone"
    /// A node of the path has published no key for the period.
    case noKey = "no-key"
    /// The packet could not be built: a key that is none, no memory.
    case notBuilt = "not-built"
}

/// A probe ready to be recorded and sent.
struct MadeProbe: Sendable {
    let kind: ProbeKind
    let path: ProbePath
    let drawn: Interval
    /// 16 bytes by which it is known when it comes.
    let tag: [UInt8]
    /// What it says when it comes unharmed.
    let content: Digest
    /// Nil for a mail.
    let mailbox: NodeID?
    /// 32,768 bytes.
    let packet: [UInt8]
    /// Where it is handed over.
    let entry: Descriptor

    /// As the database takes it.
    func row(planned: Timestamp) -> NewPing {
        NewPing(
            kind: kind.code, hops: path.hops, drawn: drawn, tag: tag, content: content, mailbox: mailbox,
            planned: planned)
    }
}

extension ProbeKind {
    /// As the database spells it.
    var code: Int { (PingKind(name: rawValue) ?? .loop).rawValue }
}

/// Makes probes in one network.
struct ProbeMaker: Sendable {
    let network: Network
    let identity: PingerIdentity
    let now: Timestamp

    /// Sizes of loops' bodies: what fits into one packet with its envelope.
    static let bodySizes = 200...24_000

    /// The probe that was planned.
    func make(
        _ plan: PlannedProbe, using generator: inout some RandomNumberGenerator
    ) throws(ProbeMakingError) -> MadeProbe {
        let nodes = try nodes(plan.path)
        let (hops, drawn) = try hops(nodes, isAhead: plan.kind == .ahead, using: &generator)
        do {
            switch plan.kind {
            case .loop, .ahead:
                return try loop(plan, nodes, hops, drawn, using: &generator)
            case .reply:
                return try reply(plan, nodes, hops, drawn, using: &generator)
            case .delivery: throw ProbeMakingError.notBuilt
            }
        } catch let error as ProbeMakingError {
            throw error
        } catch {
            throw .notBuilt
        }
    }

    /// A test mail through the last of `nodes`.
    func mail(
        _ mail: TestMail, to address: Address, along nodes: [Descriptor],
        using generator: inout some RandomNumberGenerator
    ) throws(ProbeMakingError) -> MadeProbe {
        guard let path = ProbePath(nodes.map(\.id)) else { throw .nodeGone }
        let (hops, drawn) = try hops(nodes, isAhead: false, using: &generator)
        do {
            let envelope = try Envelope(
                recipients: [address], bodyKind: .rfc5322, fields: [.subject: mail.subject])
            let encoded = try MessageEncoder.encode(envelope, body: mail.body)
            return MadeProbe(
                kind: .delivery, path: path, drawn: drawn, tag: mail.tag, content: .sha256(mail.tag), mailbox: nil,
                packet: try PacketBuilder().build(
                    content: try Self.onlyPart(of: encoded, id: .random(using: &generator)), path: hops,
                    using: &generator), entry: nodes[0])
        } catch {
            throw .notBuilt
        }
    }

    private func loop(
        _ plan: PlannedProbe, _ nodes: [Descriptor], _ hops: [PathHop], _ drawn: Interval,
        using generator: inout some RandomNumberGenerator
    ) throws -> MadeProbe {
        let box = try PingerMailbox(at: nodes[nodes.count - 1], identity: identity)
        let envelope = try Envelope(recipients: [box.address], bodyKind: .raw)
        let body = generator.bytes(Int.random(in: Self.bodySizes, using: &generator))
        let encoded = try MessageEncoder.encode(envelope, body: body)
        let id = MessageID.random(using: &generator)
        let packet = try PacketBuilder().build(
            content: try Self.onlyPart(of: encoded, id: id), path: hops, using: &generator)
        return MadeProbe(
            kind: plan.kind, path: plan.path, drawn: drawn, tag: id.bytes, content: .sha256(encoded),
            mailbox: plan.path.last, packet: packet, entry: nodes[0])
    }

    private func reply(
        _ plan: PlannedProbe, _ nodes: [Descriptor], _ hops: [PathHop], _ drawn: Interval,
        using generator: inout some RandomNumberGenerator
    ) throws -> MadeProbe {
        let box = try PingerMailbox(at: nodes[nodes.count - 1], identity: identity)
        let calendar = network.parameters.calendar
        let expiry = calendar.destruction(of: hops[0].period)
        guard let target = ReplyTarget(address: box.address, token: box.policy.replyToken) else {
            throw ProbeMakingError.notBuilt
        }
        let (block, id) = try identity.surbMaker.make(
            path: hops, address: target.text, expiry: expiry, using: &generator)
        let envelope = try Envelope(recipients: [.drop], bodyKind: .raw)
        let body = generator.bytes(Int.random(in: Self.bodySizes, using: &generator))
        let encoded = try MessageEncoder.encode(envelope, body: body)
        let content = try Self.onlyPart(of: encoded, id: .random(using: &generator))
        return MadeProbe(
            kind: .reply, path: plan.path, drawn: drawn, tag: id.bytes, content: .sha256(content),
            mailbox: plan.path.last, packet: try block.makePacket(content: content, at: now), entry: nodes[0])
    }

    /// The content of the one packet that a message takes.
    private static func onlyPart(of encoded: [UInt8], id: MessageID) throws -> [UInt8] {
        let parts = try MessageParts(encoded, id: id)
        guard parts.layout.isSingle, let part = parts.parts(ofGroup: 0).first else { throw ProbeMakingError.notBuilt }
        return try PayloadContent.part(part).encoded()
    }

    private func nodes(_ path: ProbePath) throws(ProbeMakingError) -> [Descriptor] {
        var nodes: [Descriptor] = []
        for hop in path.hops {
            guard let node = network.node(hop) else { throw .nodeGone }
            nodes.append(node)
        }
        return nodes
    }

    /// Hops with delays as clients draw them.
    private func hops(
        _ nodes: [Descriptor], isAhead: Bool, using generator: inout some RandomNumberGenerator
    ) throws(ProbeMakingError) -> (hops: [PathHop], drawn: Interval) {
        let parameters = network.parameters
        guard let current = parameters.calendar.period(at: now),
            let period = isAhead ? current.advanced(by: 1) : current
        else { throw .noKey }
        let sampling = DelaySampling(mean: parameters.meanDelay, cap: parameters.delayCap)
        var hops: [PathHop] = []
        var drawn = Interval.zero
        for node in nodes {
            guard let key = node.fields.keys[period] else { throw .noKey }
            let delay = sampling.sample(using: &generator)
            drawn = drawn + .milliseconds(Int64(delay))
            hops.append(PathHop(node: node.id, key: key, period: period, delay: delay))
        }
        return (hops, drawn)
    }
}
