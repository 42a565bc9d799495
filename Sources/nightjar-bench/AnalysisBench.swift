import Foundation
import Measurement
import WireFormat

/// A synthetic month of probes, and what it costs to analyse them.
struct AnalysisBench {
    private let nodes: [NodeID]
    private let probes: Int
    private var random = SystemRandomNumberGenerator()
    private let now = Timestamp(seconds: 1_795_242_000)

    init(nodes: Int, probes: Int) {
        var random = SystemRandomNumberGenerator()
        self.nodes = (0..<nodes).map { _ in NodeID.random(using: &random) }
        self.probes = probes
    }

    /// The probes of a window of 12 days: a node that drops a fifth, a slow one, one that died an hour ago, a broken
    /// link, one in a hundred lost by each of the others.
    mutating func table() -> ProbeTable {
        var table = ProbeTable(nodes: nodes)
        table.reserveCapacity(probes)
        for _ in 0..<probes {
            let sent = now - .milliseconds(.random(in: 0..<Interval.days(12).milliseconds, using: &random))
            let path = path()
            var passes = 1.0
            var travel = 0.0
            for (place, node) in path.enumerated() {
                passes *= node == 1 ? 0.8 : 0.99
                if node == 3, sent > now - .hours(1) { passes = 0 }
                if place > 0, path[place - 1] == 4, node == 5 { passes = 0 }
                travel += exponential(120)
            }
            let drawn = travel
            if path.contains(2) { travel += exponential(1800) }
            let (before, after) = (exponential(300), exponential(300))
            let emptied = now - .seconds(fraction: after)
            var outcome = ProbeOutcome.pending(emptied: emptied < sent ? nil : emptied)
            if emptied - sent >= .hours(6) { outcome = .lost }
            let arrived = sent + .seconds(fraction: travel + after)
            if arrived <= now, travel < 21_600, Double.random(in: 0..<1, using: &random) < passes {
                outcome = .arrived(arrived, slack: .seconds(fraction: before + after))
            }
            table.append(
                kind: .loop, hops: path, sent: sent, drawn: .seconds(fraction: drawn), outcome: outcome)
        }
        return table
    }

    private mutating func path() -> [Int] {
        let die = Int.random(in: 0..<10, using: &random)
        var path: [Int] = []
        while path.count < (die == 0 ? 3 : die < 3 ? 4 : 5) {
            let node = Int.random(in: nodes.indices, using: &random)
            if !path.contains(node) { path.append(node) }
        }
        return path
    }

    private mutating func exponential(_ mean: Double) -> Double {
        -mean * log(Double.random(in: .leastNonzeroMagnitude..<1, using: &random))
    }

    /// `rounds` times the same analysis.
    mutating func measure(rounds: Int) -> AnalysisFigures {
        var samples = Samples()
        let table = table()
        let before = Self.peakMegabytes
        var marked = 0
        var measured = 0
        let begin = Self.processorSeconds
        for _ in 0..<rounds {
            samples.time(count: 1) {
                let analysis = Estimator().analyse(table, at: now)
                marked = analysis.brokenLinks.count
                measured = analysis.nodes.values.filter { $0.relay != nil }.count
            }
        }
        let seconds = (Self.processorSeconds - begin) / Double(rounds)
        return AnalysisFigures(
            nodes: nodes.count, probes: probes, seconds: seconds, elapsedSeconds: samples.median / 1e6,
            probesPerSecond: Double(probes) / seconds, tablePeakMegabytes: before,
            peakMegabytes: Self.peakMegabytes, brokenLinks: marked, measuredNodes: measured)
    }

    private static var usage: rusage {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        return usage
    }

    /// The process's greatest resident size so far.
    private static var peakMegabytes: Double { Double(usage.ru_maxrss) / 1024 }

    /// What the process has used of a processor so far.
    private static var processorSeconds: Double {
        let usage = usage
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

/// What an analysis costs, on one core.
struct AnalysisFigures: Encodable {
    var nodes: Int
    var probes: Int
    /// Of a processor, on average; others on the machine do not lengthen them.
    var seconds: Double
    /// By the clock, the median.
    var elapsedSeconds: Double
    var probesPerSecond: Double
    /// Resident size with the table made, and at the most.
    var tablePeakMegabytes: Double
    var peakMegabytes: Double
    var brokenLinks: Int
    var measuredNodes: Int

    static let limitSeconds = 10.0
    static let limitMegabytes = 500.0
    var isWithinLimits: Bool { seconds < Self.limitSeconds && peakMegabytes < Self.limitMegabytes }
}
