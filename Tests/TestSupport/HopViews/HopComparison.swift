// Looks for anything by which a hop could tell kinds of packets apart, or know a packet again after another hop.

/// Compares samples of flights.
public struct HopComparison: Sendable {
    /// The chance that one run finds something where there is nothing, shared out among all that is looked at.
    public static let falseAlarm = 1e-8

    public let shape: PacketShape

    public init(shape: PacketShape) { self.shape = shape }

    /// Everything that was found.
    public func findings(_ samples: [FlightSample]) -> [HopFinding] {
        let odd = sizes(samples)
        // What follows goes by positions in packets of one size.
        guard odd.isEmpty else { return odd }
        return prefixes(samples) + positions(samples) + correlations(samples) + delays(samples) + nexts(samples)
            + hops(samples) + HopClassifier(shape: shape).findings(samples)
    }

    private func sizes(_ samples: [FlightSample]) -> [HopFinding] {
        samples.flatMap { sample in
            sample.flights.flatMap(\.packets).filter { $0.count != shape.packet }.prefix(1).map {
                HopFinding(check: .size, detail: sample.name, score: Double($0.count), bound: Double(shape.packet))
            }
        }
    }

    /// Suite, reserved byte and key period. The hops of one flight have theirs in common, so a flight counts once.
    private func prefixes(_ samples: [FlightSample]) -> [HopFinding] {
        counts(.prefix, "suite, flags or key period", samples) { flight in
            [flight.packets.flatMap { $0[..<4] }.reduce(0) { $0 &* 31 &+ Int($1) }]
        }
    }

    private func nexts(_ samples: [FlightSample]) -> [HopFinding] { counts(.next, "next hop", samples) { $0.nexts } }

    private func hops(_ samples: [FlightSample]) -> [HopFinding] {
        counts(.hops, "number of hops", samples) { [$0.packets.count] }
    }

    private func counts(
        _ check: HopFinding.Check, _ detail: String, _ samples: [FlightSample], _ values: (Flight) -> [Int]
    ) -> [HopFinding] {
        let tables = samples.map { sample in
            sample.flights.flatMap(values).reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        }
        let columns = Set(tables.flatMap(\.keys)).sorted()
        let score = Statistics.homogeneity(tables.map { table in columns.map { table[$0] ?? 0 } })
        let bound = Statistics.normalBound(Self.falseAlarm / 8)
        return score > bound ? [HopFinding(check: check, detail: detail, score: score, bound: bound)] : []
    }

    /// The distribution of each half byte at each position, between kinds.
    public func positions(_ samples: [FlightSample]) -> [HopFinding] {
        let row = shape.packet * 2 * 16
        let table = UnsafeMutablePointer<Int32>.allocate(capacity: samples.count * row)
        table.initialize(repeating: 0, count: samples.count * row)
        defer { table.deallocate() }
        for (kind, sample) in samples.enumerated() {
            for packet in sample.flights.lazy.flatMap(\.packets) {
                packet.withUnsafeBufferPointer { bytes in
                    guard let bytes = bytes.baseAddress else { return }
                    var cell = table + kind * row
                    var position = 0
                    while position < shape.packet {
                        let byte = bytes[position]
                        cell[Int(byte >> 4)] &+= 1
                        cell[Int(byte & 15) &+ 16] &+= 1
                        cell += 32
                        position &+= 1
                    }
                }
            }
        }
        let bound = Statistics.normalBound(Self.falseAlarm / Double(shape.packet * 2 * 8))
        var worst: HopFinding?
        // The prefix has its own check.
        for half in 8..<shape.packet * 2 {
            let score = Statistics.homogeneity(table + half * 16, rows: samples.count, columns: 16, stride: row)
            guard score > max(bound, worst?.score ?? 0) else { continue }
            worst = HopFinding(check: .position, detail: "byte \(half / 2)", score: score, bound: bound)
        }
        return worst.map { [$0] } ?? []
    }

    /// Bits that a packet has in common with itself at another hop, at the same place and a routing block further.
    private func correlations(_ samples: [FlightSample]) -> [HopFinding] {
        samples.flatMap { sample in
            var findings: [HopFinding] = []
            // Random bits agree in half of the cases. The ciphertexts of X-Wing are not quite random, in all kinds.
            let places = [
                ("routing and mac", shape.routing, shape.routing, shape.header - shape.routing),
                (
                    "routing, a block further", shape.routing + shape.block, shape.routing,
                    shape.block * (shape.blocks - 1)
                ),
                ("payload", shape.header, shape.header, shape.packet - shape.header),
            ]
            let bound = Statistics.normalBound(Self.falseAlarm / Double(8 * (places.count + shape.packet / 8)))
            for (name, from, to, count) in places {
                let words = count / 8
                var differing = [Int](repeating: 0, count: words)
                var pairs = 0
                for flight in sample.flights {
                    for (earlier, packet) in flight.packets.enumerated() {
                        for later in flight.packets.dropFirst(earlier + 1) {
                            pairs += 1
                            Self.add(packet, from, later, to, words: words, to: &differing)
                        }
                    }
                }
                guard pairs > 0 else { continue }
                // 64 bits a word: mean 32 and variance 16 for each pair.
                let total =
                    Double(differing.reduce(0, +) - 32 * words * pairs) / (16 * Double(words * pairs)).squareRoot()
                let places = differing.map { abs(Double($0 - 32 * pairs)) / (16 * Double(pairs)).squareRoot() }
                let score = max(abs(total), places.max() ?? 0)
                if score > bound {
                    findings.append(
                        HopFinding(check: .correlation, detail: "\(sample.name): \(name)", score: score, bound: bound))
                }
            }
            return findings
        }
    }

    private static func add(
        _ first: [UInt8], _ from: Int, _ second: [UInt8], _ to: Int, words: Int, to counts: inout [Int]
    ) {
        first.withUnsafeBytes { first in
            second.withUnsafeBytes { second in
                counts.withUnsafeMutableBufferPointer { counts in
                    var index = 0
                    while index < words {
                        let a = first.loadUnaligned(fromByteOffset: from &+ index &* 8, as: UInt64.self)
                        let b = second.loadUnaligned(fromByteOffset: to &+ index &* 8, as: UInt64.self)
                        counts[index] &+= (a ^ b).nonzeroBitCount
                        index &+= 1
                    }
                }
            }
        }
    }

    private func delays(_ samples: [FlightSample]) -> [HopFinding] {
        var findings: [HopFinding] = []
        for (index, one) in samples.enumerated() {
            for other in samples.dropFirst(index + 1) {
                let (a, b) = (one.flights.flatMap(\.delays), other.flights.flatMap(\.delays))
                let score = Statistics.distance(a.map(Double.init), b.map(Double.init))
                let bound = Statistics.distanceBound(Self.falseAlarm / 8, a.count, b.count)
                guard score > bound else { continue }
                findings.append(
                    HopFinding(check: .delay, detail: "\(one.name) and \(other.name)", score: score, bound: bound))
            }
        }
        return findings
    }
}
