import Foundation
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// A pinger's database in a directory of its own, with six nodes.
struct PingFixture {
    static let start = Timestamp(seconds: 1_800_000_000)
    static let deadline = Interval.hours(6)

    let directory: TemporaryDirectory
    let store: PingStore
    let nodes: [NodeID]
    var random: SeededRandom

    var path: String { directory.file("pings.db") }

    init(_ seed: UInt64 = 1, bounds: PingStore.Bounds = PingStore.Bounds()) throws {
        directory = try TemporaryDirectory("nightjar-pings")
        store = try PingStore.open(path: directory.file("pings.db"), bounds: bounds)
        var random = SeededRandom(seed: seed)
        nodes = (0..<6).map { _ in NodeID.random(using: &random) }
        self.random = random
    }

    func at(_ interval: Interval) -> Timestamp { Self.start + interval }

    /// A probe that was not added yet: to the mailbox at the fourth node.
    mutating func ping(
        _ kind: PingKind = .loop, hops: [Int] = [0, 1, 2, 3], mailbox: Int? = 3, planned: Interval = .zero
    ) -> NewPing {
        NewPing(
            kind: kind.rawValue, hops: hops.map { nodes[$0] }, drawn: .minutes(20),
            tag: (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) },
            content: Digest.random(using: &random), mailbox: mailbox.map { nodes[$0] }, planned: at(planned))
    }

    /// Adds and sends one at a time after the start.
    mutating func send(
        _ time: Interval, hops: [Int] = [0, 1, 2, 3], mailbox: Int? = 3
    ) throws -> (id: Int64, ping: NewPing) {
        let ping = ping(hops: hops, mailbox: mailbox, planned: time)
        let id = try store.add(ping)
        try store.noteSent(id, at: at(time))
        return (id, ping)
    }

    func arrive(_ ping: NewPing, _ time: Interval, notBefore: Interval = .zero, item: UInt64? = nil) throws
        -> PingReturn
    {
        try store.noteReturn(
            tag: ping.tag, content: ping.content, at: at(time), notBefore: at(notBefore), item: item)
    }

    func judge(_ time: Interval) throws -> Judged { try store.judge(deadline: Self.deadline, at: at(time)) }

    func rows(since: Interval = .zero) throws -> [Int64: PingRow] { try Self.rows(store, since: at(since)) }

    static func rows(_ store: PingStore, since: Timestamp = start) throws -> [Int64: PingRow] {
        var rows: [Int64: PingRow] = [:]
        try store.forEachPing(since: since) { rows[$0.id] = $0 }
        return rows
    }

    func state(_ id: Int64) throws -> PingState? { try rows()[id].flatMap { PingState(rawValue: $0.state) } }
}
