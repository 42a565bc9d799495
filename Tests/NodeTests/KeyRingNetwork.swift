import Directory
import Foundation
import Messages
import MixCrypto
import Mixing
import Sphinx
import TestSupport
import WireFormat

@testable import NodeProgram

/// Nodes that are nothing but key rings, with a clock that the test sets: what keys do over weeks.
final class KeyRingNetwork {
    struct Node {
        let files: NodeFiles
        let ring: KeyRing
        let identity: SigningKey
        var id: NodeID { identity.verificationKey.nodeID }

        func unwrap(_ packet: [UInt8]) throws(UnwrapFailure) -> Outcome {
            try Unwrapper(node: id).unwrap(packet, keys: ring.current, isKnown: { _, _ in false }).outcome
        }
    }

    let directory: TemporaryDirectory
    let parameters = NetworkParameters()
    let signer: HybridSigningKey
    let maker: SURBMaker
    private(set) var nodes: [Node] = []
    private(set) var now: Timestamp
    /// The network file of this moment.
    private(set) var file: Network!
    private(set) var changes = KeyRing.Changes()
    var generator: SeededRandom

    init(nodes count: Int, at start: Timestamp, name: String) throws {
        directory = try TemporaryDirectory("nightjar-rings")
        signer = try HybridSigningKey.generate()
        generator = SeededRandom(name: name)
        maker = SURBMaker(secret: SymmetricSecret(copying: generator.bytes(32)))
        now = start
        for index in 0..<count {
            let files = NodeFiles(directory: directory.file("node\(index)"))
            try files.create()
            nodes.append(
                Node(
                    files: files, ring: KeyRing(directory: files.packetKeys, calendar: parameters.calendar),
                    identity: try files.loadIdentity()))
        }
        try set(start)
    }

    /// Moves the clock: every node maintains its keys and publishes a descriptor, as it does when a period begins.
    func set(_ time: Timestamp) throws {
        now = time
        changes = KeyRing.Changes()
        guard let period = parameters.calendar.period(at: now) else { return }
        let authority = try SoleAuthority(
            network: "rings", isTest: true, parameters: parameters, key: signer,
            published: Timestamp(seconds: now.seconds))
        var descriptors: [Descriptor] = []
        for (index, node) in nodes.enumerated() {
            let made = try node.ring.maintain(at: now)
            changes.created += made.created
            changes.destroyed += made.destroyed
            guard let nickname = Nickname("node\(index)"),
                let address = NodeAddress(host: "127.0.0.1", port: UInt16(40_000 + index))
            else { continue }
            let settings = NodeSettings(
                nickname: nickname, dataDirectory: node.files.directory, networkFile: "", listen: [],
                addresses: [address])
            descriptors.append(
                try node.files.writeDescriptor(
                    DescriptorMaker(settings: settings, root: authority.root),
                    keys: node.ring.current.published(from: period), identity: node.identity, now: now))
        }
        file = try authority.network(descriptors, at: now)
    }

    /// Moves the clock in steps of six hours, so that keys come and go as in a running node.
    func advance(_ interval: Interval) throws {
        let end = now + interval
        while now < end { try set(min(now + .hours(6), end)) }
    }

    /// A path as the client draws it, with its delays.
    func path(_ specification: String = "*5") throws -> [PathHop] {
        let selector = PathSelector(network: file, at: now)
        let nodes = try selector.choose(PathSpecification(specification), demands: PathDemands(), using: &generator)
        let sampling = DelaySampling(mean: parameters.meanDelay, cap: parameters.delayCap)
        let delays = nodes.map { _ in sampling.sample(using: &generator) }
        return try selector.hops(nodes, delays: delays, at: now)
    }

    /// A short message's one part.
    func part(_ capacity: ShareCapacity) throws -> Part {
        let mail = try OutgoingMail(Array("hello\r\n".utf8), options: OutgoingMail.Options(subject: "Test"))
        let encoded = try MessageEncoder.encode(mail.envelope(to: [Address("drop:")]), body: mail.body)
        let parts = try MessageEncoder.parts(of: encoded, capacity: capacity, using: &generator)
        return parts.parts(ofGroup: 0)[0]
    }

    func forward(_ content: PayloadContent) throws -> (packet: [UInt8], first: NodeID) {
        let path = try path()
        return (try PacketBuilder().build(content: content.encoded(), path: path, using: &generator), path[0].node)
    }

    func surb() throws -> SURB {
        let selector = PathSelector(network: file, at: now)
        guard let expiry = selector.expiry(at: now) else { throw Lost() }
        return try maker.make(path: path(), address: "box:00@node0", expiry: expiry, using: &generator).surb
    }

    /// What a replier hands to a crossover node.
    func injection(_ surb: SURB) throws -> PayloadContent {
        .inject(
            try Injection(
                firstNode: surb.first, header: surb.header, payloadKey: surb.payloadKey,
                sealedPart: SealedPart.seal(part(.injected), messageKey: surb.messageKey)))
    }

    /// The packet that the crossover node makes of what arrives in it.
    func crossover(_ outcome: Outcome) throws -> (packet: [UInt8], first: NodeID) {
        guard case .deliver(_, let content) = outcome,
            case .inject(let injection) = try PayloadContent(decoding: content),
            let packet = Reinjection.packet(
                injection, content: try PayloadContent.sealed(injection.sealedPart).encoded())
        else { throw Lost() }
        return (packet, injection.firstNode)
    }

    /// Takes a packet from node to node.
    func fly(_ packet: [UInt8], first: NodeID) throws -> (flight: Flight, end: Outcome) {
        var flight = Flight(packets: [packet], delays: [], nexts: [])
        var next = first
        while let place = nodes.firstIndex(where: { $0.id == next }) {
            let outcome = try nodes[place].unwrap(flight.packets[flight.packets.count - 1])
            guard case .forward(let following, let delay, let inner) = outcome else { return (flight, outcome) }
            flight.delays.append(delay)
            flight.nexts.append(nodes.firstIndex { $0.id == following } ?? -1)
            flight.packets.append(inner)
            next = following
        }
        throw Lost()
    }

    /// What the maker of the reply block reads.
    func open(_ end: Outcome) throws -> PayloadContent {
        guard case .reply(_, let info, let payload) = end else { throw Lost() }
        let opened = try maker.open(ReplyInfo(info), payload: payload)
        let content = try PayloadContent(decoding: opened.content)
        guard case .sealed(let sealed) = content else { return content }
        _ = try SealedPart.open(sealed, messageKey: opened.messageKey)
        return content
    }

    struct Lost: Error {}
}
