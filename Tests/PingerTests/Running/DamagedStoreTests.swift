import Daemon
import Foundation
import Spool
import TestSupport
import Testing
import WireFormat

@testable import PingerProgram

@Suite("A damaged database at the start")
struct DamagedStoreTests {
    /// SQLite finds nothing wrong with such a row; only those who read it do.
    @Test("damage that is found only when the rows are read sets the file aside too")
    func recalled() throws {
        var generator = SeededRandom(name: "damaged at the start")
        let fixture = try PublishingFixture()
        let now = PublishingFixture.now
        let path = fixture.files.database
        let store = try PingStore.open(path: path)
        var fill = PingFill(fixture.ids)
        try fill.run(store, from: now - .hours(1), to: now, perHour: 20, using: &generator)
        store.close()
        func open() throws -> (rows: Int, lines: [String]) {
            let log = LoggedLines()
            let (store, _) = try RunningPinger.openStore(
                fixture.files, MailboxBook(), at: now, logger: log.logger, counters: EventCounters("pinger", Counters())
            )
            defer { store.close() }
            var rows = 0
            try store.forEachPing(since: now - .days(1)) { _ in rows += 1 }
            return (rows, log.all)
        }
        let good = try open()
        #expect(good.rows == 20 && good.lines.isEmpty)
        let edit = Process()
        edit.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        edit.arguments = [path, "UPDATE ping SET kind = 77 WHERE id = 7"]
        try edit.run()
        edit.waitUntilExit()
        #expect(edit.terminationStatus == 0)
        let new = try open()
        #expect(new.rows == 0 && new.lines.count == 1 && new.lines[0].contains("damaged and is now"))
        #expect(FileManager.default.fileExists(atPath: path + ".damaged-\(now.seconds)"))
    }
}
