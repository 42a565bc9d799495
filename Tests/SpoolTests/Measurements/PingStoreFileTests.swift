import Foundation
import GRDB
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Files that are damaged, cut, foreign, newer, held or full: each is said to be what it is, and nothing false is read from it.
@Suite struct PingStoreFileTests {
    /// A database of a few hundred probes, closed, of which the log is in the file.
    private func filled(_ fixture: inout PingFixture, count: Int = 600) throws -> String {
        for number in 0..<count { _ = try fixture.send(.seconds(Int64(number))) }
        fixture.store.close()
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "-wal"))
        return fixture.path
    }

    private func expect(_ wanted: PingStoreError, _ path: String, _ word: String) {
        #expect(throws: wanted, "\(PosixDirectory.size(of: path) ?? -1) bytes") { try PingStore.open(path: path) }
        #expect(throws: wanted) { try PingStore.openForReading(path: path) }
        #expect(wanted.description.contains(word), "\(wanted)")
    }

    @Test func itShrinksAndIsPrivate() throws {
        let fixture = try PingFixture()
        let path = fixture.path
        let settings = try fixture.store.maintain { database in
            try ["auto_vacuum", "synchronous", "journal_mode"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(settings == ["2", "1", "wal"])
        #expect(try fixture.store.write(isFlushed: true) { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(try fixture.store.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 1)
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }

    @Test func cutInHalf() throws {
        var fixture = try PingFixture()
        let path = try filled(&fixture)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for cut in [bytes.count / 2, 4096 * 3, 5000, 4096, 60, 1] {
            try bytes.prefix(cut).write(to: URL(fileURLWithPath: path))
            expect(.damaged(path: path), path, "is damaged")
        }
        let aside = try PingStore.setAside(path: path, at: PingFixture.start)
        #expect(aside == path + ".damaged-1800000000" && FileManager.default.fileExists(atPath: aside))
        let new = try PingStore.open(path: path)
        #expect(try new.nodes().isEmpty)
        new.close()
        #expect(try PingStore.setAside(path: path, at: PingFixture.start) == aside + "-2")
    }

    @Test func garbageAndFlippedPages() throws {
        var fixture = try PingFixture()
        let path = try filled(&fixture)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var random = SeededRandom(name: "garbageAndFlippedPages")
        try Data((0..<9000).map { _ in UInt8.random(in: 0...255, using: &random) }).write(
            to: URL(fileURLWithPath: path))
        expect(.damaged(path: path), path, "Restore it from a backup")
        // A page of the file overwritten: found at the start, or when it is read; never taken for something else.
        var found = 0
        for _ in 0..<30 {
            var damaged = bytes
            let page = Int.random(in: 1..<bytes.count / 4096, using: &random) * 4096
            for offset in page..<page + 4096 { damaged[offset] = UInt8.random(in: 0...255, using: &random) }
            try damaged.write(to: URL(fileURLWithPath: path))
            do throws(PingStoreError) {
                let store = try PingStore.open(path: path)
                defer { store.close() }
                var count = 0
                try store.forEachPing(since: PingFixture.start) { _ in count += 1 }
                #expect(count == 600)
            } catch {
                #expect(error == .damaged(path: path))
                found += 1
            }
        }
        #expect(found >= 10)
    }

    /// The file goes bad while it is open.
    @Test func damageThatIsFoundLater() throws {
        var fixture = try PingFixture()
        let path = fixture.path
        for number in 0..<600 { _ = try fixture.send(.seconds(Int64(number))) }
        _ = try fixture.store.maintain { try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        let store = try PingStore.openForReading(path: path)
        _ = try store.maintain { try Row.fetchAll($0, sql: "PRAGMA shrink_memory") }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let size = try file.seekToEnd()
        try file.seek(toOffset: 4096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4096))
        try file.close()
        #expect(throws: PingStoreError.damaged(path: path)) { try store.forEachPing(since: PingFixture.start) { _ in } }
        #expect(throws: PingStoreError.damaged(path: path)) { try store.nodes() }
    }

    @Test func aRowThatCannotBe() throws {
        var fixture = try PingFixture()
        let path = fixture.path
        let (id, _) = try fixture.send(.zero)
        try fixture.store.maintain { try $0.execute(sql: "PRAGMA foreign_keys = OFF; UPDATE ping SET kind = 77") }
        #expect(throws: PingStoreError.damaged(path: path)) { try fixture.rows() }
        try fixture.store.maintain { try $0.execute(sql: "UPDATE ping SET kind = 1, hop2 = 99999999999") }
        #expect(throws: PingStoreError.damaged(path: path)) { try fixture.state(id) }
        try fixture.store.maintain { try $0.execute(sql: "UPDATE node SET id = 'x' WHERE number = 1") }
        #expect(throws: PingStoreError.damaged(path: path)) { try fixture.store.nodes() }
    }

    /// In a file that is too large to be checked wholly values may be missing, or be of another type: told, not trapped on.
    @Test func valuesThatAreMissing() throws {
        var bounds = PingStore.Bounds()
        bounds.checkedBytes = 0
        let columns = ["id", "kind", "state", "hop1", "mailbox", "drawn", "sent", "slack", "arrived", "watched"]
        for (column, value) in columns.flatMap({ [($0, "NULL"), ($0, "'x'"), ($0, "1e300"), ($0, "x'00'")] }) {
            let isNullable = ["sent", "slack", "arrived", "watched"].contains(column)
            if value == "NULL" && isNullable || column == "id" { continue }
            var fixture = try PingFixture()
            let path = fixture.path
            let (_, ping) = try fixture.send(.zero)
            _ = try fixture.arrive(ping, .minutes(1))
            fixture.store.close()
            let queue = try DatabaseQueue(path: path)
            try queue.writeWithoutTransaction { database in
                // The table as one without a rule; the bytes in it can then be anything.
                try database.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON")
                try database.execute(
                    sql: "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'ping'")
                let version = try Int.fetchOne(database, sql: "PRAGMA schema_version") ?? 0
                try database.execute(sql: "PRAGMA schema_version = \(version + 1); PRAGMA writable_schema = OFF")
                try database.execute(sql: "UPDATE ping SET \(column) = \(value)")
            }
            try queue.close()
            let store = try PingStore.open(path: path, bounds: bounds)
            defer { store.close() }
            #expect(throws: PingStoreError.damaged(path: path), "\(column) \(value)") {
                var count = 0
                try store.forEachPing(since: PingFixture.start) { _ in count += 1 }
                // What is compared with the time may not be found at all.
                if count == 0, column == "sent" || column == "state" { throw PingStoreError.damaged(path: path) }
            }
        }
    }

    @Test func otherFilesAreLeftAlone() throws {
        let directory = try TemporaryDirectory("nightjar-pings")
        let path = directory.file("other.db")
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write {
                try $0.execute(sql: "CREATE TABLE bookmark (url TEXT); INSERT INTO bookmark VALUES ('x')")
            }
            try queue.close()
        }
        expect(.notAStore(path: path), path, "left as it is")
        let queue = try DatabaseQueue(path: path)
        #expect(try queue.read { try String.fetchAll($0, sql: "SELECT url FROM bookmark") } == ["x"])
        try queue.close()
    }

    @Test func aNewerFormatIsLeftAlone() throws {
        var fixture = try PingFixture()
        let path = try filled(&fixture, count: 3)
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 2") }
        try queue.close()
        expect(.newer(path: path, found: 2, wanted: 1), path, "use the version that wrote it")
        let missing = try DatabaseQueue(path: path)
        try missing.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 1; DROP TABLE evidence") }
        try missing.close()
        expect(.damaged(path: path), path, "damaged")
    }

    @Test func whatIsNotThere() throws {
        let directory = try TemporaryDirectory("nightjar-pings")
        let path = directory.file("none/pings.db")
        #expect(throws: PingStoreError.system(call: "open", path: path, code: 2)) { try PingStore.open(path: path) }
        #expect(throws: PingStoreError.system(call: "open", path: path, code: 2)) {
            try PingStore.openForReading(path: path)
        }
    }

    @Test func whatIsHeldByAnother() throws {
        var fixture = try PingFixture()
        let path = fixture.path
        let (id, ping) = try fixture.send(.zero)
        let store = fixture.store
        store.close()
        #expect(throws: PingStoreError.closed) { try store.noteAlive(PingFixture.start) }
        let impatient = try PingStore.open(path: path, bounds: PingStore.Bounds(), patience: 0.05)
        var options = Configuration()
        options.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: path, configuration: options)
        try other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        #expect(throws: PingStoreError.busy(path: path)) { try impatient.noteAlive(PingFixture.start) }
        #expect(PingStoreError.busy(path: path).isTemporary)
        #expect(try PingFixture.rows(impatient)[id]?.state == PingState.sent.rawValue, "reading goes on")
        try other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        #expect(
            try impatient.noteReturn(
                tag: ping.tag, content: ping.content, at: PingFixture.start, notBefore: PingFixture.start) == .first(id)
        )
        impatient.close()
        try other.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE x (y)")
        }
        #expect(throws: PingStoreError.busy(path: path)) {
            try PingStore.open(path: path, bounds: PingStore.Bounds(), patience: 0.05)
        }
    }

    /// `report` and `export` beside a running pinger.
    @Test func readersBesideTheWriter() throws {
        var fixture = try PingFixture()
        let (id, ping) = try fixture.send(.zero)
        let reader = try PingStore.openForReading(path: fixture.path)
        var seen = 0
        try reader.forEachPing(since: PingFixture.start) { _ in
            seen += 1
            // The writer is not kept waiting, and the reader sees one moment.
            #expect((try? fixture.arrive(ping, .minutes(1))) == .first(id))
        }
        #expect(seen == 1)
        #expect(try PingFixture.rows(reader)[id]?.state == PingState.arrived.rawValue)
        #expect(throws: PingStoreError.self) { try reader.noteAlive(PingFixture.start) }
        reader.close()
    }
}
