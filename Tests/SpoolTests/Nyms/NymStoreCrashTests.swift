import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// A nymserver killed with SIGKILL in and after each kind of transaction: nothing that was acknowledged is lost, and no mail,
/// slot or block counts twice.
@Suite struct NymStoreCrashTests {
    private static let places = ["nyms-before-commit", "nyms-after-commit", "nym-packet-handed-over", "nyms-expiring"]
    /// Passages after which it is killed; 0: not at all.
    private static let kills = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 30, 45, 50, 55, 0]

    @Test(arguments: places)
    func nothingIsLostOrDoubled(_ place: String) throws {
        let directory = try TemporaryDirectory("nightjar-nym-crash")
        var stored: [Int: UInt64] = [:]
        var tries = 0
        var sent: Set<Int> = []
        for (run, kill) in Self.kills.enumerated() {
            let (lines, killed) = try CrashProgram.run(
                ["nyms", directory.path, "\(run * 10)", "10"], killAt: kill > 0 ? "\(place):\(kill)" : nil)
            if kill == 0 { #expect(!killed) }
            for line in lines {
                let words = line.split(separator: " ").map(String.init)
                switch words[0] {
                // A sender who had no answer comes again; one who had it does not.
                case "stored":
                    let number = Int(words[1]) ?? -1
                    #expect(stored[number] == nil, "\(line)")
                    stored[number] = UInt64(words[2])
                case "sent": sent.insert(Int(words[1]) ?? -1)
                case "try": tries += 1
                case "wrong": Issue.record("\(line)")
                default: break
                }
            }
        }
        let store = try NymStore.open(path: directory.file("nyms.db"), key: NymStoreFixture.key)
        let id = try #require(try store.account(named: "alice"))
        let items = try store.items(of: id, limit: 10_000).filter { $0.state.kind == 1 }
        let numbers = Set(items.map(\.state.item))
        #expect(numbers.count == items.count && Set(stored.values).count == stored.count)
        for (number, item) in stored {
            #expect(numbers.contains(item))
            let bytes = try store.bytes(of: item, kind: 1, account: id, in: 0..<3000)
            #expect(bytes == NymStoreFixture.content(number, 1, 3000))
        }
        let account = try #require(try store.account(id))
        // Each slot that was spent took one block and made one packet, whatever was killed.
        let spool = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/spool")
        let waiting = try store.packets(limit: 10_000)
        let made = Set(spool.compactMap { Int($0) }).union(waiting.map { Int($0.id) })
        let slots = Int((account.nextSlot - NymStoreFixture.start).milliseconds / 3_600_000)
        #expect(made.count == slots && slots > 15, "\(made.count) packets in \(slots) slots")
        #expect(account.load.blocks == 2000 - slots)
        #expect(sent.isSubset(of: made))
        try store.maintain { database in
            #expect(try String.fetchAll(database, sql: "PRAGMA integrity_check") == ["ok"])
            let mails = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM mail") ?? 0
            let notices = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM item WHERE kind = 3") ?? 0
            #expect(account.load.items == items.count + notices)
            #expect(account.load.bytes == UInt64(items.count * 4648 + notices * 10))
            let applied = Int(String(decoding: account.content, as: UTF8.self)) ?? -1
            #expect(mails + notices == applied, "each outgoing mail waits or has its notice")
        }
    }
}
