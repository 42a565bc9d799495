import MixCrypto
import Sphinx
import WireFormat

/// Runs the packet's operations on a path of five hops and the primitives beside them.
final class PacketBench {
    /// What each operation consists of. The counts follow from doc/PACKET.md; sealing the keys of a SURB is left out.
    private static let operations: [(name: String, primitives: [(Primitive, Int)])] = [
        (
            "unwrap",
            [
                (.decapsulate, 1), (.expand, 2), (.headerMAC, 1), (.headerStream, 1), (.payloadStream, 2),
                (.payloadMAC, 2),
            ]
        ),
        (
            "build",
            [
                (.encapsulate, 5), (.expand, 10), (.headerMAC, 5), (.headerStream, 5), (.payloadStream, 10),
                (.payloadMAC, 10),
            ]
        ),
        ("surbCreate", [(.encapsulate, 5), (.expand, 5), (.headerMAC, 5), (.headerStream, 5)]),
        ("surbUse", [(.expand, 1), (.payloadStream, 2), (.payloadMAC, 2)]),
        ("surbOpen", [(.expand, 6), (.payloadStream, 12), (.payloadMAC, 12)]),
    ]
    static var operationNames: [String] { operations.map(\.name) }

    private struct OneKey: PacketKeys {
        let privateKey: KEMPrivateKey
        func key(of period: KeyPeriod) -> KEMPrivateKey? { privateKey }
    }

    private let hops = Geometry.suite1.maximumHops
    private let primitives: PrimitiveBench
    private let path: [PathHop]
    private let keys: [OneKey]
    private let unwrapper: Unwrapper
    private let builder = PacketBuilder()
    private let maker = SURBMaker(secret: .random())
    private let content: [UInt8]
    private let packet: [UInt8]
    private let surb: SURB
    private let answer: (info: ReplyInfo, payload: [UInt8])
    private let expiry = Timestamp(seconds: 4_000_000_000)
    private var random = SystemRandomNumberGenerator()

    init() throws {
        primitives = try PrimitiveBench()
        var random = SystemRandomNumberGenerator()
        var path: [PathHop] = []
        var keys: [OneKey] = []
        for index in 0..<hops {
            let key = try KEMPrivateKey(seed: .random(count: KEM.seedSize))
            keys.append(OneKey(privateKey: key))
            path.append(
                PathHop(
                    node: .random(using: &random), key: key.publicKey, period: KeyPeriod(2967), delay: UInt32(index)))
        }
        content = random.bytes(Geometry.suite1.contentSize)
        packet = try builder.build(content: content, path: path, using: &random)
        surb = try maker.make(path: path, address: "box:bench", expiry: expiry, using: &random).surb
        unwrapper = Unwrapper(node: path[0].node)
        self.path = path
        self.keys = keys
        answer = try Self.carry(try surb.makePacket(content: content, at: Timestamp(seconds: 0)), along: path, keys)
    }

    /// Takes a reply through its nodes.
    private static func carry(
        _ packet: [UInt8], along path: [PathHop], _ keys: [OneKey]
    ) throws -> (info: ReplyInfo, payload: [UInt8]) {
        var packet = packet
        for (hop, key) in zip(path, keys) {
            switch try Unwrapper(node: hop.node).unwrap(packet, keys: key, isKnown: { _, _ in false }).outcome {
            case .forward(_, _, let next): packet = next
            case .reply(_, let info, let payload): return (try ReplyInfo(info), payload)
            case .deliver: break
            }
        }
        throw SURBError.malformed
    }

    /// Runs an operation once and adds its time. What prepares it is not timed.
    private func time(_ name: String, into samples: inout Samples) throws {
        switch name {
        case "unwrap":
            // A node has each packet in an array of its own, and gives it away.
            var copy = packet.map { $0 }
            try samples.time(count: 1) {
                _ = try unwrapper.unwrap(Self.take(&copy), keys: keys[0], isKnown: { _, _ in false })
            }
        case "build": try samples.time(count: 1) { _ = try builder.build(content: content, path: path, using: &random) }
        case "surbCreate":
            try samples.time(count: 1) {
                _ = try maker.make(path: path, address: "box:bench", expiry: expiry, using: &random)
            }
        case "surbUse":
            try samples.time(count: 1) { _ = try surb.makePacket(content: content, at: Timestamp(seconds: 0)) }
        default: try samples.time(count: 1) { _ = try maker.open(answer.info, payload: answer.payload) }
        }
    }

    private static func take(_ array: inout [UInt8]) -> [UInt8] {
        let taken = array
        array = []
        return taken
    }

    /// Runs one operation alone.
    func repeatAlone(_ name: String, rounds: Int) throws {
        var samples = Samples()
        for _ in 0..<rounds { try time(name, into: &samples) }
        print("\(name): best \(samples.best) us, median \(samples.median) us")
    }

    /// Times everything in turn, `rounds` times, after a tenth of that to warm up.
    func measure(rounds: Int) throws -> PacketReport {
        var operationSamples = [Samples](repeating: Samples(), count: Self.operations.count)
        var primitiveSamples: [Primitive: Samples] = [:]
        for round in -(rounds / 10)..<rounds {
            if round == 0 {
                operationSamples = operationSamples.map { _ in Samples() }
                primitiveSamples = [:]
            }
            for primitive in Primitive.allCases {
                try primitiveSamples[primitive, default: Samples()].time(count: primitive.repetitions) {
                    try primitives.run(primitive)
                }
            }
            for (index, operation) in Self.operations.enumerated() {
                try time(operation.name, into: &operationSamples[index])
            }
        }
        var report = PacketReport(operations: [:], primitives: [:])
        for (operation, samples) in zip(Self.operations, operationSamples) {
            var sums = Samples()
            var ratios = Samples()
            for (round, value) in samples.values.enumerated() {
                let sum = operation.primitives.reduce(0) {
                    $0 + (primitiveSamples[$1.0]?.values[round] ?? 0) * Double($1.1)
                }
                sums.append(sum)
                ratios.append(value / sum)
            }
            report.operations[operation.name] = PacketReport.Operation(
                bestMicroseconds: samples.best, medianMicroseconds: samples.median, primitivesMicroseconds: sums.median,
                ratioToPrimitives: ratios.median)
        }
        for (primitive, samples) in primitiveSamples {
            report.primitives[primitive.rawValue] = PacketReport.Cost(best: samples.best, median: samples.median)
        }
        return report
    }
}
