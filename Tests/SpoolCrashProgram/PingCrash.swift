// A pinger that is killed: it records probes, sends them, finds some of them in its mailbox (files in the folder `box`), notes
// and deletes them. Each thing is said once the database has it. Started again it goes on with what is in its mailbox.

import Foundation
import MixCrypto
import Spool
import TestSupport
import WireFormat

struct PingCrash {
    static let start = Timestamp(seconds: 1_800_000_000)
    static let deadline = Interval.seconds(1200)
    static let hops = ["a", "b", "c", "d"].map { NodeID(Digest.sha256($0).bytes) ?? NodeID() }

    let store: PingStore
    let box: String

    /// How often the network delivers probe `number`: not at all, once or twice.
    static func copies(_ number: Int) -> Int { number * 7 % 11 % 3 }

    static func content(_ number: Int) -> Digest { .sha256("probe \(number)") }

    static func tag(_ number: Int) -> [UInt8] { Array(content(number).bytes.prefix(16)) }

    init(_ directory: String) throws {
        store = try PingStore.open(path: directory + "/pings.db")
        box = directory + "/box"
        try FileManager.default.createDirectory(atPath: box, withIntermediateDirectories: true)
    }

    /// Prints `added NUMBER ID`, `sent NUMBER`, `noted ITEM WHAT`, `judged LOST VOID`, `refused WHY`.
    func run(first: Int, count: Int) throws {
        poll(Self.time(first))
        for number in first..<(first + count) {
            let now = Self.time(number)
            attempt {
                let id = try store.add(
                    NewPing(
                        kind: 1, hops: Self.hops, drawn: .seconds(5), tag: Self.tag(number),
                        content: Self.content(number), mailbox: Self.hops[3], planned: now))
                say("added \(number) \(id)")
                for item in 0..<Self.copies(number) {
                    try Data().write(to: URL(fileURLWithPath: "\(box)/\(number)-\(number * 2 + item)"))
                }
                try store.noteSent(id, at: now)
                say("sent \(number)")
            }
            if number % 5 == 4 { poll(now) }
        }
        for time in stride(from: first + count, to: first + count + 1300, by: 100) { poll(Self.time(time)) }
        store.close()
    }

    private func poll(_ now: Timestamp) {
        attempt {
            for name in try FileManager.default.contentsOfDirectory(atPath: box).sorted() {
                let words = name.split(separator: "-").compactMap { Int($0) }
                guard words.count == 2 else { continue }
                let found = try store.noteReturn(
                    tag: Self.tag(words[0]), content: Self.content(words[0]), at: now, notBefore: Self.start,
                    item: UInt64(words[1]))
                say("noted \(words[1]) \(found)")
                try FileManager.default.removeItem(atPath: "\(box)/\(name)")
            }
            try store.noteEmptied(Self.hops[3], at: now)
            let judged = try store.judge(deadline: Self.deadline, at: now)
            say("judged \(judged.lost) \(judged.void)")
            try store.noteAlive(now)
        }
    }

    /// Many old probes, and their end.
    func expire(count: Int) throws {
        var isEmpty = true
        try store.forEachPing(since: Self.start) { _ in isEmpty = false }
        if isEmpty {
            for number in 0..<count {
                let time = Self.time(number)
                let id = try store.add(
                    NewPing(
                        kind: 1, hops: Self.hops, drawn: .zero, tag: Self.tag(number), content: Self.content(number),
                        mailbox: nil, planned: time))
                try store.noteSent(id, at: time)
            }
        }
        let limit = Self.time(count - 10)
        say("gone \(try store.expire(pingsBefore: limit, daysBefore: limit))")
        store.close()
    }

    static func time(_ number: Int) -> Timestamp { start + .seconds(Int64(number)) }

    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch { say("refused \(error)") }
    }

    private func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}
