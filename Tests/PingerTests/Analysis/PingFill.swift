import Directory
import MixCrypto
import Spool
import TestSupport
import WireFormat

/// Fills a pinger's database with what a pinger would have seen in a network whose nodes lose what they are told to.
struct PingFill {
    let nodes: [NodeID]
    /// Which part of packets a node loses.
    var drop: [NodeID: Double] = [:]
    var deadline = Interval.hours(6)
    /// Nodes whose mailboxes cannot be emptied now.
    var closed: Set<NodeID> = []
    private(set) var sent = 0
    private var underWay: [(due: Timestamp, mailbox: NodeID, tag: [UInt8], content: Digest)] = []
    private var emptied: [NodeID: Timestamp] = [:]
    private var number: UInt64 = 0

    init(_ nodes: [NodeID]) { self.nodes = nodes }

    /// Sends at random times from `from` to `to`, polls every mailbox every half hour, and judges.
    mutating func run(
        _ store: PingStore, from: Timestamp, to: Timestamp, perHour: Int, using generator: inout SeededRandom
    ) throws {
        var time = from
        while time < to {
            let next = min(time + .minutes(30), to)
            for _ in 0..<(perHour / 2) {
                let at =
                    time + .milliseconds(Int64.random(in: 0..<max(1, (next - time).milliseconds), using: &generator))
                try send(store, at: at, using: &generator)
            }
            try poll(store, at: next, since: time)
            _ = try store.judge(deadline: deadline, at: next)
            time = next
        }
        try store.noteAlive(to)
    }

    /// One probe.
    mutating func send(_ store: PingStore, at time: Timestamp, using generator: inout SeededRandom) throws {
        let count = Int.random(in: 3...5, using: &generator)
        let hops = Array(nodes.shuffled(using: &generator).prefix(count))
        number += 1
        let tag = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let content = Digest.sha256(tag)
        let drawn = Interval.seconds(Int64.random(in: 60...600, using: &generator))
        let id = try store.add(
            NewPing(
                kind: number.isMultiple(of: 4) ? PingKind.reply.rawValue : PingKind.loop.rawValue, hops: hops,
                drawn: drawn, tag: tag, content: content, mailbox: hops.last, planned: time))
        try store.noteSent(id, at: time)
        sent += 1
        let survives = hops.allSatisfy { Double.random(in: 0..<1, using: &generator) >= drop[$0] ?? 0 }
        if survives { underWay.append((time + drawn + .seconds(20), hops[count - 1], tag, content)) }
    }

    /// Takes what has come out of all mailboxes.
    mutating func poll(_ store: PingStore, at time: Timestamp, since: Timestamp) throws {
        for probe in underWay where probe.due <= time && !closed.contains(probe.mailbox) {
            _ = try store.noteReturn(
                tag: probe.tag, content: probe.content, at: time, notBefore: emptied[probe.mailbox] ?? since)
        }
        underWay.removeAll { $0.due <= time && !closed.contains($0.mailbox) }
        for node in nodes where !closed.contains(node) {
            try store.noteEmptied(node, at: time)
            emptied[node] = time
        }
    }
}
