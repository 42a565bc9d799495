// What a node in the middle sees of clients' packets, nodes' loops and the pinger's probes: real packets, paths and times.

import Directory
import Measurement
import MixCrypto
import Mixing
import Sphinx
import TestSupport
import WireFormat

/// A packet on its way.
struct Parcel {
    /// When it enters its first node.
    var sent: Timestamp
    /// Places of nodes, the first first.
    var path: [Int]
    /// Milliseconds, one for each node.
    var delays: [UInt32]
    var isReply = false
    /// Whether it was made with the next period's keys.
    var isAhead = false
    var isProbe: Bool
}

/// What the spying node sees of one.
struct Sight {
    var at: Timestamp
    var previous, next: Int
    var delay: UInt32
    /// The packet's size, its first four bytes, and some further ones.
    var size: Int
    var prefix: [UInt8]
    var bytes: [UInt8]
    /// What it wants to find out.
    var isProbe: Bool
}

/// Nodes with real keys and a real consensus. The first is the spy.
final class RecognitionNetwork {
    struct Keys: PacketKeys {
        let keys: [KeyPeriod: KEMPrivateKey]
        func key(of period: KeyPeriod) -> KEMPrivateKey? { keys[period] }
    }

    static let spy = 0
    /// The mean of a link's own time, in milliseconds.
    static let transport = 200.0

    let start: Timestamp
    let network: Network
    let nodes: [Descriptor]
    var random: SeededRandom
    private let keys: [Keys]
    private let places: [NodeID: Int]
    private let period: KeyPeriod
    private let maker: SURBMaker
    private let sampling: DelaySampling

    init(_ count: Int, weights: (Int) -> Int = { _ in 100 }, name: String) throws {
        var random = SeededRandom(name: name)
        let calendar = KeyPeriodCalendar()
        period = KeyPeriod(2967)
        start = calendar.start(of: period) + .days(1)
        var nodes: [(Descriptor, Keys)] = []
        for number in 0..<count {
            var pairs: [KeyPeriod: KEMPrivateKey] = [:]
            for offset in 0...1 {
                var seed = random.bytes(KEM.seedSize)
                pairs[KeyPeriod(2967 + UInt16(offset))] = try KEMPrivateKey(seed: SecretBytes(moving: &seed))
            }
            var identity = random.bytes(32)
            let fields = DescriptorFields(
                network: "testing", nickname: Nickname("n\(number)")!,
                addresses: [NodeAddress("11.\(number + 1).0.1")!], published: start - .hours(1),
                validUntil: start + .days(2), keys: pairs.mapValues(\.publicKey),
                capabilities: [Capability(Capability.Name.relay), Capability(Capability.Name.mailbox)],
                software: "nightjar 0.1")
            let descriptor = try Descriptor.make(fields, identity: SigningKey(seed: SecretBytes(moving: &identity)))
            nodes.append((descriptor, Keys(keys: pairs)))
        }
        self.nodes = nodes.map(\.0)
        keys = nodes.map(\.1)
        places = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($0.element.0.id, $0.offset) })
        var seed = random.bytes(HybridSigningKey.seedSize)
        let authority = try SoleAuthority(
            network: "testing", isTest: false, key: HybridSigningKey(seed: SecretBytes(moving: &seed)),
            published: start - .hours(2))
        let places = places
        let consensus = try authority.certify(self.nodes, at: start) { node in
            node.flags.remove(.unmeasured)
            node.weight = weights(places[node.id] ?? 0)
        }
        network = Network(root: authority.root, consensus: consensus, descriptors: self.nodes)
        maker = SURBMaker(secret: SymmetricSecret(copying: random.bytes(32)))
        sampling = DelaySampling(mean: network.parameters.meanDelay, cap: network.parameters.delayCap)
        self.random = random
    }

    func place(_ id: NodeID) -> Int { places[id] ?? 0 }
    func delays(_ count: Int) -> [UInt32] { (0..<count).map { _ in sampling.sample(using: &random) } }

    /// Poisson times.
    func times(every mean: Interval, for length: Interval) -> [Timestamp] {
        var times = PoissonTimes(mean: mean, now: start, generator: SeededRandom(seed: random.next()))
        var found: [Timestamp] = []
        while let next = times.next, next < start + length {
            found.append(next)
            _ = times.isDue(at: next)
        }
        return found
    }

    /// Clients' packets and answers; nodes' loops.
    func traffic(every mean: Interval, for length: Interval, isLoops: Bool) throws -> [Parcel] {
        let selector = PathSelector(network: network, at: start)
        return try times(every: mean, for: length).map { time in
            var demands = PathDemands()
            if isLoops {
                // The spy knows its own.
                let own = nodes[Int.random(in: 1..<nodes.count, using: &random)].id
                demands = PathDemands(fixedExit: own, endpoint: own)
            }
            let path = try selector.choose(.standard, demands: demands, using: &random).map { place($0.id) }
            let isReply = !isLoops && Int.random(in: 0..<5, using: &random) == 0
            // A loop begins at its node, which is the previous of its first hop.
            let first = isLoops ? [path[path.count - 1]] : []
            return Parcel(
                sent: time, path: first + path, delays: (isLoops ? [0] : []) + delays(path.count), isReply: isReply,
                isProbe: false)
        }
    }

    /// What the spy sees of parcels, in the order in which they come, where it stands in the middle.
    /// - Parameter isReal: whether packets are made and unwrapped; if not, size and bytes are the same for all.
    func sights(_ parcels: [Parcel], isReal: Bool) throws -> [Sight] {
        var sights: [Sight] = []
        for parcel in parcels {
            guard let middle = parcel.path.firstIndex(of: Self.spy), middle > 0, middle + 1 < parcel.path.count else {
                continue
            }
            var at = parcel.sent
            for place in 0..<middle {
                at = at + .milliseconds(Int64(parcel.delays[place]) + 50)
                at =
                    at
                    + .milliseconds(Int64(Logarithm.of(1 - Double.random(in: 0..<1, using: &random)) * -Self.transport))
            }
            var sight = Sight(
                at: at, previous: parcel.path[middle - 1], next: parcel.path[middle + 1], delay: parcel.delays[middle],
                size: 0, prefix: [parcel.isAhead ? 1 : 0], bytes: [], isProbe: parcel.isProbe)
            if isReal { try look(&sight, parcel) }
            sights.append(sight)
        }
        return sights.sorted { $0.at < $1.at }
    }

    /// Makes the packet, lets it come to the spy, and sees what that sees of it.
    private func look(_ sight: inout Sight, _ parcel: Parcel) throws {
        // A loop's own node only hands it over.
        let isLoop = parcel.path.count > 1 && parcel.path[0] == parcel.path[parcel.path.count - 1]
        let path = isLoop ? Array(parcel.path.dropFirst()) : parcel.path
        let delays = isLoop ? Array(parcel.delays.dropFirst()) : parcel.delays
        let period = parcel.isAhead ? KeyPeriod(2968) : period
        let hops = try zip(path, delays).map { place, delay in
            guard let key = nodes[place].fields.keys[period] else { throw BuildError.contentSize(0) }
            return PathHop(node: nodes[place].id, key: key, period: period, delay: delay)
        }
        let text = [UInt8]("hello".utf8)
        let content = text + [UInt8](repeating: 0, count: Geometry.suite1.contentSize - text.count)
        var packet: [UInt8]
        if parcel.isReply {
            let expiry = start + .days(14)
            packet = try maker.make(path: hops, address: "box:00@node", expiry: expiry, using: &random).surb.makePacket(
                content: content, at: start)
        } else {
            packet = try PacketBuilder().build(content: content, path: hops, using: &random)
        }
        for place in path {
            let outcome = try Unwrapper(node: nodes[place].id).unwrap(
                packet, keys: keys[place], isKnown: { _, _ in false }
            ).outcome
            guard case .forward(let next, let delay, let inner) = outcome else { return }
            if place == Self.spy {
                let geometry = Geometry.suite1
                sight.size = packet.count
                sight.prefix = Array(packet[..<geometry.prefixSize])
                sight.bytes = [
                    packet[geometry.prefixSize], packet[geometry.routingOffset], packet[geometry.macOffset],
                    packet[geometry.headerSize], packet[packet.count - 1], inner[geometry.routingOffset],
                    inner[geometry.macOffset - 1], inner[geometry.headerSize],
                ]
                sight.next = self.place(next)
                sight.delay = delay
                return
            }
            packet = inner
        }
    }
}
