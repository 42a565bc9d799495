internal import WireFormat

/// What each node adds to a packet's journey, beyond what the packet asks for: excess = common + sum over its nodes +
/// chance. A node has three parts, as the entry, between the ends, and as the mailbox: it can tell probes in the first
/// and the last role, and may serve them at once while it holds what it cannot tell.
///
/// First by least squares with no part below zero, on excess times that are cut at the slowest fiftieth; then the
/// medians of what is left move the parts, so that the slow tail of a few packets counts for little. What all paths
/// share (the wait for the next look into the mailbox) is the common part, and no node's.
struct AddedLatency {
    /// Seconds.
    private(set) var common = 0.0
    /// >= 0: all nodes as entries, then as relays, then as mailboxes.
    private var parts: [Double]
    /// Arrivals with each node between the ends.
    private(set) var samples: [Int]
    private let nodeCount: Int

    /// More arrivals are thinned evenly: a median of that many is as good as any.
    private static let enough = 200_000
    private static let rounds = 8, damping = 0.7
    private static let cut = 0.98, ridge = 0.001, sweeps = 60, precision = 0.01

    init(_ table: ProbeTable, _ observations: Observations, _ settings: EstimationSettings) {
        nodeCount = table.nodes.count
        parts = Array(repeating: 0, count: 3 * nodeCount)
        samples = Array(repeating: 0, count: nodeCount)
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
        for place in places { for hop in table.interior(observations.rows[place]) { samples[Int(hop)] += 1 } }
    }

    /// What it adds to packets that it has from another node and passes on to one, in seconds.
    func relay(_ node: Int) -> Double { parts[nodeCount + node] }

    /// One part after the other, each to what is left by the others on average: that needs no matrix, which would be
    /// large for thousands of nodes.
    private mutating func leastSquares(_ table: ProbeTable, _ observations: Observations, _ used: [Int]) {
        var histogram = Array(repeating: 0.0, count: ExcessScale.count)
        for place in used { histogram[ExcessScale.group(table.excess(observations.rows[place]))] += 1 }
        let limit = Float(histogram.withUnsafeBufferPointer { ExcessScale.quantile(Self.cut, of: $0) } ?? 0)
        var left: [Float] = []
        var starts = Array(repeating: 0, count: parts.count + 1)
        var (total, weights) = (0.0, 0.0)
        for place in used {
            let row = observations.rows[place]
            let excess = min(table.excess(row), limit)
            left.append(excess)
            total += Double(excess) * Double(observations.weights[place])
            weights += Double(observations.weights[place])
            eachPart(table, row) { starts[$0 + 1] += 1 }
        }
        guard weights > 0 else { return }
        for part in parts.indices { starts[part + 1] += starts[part] }
        // The arrivals with each part.
        var arrivals = Array(repeating: Int32(0), count: starts[parts.count])
        var next = starts
        for (number, place) in used.enumerated() {
            eachPart(table, observations.rows[place]) { part in
                arrivals[next[part]] = Int32(number)
                next[part] += 1
            }
        }
        let weight = used.map { observations.weights[$0] }
        common = total / weights
        for number in left.indices { left[number] -= Float(common) }
        for _ in 0..<Self.sweeps {
            var change = 0.0
            for part in parts.indices where starts[part] < starts[part + 1] {
                var (sum, square) = (0.0, 0.0)
                for number in arrivals[starts[part]..<starts[part + 1]] {
                    sum += Double(weight[Int(number)] * left[Int(number)])
                    square += Double(weight[Int(number)])
                }
                guard square > 0 else { continue }
                let value = max(0, (sum + square * parts[part]) / (square * (1 + Self.ridge)))
                let step = value - parts[part]
                guard abs(step) > Self.precision / 10 else { continue }
                for number in arrivals[starts[part]..<starts[part + 1]] { left[Int(number)] -= Float(step) }
                parts[part] = value
                change = max(change, abs(step))
            }
            var sum = 0.0
            for number in left.indices { sum += Double(weight[number] * left[number]) }
            let step = sum / weights
            for number in left.indices { left[number] -= Float(step) }
            common += step
            if max(change, abs(step)) < Self.precision { break }
        }
    }

    private mutating func polish(_ table: ProbeTable, _ observations: Observations, _ used: [Int]) {
        var histograms = Array(repeating: Float(0), count: (parts.count + 1) * ExcessScale.count)
        let all = parts.count * ExcessScale.count
        for place in used {
            let row = observations.rows[place]
            let weight = observations.weights[place]
            let group = ExcessScale.group(table.excess(row) - Float(shift(table, row)))
            eachPart(table, row) { histograms[$0 * ExcessScale.count + group] += weight }
            histograms[all + group] += weight
        }
        func median(_ number: Int) -> Double? {
            let begin = number * ExcessScale.count
            let own = histograms[begin..<(begin + ExcessScale.count)].map(Double.init)
            return own.withUnsafeBufferPointer { ExcessScale.median($0) }
        }
        let shared = median(parts.count) ?? 0
        common += shared
        for part in parts.indices {
            guard let own = median(part) else { continue }
            parts[part] = max(0, parts[part] + Self.damping * (own - shared))
        }
    }

    /// The numbers of the parts that a row has.
    @inline(__always)
    private func eachPart(_ table: ProbeTable, _ row: Int32, _ body: (Int) -> Void) {
        let path = table.path(row)
        for place in path.indices {
            let role = place == path.startIndex ? 0 : place == path.endIndex - 1 ? 2 : 1
            body(role * nodeCount + Int(path[place]))
        }
    }

    /// What a packet of this row is expected to take beyond its delays, in seconds.
    func shift(_ table: ProbeTable, _ row: Int32) -> Double {
        var sum = common
        eachPart(table, row) { sum += parts[$0] }
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

    /// Those of them that are neither the entry nor the last.
    @inline(__always)
    func interior(_ row: Int32) -> ArraySlice<UInt16> { path(row).dropFirst().dropLast() }

    /// Its age less the delays that it asked for, in seconds.
    @inline(__always)
    func excess(_ row: Int32) -> Float {
        (Float(age[Int(row)]) - Float(drawn[Int(row)])) / 1000
    }
}
