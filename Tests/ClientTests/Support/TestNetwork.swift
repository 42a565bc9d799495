// A network on loopback whose nodes only take packets and keep them. What they took is then unwrapped hop by hop with the
// keys of all nodes, so that a test sees what a recipient would get.

import Daemon
import Directory
import Foundation
import MMTP
import Messages
import MixCrypto
import NIOCore
import NIOPosix
import Sphinx
import Synchronization
import TestSupport
import WireFormat

/// A node that takes packets, if it is up.
final class TestNode: PacketReceiver {
    let name: String
    let key: SigningKey
    let packetKeys: [KeyPeriod: KEMPrivateKey]
    let port: UInt16
    private let bodies = Mutex<[[UInt8]]>([])
    private let listener = Mutex<MMTPListener?>(nil)
    private let answer = Mutex<Answer?>(.received)
    private let unanswered = Mutex<[InboundPacket]>([])
    private let onPacket = Mutex<(@Sendable (Int) -> Void)?>(nil)
    private let responder = Mutex<(any BlockResponder)?>(nil)

    var id: NodeID { key.verificationKey.nodeID }
    /// Packets that it took.
    var taken: [[UInt8]] { bodies.withLock { $0 } }

    init(_ name: String, port: UInt16, periods: [KeyPeriod]) throws {
        self.name = name
        self.port = port
        key = try .generate()
        packetKeys = try Dictionary(
            uniqueKeysWithValues: periods.map { ($0, try KEMPrivateKey(seed: .random(count: KEM.seedSize))) })
    }

    /// What it answers from now on; nil is silence.
    func answers(_ answer: Answer?) { self.answer.withLock { $0 = answer } }
    /// Is told the number of packets taken, after each.
    func whenTaking(_ action: @escaping @Sendable (Int) -> Void) { onPacket.withLock { $0 = action } }

    /// Who answers when it is asked for blocks; to be said before it starts.
    func answersBlocks(_ responder: any BlockResponder) { self.responder.withLock { $0 = responder } }

    func receive(_ packets: [InboundPacket]) {
        guard let answer = answer.withLock({ $0 }) else { return unanswered.withLock { $0 += packets } }
        var batch = AnswerBatch()
        for var packet in packets {
            let body = packet.takeBody()
            if answer == .received { bodies.withLock { $0.append(body) } }
            batch.add(packet, answer)
        }
        batch.send()
        onPacket.withLock { $0 }?(taken.count)
    }

    /// Begins to listen.
    /// - Parameter clock: what its certificate is made by.
    func start(clock: Timestamp = ScaledClock.systemTime()) async throws {
        var configuration = ListenerConfiguration()
        configuration.limits = .singleBlock
        let made = try await MMTPListener.bind(
            to: [LinkAddress(host: "127.0.0.1", port: Int(port))], identity: LinkIdentity(key, now: clock),
            receiver: self, responder: responder.withLock { $0 },
            configuration: configuration, group: MultiThreadedEventLoopGroup.singleton, clock: { clock },
            count: { _, _ in })
        listener.withLock { $0 = made }
    }

    func stop() async {
        let current = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        await current?.shutdown(grace: .seconds(1))
    }
}

/// Nodes, and what one authority says of them.
final class TestNetwork: Sendable {
    let nodes: [TestNode]
    /// The network as a client sees it that has all of it.
    let file: Network
    let authority: SoleAuthority
    let signer: HybridSigningKey

    struct Plan {
        var name = "testing"
        var names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]
        /// Those that deliver mail; the others only relay.
        var exits = ["echo", "foxtrot"]
        var isTest = true
        var published = ScaledClock.systemTime() - .hours(1)
        var validFor = Interval.days(7)
        /// As long as it is valid without it, so that no command says how old it is.
        var freshFor: Interval?
        var urls: [String] = []
        var signer: HybridSigningKey?
        var parameters = NetworkParameters()
        /// Changes a descriptor before it is signed.
        var change: (inout DescriptorFields) -> Void = { _ in }
        /// What the authority says of nodes, and of the links between those of these names.
        var standing: (inout ConsensusNode) -> Void = { _ in }
        var brokenLinks: [(from: String, to: String)] = []
    }

    init(_ change: (inout Plan) -> Void = { _ in }) throws {
        var plan = Plan()
        change(&plan)
        let calendar = plan.parameters.calendar
        guard let period = calendar.period(at: ScaledClock.systemTime()), let next = period.advanced(by: 1) else {
            throw User.Failure(text: "no period")
        }
        let published = Timestamp(seconds: plan.published.seconds)
        let ports = try Self.freePorts(plan.names.count)
        nodes = try zip(plan.names, ports).map { try TestNode($0, port: $1, periods: [period, next]) }
        let descriptors = try nodes.map { node in
            guard let nickname = Nickname(node.name), let address = NodeAddress(host: "127.0.0.1", port: node.port)
            else {
                throw User.Failure(text: "no descriptor")
            }
            var capabilities = [Capability(Capability.Name.relay)]
            if plan.exits.contains(node.name) {
                capabilities += [Capability(Capability.Name.smtp), Capability(Capability.Name.mbox)]
            }
            var fields = DescriptorFields(
                network: plan.name, nickname: nickname,
                addresses: plan.isTest ? [address] : [NodeAddress("8.8.4.4") ?? address],
                published: published, validUntil: published + .days(7), keys: node.packetKeys.mapValues(\.publicKey),
                capabilities: capabilities, software: "nightjar-test 1")
            plan.change(&fields)
            return try Descriptor.make(fields, identity: node.key)
        }
        signer = try plan.signer ?? .generate()
        var lengths = RootParameters()
        lengths.validFor = plan.validFor
        lengths.freshFor = min(plan.freshFor ?? plan.validFor, plan.validFor)
        authority = try SoleAuthority(
            network: plan.name, isTest: plan.isTest, parameters: plan.parameters, rootParameters: lengths, key: signer,
            published: published, urls: plan.urls)
        let ids = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0.id) })
        let links = plan.brokenLinks.compactMap { from, to in
            ids[from].flatMap { from in ids[to].map { NodeLink(from: from, to: $0) } }
        }
        let consensus = try authority.certify(
            descriptors, at: published, brokenLinks: links, change: plan.standing)
        file = Network(root: authority.root, consensus: consensus, descriptors: descriptors)
    }

    /// A later consensus of the same nodes.
    func consensus(at time: Timestamp, of count: Int? = nil) throws -> CertifiedConsensus {
        try authority.certify(Array(file.nodes.prefix(count ?? file.nodes.count)), at: time)
    }

    subscript(name: String) -> TestNode {
        guard let node = nodes.first(where: { $0.name == name }) else { preconditionFailure("the plan has no \(name)") }
        return node
    }

    func start() async throws { for node in nodes { try await node.start() } }
    func stop() async { for node in nodes { await node.stop() } }

    /// Packets that all nodes took.
    var taken: [(node: TestNode, body: [UInt8])] { nodes.flatMap { node in node.taken.map { (node, $0) } } }

    /// The port to look at next: below those that the system gives out by itself, which could be anybody's.
    private static let nextPort = Mutex(UInt16.random(in: 10_000..<30_000))

    /// Ports that nobody listens on, each given out once.
    private static func freePorts(_ count: Int) throws -> [UInt16] {
        try nextPort.withLock { next in
            var ports: [UInt16] = []
            for _ in 0..<1000 where ports.count < count {
                next = next < 32_000 ? next + 1 : 10_000
                if isFree(next) { ports.append(next) }
            }
            guard ports.count == count else { throw User.Failure(text: "no free ports") }
            return ports
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
