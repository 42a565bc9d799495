// Probes as nodes see them: each unwraps its layer with its own key, and what comes out at the end is an ordinary message, or an
// ordinary answer, for an own mailbox.

import Daemon
import Directory
import Measurement
import Messages
import MixCrypto
import Sphinx
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

private struct NodeKeys: PacketKeys {
    let keys: [KeyPeriod: KEMPrivateKey]
    func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
}

/// Nodes with keys, and what an authority says of them.
struct ProbeNetwork {
    let keys: [NodeID: [KeyPeriod: KEMPrivateKey]]
    let network: Network
    let now = ScaledClock.systemTime()
    let identity: PingerIdentity
    let period: KeyPeriod

    /// - Parameter ahead: how many of the nodes have published the next period's key.
    init(nodes count: Int = 6, ahead: Int = 6) throws {
        let calendar = NetworkParameters().calendar
        let published = Timestamp(seconds: (now - .minutes(5)).seconds)
        let current = try #require(calendar.period(at: now))
        let next = try #require(current.advanced(by: 1))
        var keys: [NodeID: [KeyPeriod: KEMPrivateKey]] = [:]
        let descriptors = try (0..<count).map { number in
            let own = try SigningKey.generate()
            var periods = [current: try KEMPrivateKey(seed: .random(count: KEM.seedSize))]
            if number < ahead { periods[next] = try KEMPrivateKey(seed: .random(count: KEM.seedSize)) }
            keys[own.verificationKey.nodeID] = periods
            return try Descriptor.make(
                DescriptorFields(
                    network: "testing", nickname: try #require(Nickname("node\(number)")),
                    addresses: [try #require(NodeAddress("127.0.0.1:\(4000 + number)"))], published: published,
                    validUntil: published + .days(5), keys: periods.mapValues(\.publicKey),
                    capabilities: [Capability(Capability.Name.mailbox), Capability(Capability.Name.relay)],
                    software: "test"), identity: own)
        }
        period = current
        self.keys = keys
        let authority = try SoleAuthority(
            network: "testing", isTest: true, key: HybridSigningKey.generate(), published: published)
        network = try authority.network(descriptors, at: published)
        identity = PingerIdentity(try .random(count: PingerIdentity.size))
    }

    /// What the nodes of a path make of a packet: its path, its delays, its end.
    func follow(_ probe: MadeProbe) throws -> (path: [NodeID], delays: [UInt32], end: End) {
        var (node, packet) = (probe.entry.id, probe.packet)
        var path: [NodeID] = []
        var delays: [UInt32] = []
        while path.count < 6 {
            path.append(node)
            switch try Unwrapper(node: node).unwrap(
                packet, keys: NodeKeys(keys: keys[node] ?? [:]), isKnown: { _, _ in false }
            ).outcome {
            case .forward(let next, let delay, let inner):
                delays.append(delay)
                (node, packet) = (next, inner)
            case .deliver(let delay, let content): return (path, delays + [delay], .message(content))
            case .reply(let delay, let info, let payload):
                return (path, delays + [delay], .reply(try ReplyInfo(info), payload))
            }
        }
        throw ProbeMakingError.notBuilt
    }

    enum End {
        case message([UInt8])
        case reply(ReplyInfo, [UInt8])
    }

    func plan(_ kind: ProbeKind, hops: Int = 5) throws -> PlannedProbe {
        PlannedProbe(kind: kind, path: try #require(ProbePath(network.nodes.shuffled().prefix(hops).map(\.id))))
    }

    var maker: ProbeMaker { ProbeMaker(network: network, identity: identity, now: now) }
}

@Suite("Probes as nodes see them")
struct ProbeMakerTests {
    @Test("a loop is an ordinary message of one packet for the mailbox at its last node", arguments: [3, 4, 5])
    func loop(hops: Int) throws {
        let net = try ProbeNetwork()
        var random = SeededRandom(name: #function)
        let plan = try net.plan(.loop, hops: hops)
        let probe = try net.maker.make(plan, using: &random)
        let (path, delays, end) = try net.follow(probe)
        #expect(path == plan.path.hops && probe.packet.count == 32_768)
        #expect(probe.drawn == .milliseconds(delays.reduce(0) { $0 + Int64($1) }))
        guard case .message(let content) = end, case .part(let part) = try PayloadContent(decoding: content) else {
            Issue.record("no message")
            return
        }
        #expect(part.layout.isSingle && part.id.bytes == probe.tag)
        let last = try #require(net.network.node(plan.path.last))
        let box = try PingerMailbox(at: last, identity: net.identity)
        var chunks = [Array(part.share.prefix(part.layout.messageLength))]
        var reader = MessageReader(length: part.layout.messageLength)
        #expect(try reader.envelope { chunks.popLast() }.recipients == [box.address])
        // What the mailbox gives out, and how it is known again.
        let encoded = Array(part.share.prefix(part.layout.messageLength))
        let fragment = try MailFragment(message: part.id, index: 0, count: 1, bytes: encoded)
        let reader2 = ReturnReader(maker: net.identity.surbMaker)
        #expect(reader2.read(fragment) == .named(tag: probe.tag, content: probe.content))
        var changed = encoded
        changed[changed.count - 1] ^= 1
        let damaged = try MailFragment(message: part.id, index: 0, count: 1, bytes: changed)
        #expect(reader2.read(damaged) != .named(tag: probe.tag, content: probe.content))
    }

    @Test("a reply is an ordinary answer into the mailbox, known by its block, and damage shows")
    func reply() throws {
        let net = try ProbeNetwork()
        var random = SeededRandom(name: #function)
        let plan = try net.plan(.reply)
        let probe = try net.maker.make(plan, using: &random)
        let (path, _, end) = try net.follow(probe)
        #expect(path == plan.path.hops)
        guard case .reply(let info, let payload) = end else {
            Issue.record("no answer")
            return
        }
        let last = try #require(net.network.node(plan.path.last))
        let box = try PingerMailbox(at: last, identity: net.identity)
        let target = try ReplyTarget(info.address)
        #expect(target.address == box.address && box.policy.admits(replyToken: target.token))
        let record = try ReplyRecord(surb: info.id, sealedKeys: info.sealedKeys, payload: payload)
        let reader = ReturnReader(maker: net.identity.surbMaker)
        #expect(reader.read(record) == .named(tag: probe.tag, content: probe.content))
        var changed = payload
        changed[1000] ^= 1
        let damaged = try ReplyRecord(surb: info.id, sealedKeys: info.sealedKeys, payload: changed)
        #expect(reader.read(damaged) == .named(tag: probe.tag, content: nil))
    }

    @Test("an ahead is made with the next period's keys, and not at all if a node of its path has none")
    func ahead() throws {
        let net = try ProbeNetwork()
        var random = SeededRandom(name: #function)
        let probe = try net.maker.make(net.plan(.ahead), using: &random)
        #expect(try net.follow(probe).path == probe.path.hops)
        let withoutCurrent = net.keys.mapValues { $0.filter { $0.key == net.period } }
        #expect(throws: (any Error).self) {
            _ = try Unwrapper(node: probe.entry.id).unwrap(
                probe.packet, keys: NodeKeys(keys: withoutCurrent[probe.entry.id] ?? [:]), isKnown: { _, _ in false })
        }
        let late = try ProbeNetwork(ahead: 1)
        let plan = try late.plan(.ahead)
        #expect(throws: ProbeMakingError.noKey) { _ = try late.maker.make(plan, using: &random) }
        #expect(try late.maker.make(PlannedProbe(kind: .loop, path: plan.path), using: &random).kind == .loop)
    }

    @Test("a node that has left is told, and sizes and delays are drawn anew for each")
    func draws() throws {
        let net = try ProbeNetwork()
        var random = SeededRandom(name: #function)
        let gone = try #require(ProbePath(net.network.nodes.prefix(2).map(\.id) + [NodeID.random(using: &random)]))
        #expect(throws: ProbeMakingError.nodeGone) {
            _ = try net.maker.make(PlannedProbe(kind: .loop, path: gone), using: &random)
        }
        let plan = try net.plan(.loop, hops: 3)
        var drawn: Set<Interval> = []
        var tags: Set<[UInt8]> = []
        for _ in 0..<5 {
            let probe = try net.maker.make(plan, using: &random)
            drawn.insert(probe.drawn)
            tags.insert(probe.tag)
        }
        #expect(drawn.count == 5 && tags.count == 5)
    }

    @Test("a test mail is an ordinary mail")
    func mail() throws {
        let net = try ProbeNetwork()
        var random = SeededRandom(name: #function)
        let mail = TestMail(using: &random)
        let address = try Address("tests@example.org")
        let nodes = Array(net.network.nodes.prefix(4))
        let probe = try net.maker.mail(mail, to: address, along: nodes, using: &random)
        #expect(probe.kind == .delivery && probe.mailbox == nil && probe.tag == mail.tag)
        guard case .message(let content) = try net.follow(probe).end,
            case .part(let part) = try PayloadContent(decoding: content)
        else {
            Issue.record("no message")
            return
        }
        var chunks = [Array(part.share.prefix(part.layout.messageLength))]
        var reader = MessageReader(length: part.layout.messageLength)
        let envelope = try reader.envelope { chunks.popLast() }
        #expect(envelope.recipients == [address] && envelope.fields == [.subject: mail.subject])
    }

    @Test("mailboxes are kept at few nodes of many, and at the same ones always")
    func choice() throws {
        let net = try ProbeNetwork(nodes: 10, ahead: 0)
        let chosen = PingerMailbox.nodes(in: net.network, limit: 4, identity: net.identity).map(\.id)
        #expect(chosen.count == 4 && Set(chosen).count == 4)
        #expect(PingerMailbox.nodes(in: net.network, limit: 4, identity: net.identity).map(\.id) == chosen)
        #expect(PingerMailbox.nodes(in: net.network, limit: 16, identity: net.identity).count == 10)
    }
}
