// A network on loopback whose nodes take packets and keep them. What they took is unwrapped hop by hop with the keys of all
// nodes, so that a test sees what a nym's program would get.

import Daemon
import Directory
import Foundation
import Glibc
import MMTP
import Messages
import MixCrypto
import Mixing
import NIOCore
import NIOPosix
import NymProtocol
import Sphinx
import Spool
import Synchronization
import TestSupport
import WireFormat

/// A node that takes packets.
final class MixNode: PacketReceiver {
    struct Keys: PacketKeys {
        let keys: [KeyPeriod: KEMPrivateKey]
        func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
    }

    let key: SigningKey
    let keys: Keys
    let port: UInt16
    private let bodies = Mutex<[[UInt8]]>([])
    private let known = Mutex<[[UInt8]: [UInt8]]>([:])
    private let other = Mutex(0)
    private let listener = Mutex<MMTPListener?>(nil)

    var id: NodeID { key.verificationKey.nodeID }
    /// Packets that it took, each once: a node knows those that come again.
    var taken: [[UInt8]] { bodies.withLock { $0 } }
    /// Headers that came again with something else behind them: a reply block that was used twice.
    var usedTwice: Int { other.withLock { $0 } }

    init(port: UInt16, periods: [KeyPeriod]) throws {
        self.port = port
        key = try .generate()
        keys = Keys(
            keys: try Dictionary(
                uniqueKeysWithValues: periods.map { ($0, try KEMPrivateKey(seed: .random(count: KEM.seedSize))) }))
    }

    func unwrap(_ packet: [UInt8]) throws -> Outcome {
        try Unwrapper(node: id).unwrap(packet, keys: keys, isKnown: { _, _ in false }).outcome
    }

    func receive(_ packets: [InboundPacket]) {
        var batch = AnswerBatch()
        for var packet in packets {
            let body = packet.takeBody()
            let old = known.withLock { $0.updateValue(body, forKey: Array(body.prefix(1200))) }
            if old == nil { bodies.withLock { $0.append(body) } } else if old != body { other.withLock { $0 += 1 } }
            batch.add(packet, .received)
        }
        batch.send()
    }

    func start() async throws {
        let now = ScaledClock.systemTime()
        var configuration = ListenerConfiguration()
        configuration.limits = .singleBlock
        let made = try await MMTPListener.bind(
            to: [LinkAddress(host: "127.0.0.1", port: Int(port))], identity: LinkIdentity(key, now: now),
            receiver: self,
            configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, clock: { now },
            count: { _, _ in })
        listener.withLock { $0 = made }
    }

    func stop() async { await listener.withLock { $0 }?.shutdown(grace: .seconds(1)) }
}

/// Nodes and what one authority says of them.
final class MixNetwork: Sendable {
    struct Lost: Error {}

    let nodes: [MixNode]
    let file: Network
    let authority: SoleAuthority
    let now: Timestamp

    /// As far as can be from where keys change.
    static var middleOfAPeriod: Timestamp {
        let calendar = NetworkParameters().calendar
        let now = ScaledClock.systemTime()
        return calendar.period(at: now).map { calendar.start(of: $0) + .hours(84) } ?? now
    }

    convenience init(nodes count: Int = 6, now: Timestamp = ScaledClock.systemTime()) throws {
        guard let period = NetworkParameters().calendar.period(at: now) else { throw Lost() }
        let periods = (0..<5).compactMap { period.advanced(by: $0) }
        try self.init(Self.freePorts(count).map { try MixNode(port: $0, periods: periods) }, now: now, published: 2)
    }

    /// The same nodes as descriptors tell of them later: keys of periods that are over are not in them.
    func later(_ now: Timestamp) throws -> MixNetwork { try MixNetwork(nodes, now: now, published: 3) }

    /// - Parameter count: Keys in a descriptor, the current period's and those that follow.
    private init(_ nodes: [MixNode], now: Timestamp, published count: Int) throws {
        self.nodes = nodes
        self.now = now
        let parameters = NetworkParameters()
        guard let period = parameters.calendar.period(at: now) else { throw Lost() }
        let periods = (0..<count).compactMap { period.advanced(by: $0) }
        let published = Timestamp(seconds: (now - .hours(1)).seconds)
        let descriptors = try nodes.enumerated().map { number, node in
            guard let nickname = Nickname("node\(number)"),
                let address = NodeAddress(host: "127.0.0.1", port: node.port)
            else { throw Lost() }
            return try Descriptor.make(
                DescriptorFields(
                    network: "testing", nickname: nickname, addresses: [address], published: published,
                    validUntil: published + .days(60),
                    keys: node.keys.keys.filter { periods.contains($0.key) }.mapValues(\.publicKey),
                    capabilities: [Capability(Capability.Name.relay), Capability(Capability.Name.mailbox)],
                    software: "nightjar-test 1"), identity: node.key)
        }
        var lengths = RootParameters()
        lengths.validFor = .days(30)
        lengths.freshFor = .days(30)
        authority = try SoleAuthority(
            network: "testing", isTest: true, parameters: parameters, rootParameters: lengths, key: .generate(),
            published: published)
        file = Network(
            root: authority.root, consensus: try authority.certify(descriptors, at: published), descriptors: descriptors
        )
    }

    /// The network without a node.
    func without(_ id: NodeID) throws -> Network {
        let left = file.nodes.filter { $0.id != id }
        return Network(
            root: authority.root, consensus: try authority.certify(left, at: now), descriptors: left)
    }

    /// Reply blocks over paths of five nodes.
    func blocks(_ count: Int, of maker: SURBMaker, first: NodeID? = nil) throws -> [[UInt8]] {
        var generator = SystemRandomNumberGenerator()
        let selector = PathSelector(network: file, at: now)
        let sampling = DelaySampling(mean: .seconds(120), cap: .minutes(30))
        guard let expiry = selector.expiry(at: now) else { throw Lost() }
        var blocks: [[UInt8]] = []
        while blocks.count < count {
            let nodes = try selector.choose(.standard, demands: PathDemands(), using: &generator)
            if let first, nodes.first?.id != first { continue }
            let hops = try selector.hops(nodes, delays: nodes.map { _ in sampling.sample(using: &generator) }, at: now)
            blocks.append(
                try maker.make(path: hops, address: "box:00@node0", expiry: expiry, using: &generator).surb.encoded)
        }
        return blocks
    }

    /// Takes a packet from node to node.
    func fly(_ packet: NewNymPacket) throws -> (hops: Int, end: Outcome) {
        try fly(packet.content, first: packet.node)
    }

    func fly(_ packet: [UInt8], first: NodeID) throws -> (hops: Int, end: Outcome) {
        var (next, bytes, hops) = (first, packet, 1)
        while let node = nodes.first(where: { $0.id == next }) {
            let outcome = try node.unwrap(bytes)
            guard case .forward(let following, _, let inner) = outcome else { return (hops, outcome) }
            (next, bytes, hops) = (following, inner, hops + 1)
        }
        throw Lost()
    }

    /// What the maker of the reply block reads; nil for cover.
    func read(_ packet: NewNymPacket, _ maker: SURBMaker) throws -> NymPacket? {
        try read(packet.content, first: packet.node, maker)
    }

    func read(_ packet: [UInt8], first: NodeID, _ maker: SURBMaker) throws -> NymPacket? {
        switch try fly(packet, first: first).end {
        case .deliver(_, let content):
            guard case .dummy = try PayloadContent(decoding: content) else { throw Lost() }
            return nil
        case .reply(_, let info, let payload):
            let opened = try maker.open(ReplyInfo(info), payload: payload)
            guard case .part(let part) = try PayloadContent(decoding: opened.content), part.layout.isSingle else {
                throw Lost()
            }
            var reader = MessageReader(length: part.layout.messageLength)
            var source: [UInt8]? = Array(part.share.prefix(part.layout.messageLength))
            func next() -> [UInt8]? {
                defer { source = nil }
                return source
            }
            let envelope = try reader.envelope(from: next)
            guard envelope.bodyKind == .nym, envelope.recipients == [.drop] else { throw Lost() }
            var body: [UInt8] = []
            while let chunk = try reader.nextBodyChunk(from: next) { body += chunk }
            return try NymPacket(decoding: body)
        default: throw Lost()
        }
    }

    /// Everything that nodes took as the first of a path.
    var taken: [(first: NodeID, packet: [UInt8])] { nodes.flatMap { node in node.taken.map { (node.id, $0) } } }

    func start() async throws { for node in nodes { try await node.start() } }
    func stop() async { for node in nodes { await node.stop() } }

    /// Ports that nobody listened on a moment ago.
    static func freePorts(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                }
            }
            guard isBound else { throw Lost() }
            return UInt16(bigEndian: address.sin_port)
        }
    }
}
