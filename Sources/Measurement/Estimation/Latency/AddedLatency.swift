internal import WireFormat

/// What each node adds to a packet's journey, beyond what the packet asks for: excess = common + sum over its nodes +
/// chance.
///
/// First by least squares with no node below zero, on excess times that are cut at the slowest fiftieth; then the
/// medians of what is left move the nodes, so that the slow tail of a few packets counts for little. What all nodes
/// share (the wait for the next look into the mailbox) is the common part, and no node's.
struct AddedLatency {
    /// Seconds.
    private(set) var common = 0.0
    /// By node, >= 0.
    private(set) var nodes: [Double]
    /// Arrivals that say something of each.
    private(set) var samples: [Int]

    /// More arrivals are thinned evenly: a median of that many is as good as any.
    private static let enough = 200_000
    private static let rounds = 8, damping = 0.7
    private static let cut = 0.98, ridge = 0.001, sweeps = 200, precision = 0.01

    init(_ table: ProbeTable, _ observations: Observations, _ settings: EstimationSettings) {
        nodes = Array(repeating: 0, count: table.nodes.count)
        samples = Array(repeating: 0, count: table.nodes.count)
        let usefulSlack = settings.usefulSlack.milliseconds
        var places: [Int] = []
        for place in observations.rows.indices where observations.verdicts[place] == Observations.Verdict.arrived {
            if Int64(table.slack[Int(observations.rows[place])]) <= usefulSlack { places.append(place) }
        }
        guard !places.isEmpty else { return }
        let every = max(1, places.count / Self.enough)
        let used = stride(from: 0, to: places.count, by: every).map { places[$0] }
        leastSquares(table, observations, used)
        for _ in 0..<Self.rounds { polish(table, observations, used) }
        for place in places { for hop in table.path(observations.rows[place]) { samples[Int(hop)] += 1 } }
    }

    private mutating func leastSquares(_ table: ProbeTable, _ observations: Observations, _ used: [Int]) {
        var histogram = Array(repeating: 0.0, count: ExcessScale.count)
        for place in used { histogram[ExcessScale.group(table.excess(observations.rows[place]))] += 1 }
        let limit = Float(histogram.withUnsafeBufferPointer { ExcessScale.quantile(Self.cut, of: $0) } ?? 0)
        // Unknowns: the nodes, then the common part.
        let size = nodes.count + 1
        var products = Array(repeating: 0.0, count: size * size)
        var sums = Array(repeating: 0.0, count: size)
        var path: [Int] = []
        for place in used {
            let row = observations.rows[place]
            let weight = Double(observations.weights[place])
            let excess = Double(min(table.excess(row), limit))
            path.removeAll(keepingCapacity: true)
            for hop in table.path(row) { path.append(Int(hop)) }
            path.append(size - 1)
            for left in path {
                sums[left] += weight * excess
                for right in path { products[left * size + right] += weight }
            }
        }
        var values = Array(repeating: 0.0, count: size)
        for _ in 0..<Self.sweeps {
            var change = 0.0
            for unknown in stride(from: size - 1, through: 0, by: -1) {
                let square = products[unknown * size + unknown]
                guard square > 0 else { continue }
                var rest = sums[unknown]
                for other in 0..<size where values[other] != 0 && other != unknown {
                    rest -= products[unknown * size + other] * values[other]
                }
                let isCommon = unknown == size - 1
                var value = rest / (square * (isCommon ? 1 : 1 + Self.ridge))
                if !isCommon { value = max(0, value) }
                change = max(change, abs(value - values[unknown]))
                values[unknown] = value
            }
            if change < Self.precision { break }
        }
        common = values[size - 1]
        nodes = Array(values.dropLast())
    }

    private mutating func polish(_ table: ProbeTable, _ observations: Observations, _ used: [Int]) {
        var histograms = Array(repeating: 0.0, count: (nodes.count + 1) * ExcessScale.count)
        let all = nodes.count * ExcessScale.count
        for place in used {
            let row = observations.rows[place]
            let weight = Double(observations.weights[place])
            let group = ExcessScale.group(table.excess(row) - Float(shift(table, row)))
            for hop in table.path(row) { histograms[Int(hop) * ExcessScale.count + group] += weight }
            histograms[all + group] += weight
        }
        histograms.withUnsafeBufferPointer { histograms in
            func median(_ number: Int) -> Double? {
                let begin = number * ExcessScale.count
                return ExcessScale.median(.init(rebasing: histograms[begin..<(begin + ExcessScale.count)]))
            }
            let shared = median(nodes.count) ?? 0
            common += shared
            for node in nodes.indices {
                guard let own = median(node) else { continue }
                nodes[node] = max(0, nodes[node] + Self.damping * (own - shared))
            }
        }
    }

    /// What a packet of this row is expected to take beyond its delays, in seconds.
    func shift(_ table: ProbeTable, _ row: Int32) -> Double {
        var sum = common
        for hop in table.path(row) { sum += nodes[Int(hop)] }
        return sum
    }
}

extension ProbeTable {
    /// The nodes of a row's path.
    @inline(__always)
    func path(_ row: Int32) -> ArraySlice<UInt16> {
        let begin = Int(row) * Self.stride
        return hops[begin..<(begin + Int(hopCount[Int(row)]))]
    }

    /// Its age less the delays that it asked for, in seconds.
    @inline(__always)
    func excess(_ row: Int32) -> Float {
        (Float(age[Int(row)]) - Float(drawn[Int(row)])) / 1000
    }
}
