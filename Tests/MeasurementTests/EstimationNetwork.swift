import Directory
import Foundation
import Measurement
import TestSupport
import WireFormat

/// A network whose truth is known, and probes through it as a pinger would see them: Poisson sending, exponential
/// delays, mailboxes looked into at Poisson times.
struct EstimationNetwork {
    var nodes: [NodeID]
    /// What each node loses in its three roles.
    var relayLoss, entryLoss, mailboxLoss: [Double]
    var linkLoss: [NodeLink: Double] = [:]
    /// Seconds that each adds to what a packet asks for, on average; exponential if `isErratic`.
    var added: [Double]
    var isErratic = false
    /// The same, of packets between two other nodes only; and of those at the ends of a path only.
    var addedBetween: [Int: Double] = [:], addedAtEnds: [Int: Double] = [:]
    /// Only the first so many nodes are the last of paths; nil for all.
    var mailboxes: Int?
    /// From then on a node loses all.
    var outages: [Int: Timestamp] = [:]
    /// Until then.
    var recoveries: [Int: Timestamp] = [:]
    var linkOutages: [NodeLink: Timestamp] = [:]
    var deadline: Interval = .hours(6)
    /// Seconds between looks into a mailbox, and a packet's delay at a hop, on average.
    var poll = 300.0, hopDelay = 120.0

    init(nodes count: Int, loss: Double, using random: inout SeededRandom) {
        nodes = (0..<count).map { _ in NodeID.random(using: &random) }
        relayLoss = Array(repeating: loss, count: count)
        entryLoss = relayLoss
        mailboxLoss = relayLoss
        added = Array(repeating: 0, count: count)
    }

    func link(_ from: Int, _ to: Int) -> NodeLink { NodeLink(from: nodes[from], to: nodes[to]) }

    /// `count` probes sent evenly at random within `span` before `now`.
    func probes(_ count: Int, within span: Interval, until now: Timestamp, using random: inout SeededRandom)
        -> ProbeTable
    {
        var table = ProbeTable(nodes: nodes)
        table.reserveCapacity(count)
        for _ in 0..<count {
            let sent = now - Interval(milliseconds: Int64.random(in: 0..<span.milliseconds, using: &random))
            let path = path(using: &random)
            let drawn = path.reduce(0) { sum, _ in sum + exponential(hopDelay, &random) }
            table.append(
                kind: Int.random(in: 0..<10, using: &random) == 0 ? .reply : .loop, hops: path, sent: sent,
                drawn: .seconds(fraction: drawn),
                outcome: outcome(path, sent: sent, drawn: drawn, now: now, using: &random))
        }
        return table
    }

    func path(using random: inout SeededRandom) -> [Int] {
        let die = Int.random(in: 0..<10, using: &random)
        let length = die == 0 ? 3 : die < 3 ? 4 : 5
        var path: [Int] = []
        if let mailboxes {
            path = self.path(length, before: Int.random(in: 0..<mailboxes, using: &random), using: &random)
        }
        while path.count < min(length, nodes.count) {
            let node = Int.random(in: nodes.indices, using: &random)
            if !path.contains(node) { path.append(node) }
        }
        return path
    }

    private func path(_ length: Int, before last: Int, using random: inout SeededRandom) -> [Int] {
        var path = [last]
        while path.count < min(length, nodes.count) {
            let node = Int.random(in: nodes.indices, using: &random)
            if !path.contains(node) { path.insert(node, at: 0) }
        }
        return path
    }

    func outcome(
        _ path: [Int], sent: Timestamp, drawn: Double, now: Timestamp, using random: inout SeededRandom
    ) -> ProbeOutcome {
        var passes = 1 - entryLoss[path[0]]
        for node in path.dropFirst().dropLast() {
            passes *= 1 - relayLoss[node]
            if let outage = outages[node], sent >= outage { passes = 0 }
            if let recovery = recoveries[node], sent < recovery { passes = 0 }
        }
        passes *= 1 - mailboxLoss[path[path.count - 1]]
        for (from, to) in zip(path, path.dropFirst()) {
            let link = link(from, to)
            passes *= 1 - (linkLoss[link] ?? 0)
            if let outage = linkOutages[link], sent >= outage { passes = 0 }
        }
        var travel = drawn
        for node in path {
            let isEnd = node == path[0] || node == path[path.count - 1]
            travel += (isEnd ? addedAtEnds : addedBetween)[node] ?? 0
            travel += 0.1 + exponential(0.5, &random)
            if added[node] > 0 { travel += isErratic ? exponential(added[node], &random) : added[node] }
        }
        if Double.random(in: 0..<1, using: &random) < passes {
            let before = exponential(poll, &random)
            let after = exponential(poll, &random)
            let seen = sent + .seconds(fraction: travel + after)
            // Found by the first look after it came, unless a look after the deadline had found nothing.
            if seen <= now, .seconds(fraction: travel - before) < deadline {
                return .arrived(seen, slack: .seconds(fraction: min(before + after, travel + after)))
            }
        }
        let emptied = now - .seconds(fraction: exponential(poll, &random))
        if emptied < sent { return .pending(emptied: nil) }
        return emptied - sent >= deadline ? .lost : .pending(emptied: emptied)
    }

    private func exponential(_ mean: Double, _ random: inout SeededRandom) -> Double {
        -mean * log(Double.random(in: .leastNonzeroMagnitude..<1, using: &random))
    }
}
