import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// A pinger killed with SIGKILL in and after each kind of transaction, and one whose disk is full.
@Suite struct PingStoreCrashTests {
    /// What the crash program's network does.
    private static func copies(_ number: Int) -> Int { number * 7 % 11 % 3 }

    /// Transactions after which it is killed; 0: not at all.
    private static let kills = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 26, 27, 28, 29, 30, 40, 50, 0]

    @Test(arguments: ["before", "after"])
    func nothingIsLostOrCountedTwice(_ moment: String) throws {
        let directory = try TemporaryDirectory("nightjar-ping-crash")
        var added: [Int: Int64] = [:]
        var sent: Set<Int> = []
        var firsts: [String: Int] = [:]
        for (run, kill) in Self.kills.enumerated() {
            let (lines, killed) = try CrashProgram.run(
                ["pings", directory.path, "\(run * 30)", "30"],
                killAt: kill > 0 ? "pings-\(moment)-commit:\(kill)" : nil)
            #expect(killed == (kill > 0))
            for line in lines {
                let words = line.split(separator: " ").map(String.init)
                switch words[0] {
                case "added": added[Int(words[1]) ?? -1] = Int64(words[2])
                case "sent": sent.insert(Int(words[1]) ?? -1)
                case "noted" where !words[2].hasPrefix("noted"): firsts[words[1], default: 0] += 1
                case "refused": Issue.record("\(line)")
                default: break
                }
            }
        }
        #expect(sent.count > 100 && added.count >= sent.count)
        #expect(firsts.values.allSatisfy { $0 == 1 }, "an item was counted twice")
        let store = try PingStore.open(path: directory.file("pings.db"))
        let rows = try PingFixture.rows(store)
        for (number, id) in added where sent.contains(number) {
            let state = PingState(rawValue: rows[id]?.state ?? -1)
            #expect(state == (Self.copies(number) == 0 ? .lost : .arrived), "\(number)")
        }
        try store.maintain { database in
            #expect(try String.fetchAll(database, sql: "PRAGMA integrity_check") == ["ok"])
            #expect(try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").isEmpty)
            // What was acknowledged and not known to be, counts for nothing: at most one for each kill.
            let states = try Int.fetchAll(database, sql: "SELECT state FROM ping")
            #expect(states.count - sent.count < Self.kills.count)
            let twice = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM (SELECT ping FROM evidence GROUP BY ping)")
            let rows = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM evidence")
            #expect(rows == (twice ?? 0) * 4, "one duplicate each, for four nodes")
            #expect(twice ?? 0 >= sent.filter { Self.copies($0) == 2 }.count)
        }
    }

    @Test func killedWhileForgetting() throws {
        let directory = try TemporaryDirectory("nightjar-ping-crash")
        let (_, killed) = try CrashProgram.run(
            ["expire-pings", directory.path, "5000"], killAt: "pings-expiring:1")
        #expect(killed)
        let store = try PingStore.open(path: directory.file("pings.db"))
        #expect(try PingFixture.rows(store).count == 4000)
        store.close()
        let (lines, _) = try CrashProgram.run(["expire-pings", directory.path, "5000"])
        #expect(lines == ["gone 3990"])
    }

    @Test func aFullDiskAndAReadOnlyOne() throws {
        guard SpoolFullDiskTests.canMount else { return }
        let directory = try TemporaryDirectory("nightjar-ping-full")
        let path = directory.path
        let script = """
            mount -t tmpfs -o size=8m none \(path) && mkdir \(path)/data && head -c 4000000 /dev/zero > \(path)/ballast
            \(CrashProgram.path) pings \(path)/data 0 6000
            rm \(path)/ballast; echo room
            \(CrashProgram.path) pings \(path)/data 7000 30
            mount -o remount,ro \(path); echo readonly
            \(CrashProgram.path) pings \(path)/data 8000 1; true
            """
        let (lines, reason, status) = try CrashProgram.start("/bin/sh", ["-c", "exec unshare -rm sh -c '\(script)'"])
        #expect(reason == .exit && status == 0)
        let first = try #require(lines.firstIndex { $0.hasPrefix("refused") })
        let room = try #require(lines.firstIndex(of: "room"))
        let readonly = try #require(lines.firstIndex(of: "readonly"))
        try #require(first > 100 && first < room)
        let refused = lines[first..<room].filter { $0.hasPrefix("refused") }
        #expect(refused.allSatisfy { $0.hasSuffix("/data/pings.db is full; make room, the pinger goes on by itself") })
        #expect(!lines[room..<readonly].contains { $0.hasPrefix("refused") })
        #expect(lines[room..<readonly].filter { $0.hasPrefix("sent") }.count == 30)
        // What was refused was not deleted from the mailbox either: nothing that came is lost.
        let noted = Set(
            lines.filter { $0.hasPrefix("noted") }.compactMap { $0.split(separator: " ").dropFirst().first })
        for line in lines[..<readonly] where line.hasPrefix("sent") {
            let number = Int(line.dropFirst(5)) ?? -1
            for copy in 0..<Self.copies(number) { #expect(noted.contains("\(number * 2 + copy)"), "\(number)") }
        }
        #expect(lines[readonly...].contains { $0.contains("read-only file system; see to its owner and its rights") })
    }
}
