import Foundation
import GRDB
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Files that are damaged, cut, foreign, newer, held, or of another key.
@Suite struct NymStoreFileTests {
    private func filled() throws -> (NymStoreFixture, String) {
        let fixture = try NymStoreFixture()
        for number in 0..<40 {
            let id = try fixture.create("nym\(number)", blocks: 2)
            _ = try fixture.store.arrive(NymStoreFixture.item(number), for: id)
        }
        fixture.store.close()
        return (fixture, fixture.path)
    }

    private func open(_ path: String) throws(NymStoreError) -> NymStore {
        try NymStore.open(path: path, key: NymStoreFixture.key)
    }

    @Test func itIsPrivateAndFlushed() throws {
        let fixture = try NymStoreFixture()
        let settings = try fixture.store.maintain { database in
            try ["auto_vacuum", "synchronous", "journal_mode", "secure_delete"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(settings == ["2", "2", "wal", "1"])
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
        #expect(throws: NymStoreError.busy(path: fixture.path)) {
            let other = try NymStore.open(path: fixture.path, key: NymStoreFixture.key, bounds: .init(), patience: 0.1)
            try fixture.store.write { _ in
                _ = try other.create(NymStoreFixture.changes("x")) { _ in NymStoreFixture.start }
            }
        }
        let reader = try NymStore.openForReading(path: fixture.path, key: NymStoreFixture.key)
        #expect(try reader.accounts() == 0)
        #expect(throws: NymStoreError.self) { try reader.erase(1) }
        fixture.store.close()
        #expect(throws: NymStoreError.closed) { try fixture.store.accounts() }
    }

    @Test func cutGarbageForeignAndNewer() throws {
        let (_fixture, path) = try filled()
        _ = _fixture
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for cut in [bytes.count / 2, 4096 * 3, 5000, 4096, 60, 1] {
            try bytes.prefix(cut).write(to: URL(fileURLWithPath: path))
            #expect(throws: NymStoreError.damaged(path: path), "\(cut)") { try open(path) }
        }
        var random = SeededRandom(name: "cutGarbageForeignAndNewer")
        try Data(random.bytes(9000)).write(to: URL(fileURLWithPath: path))
        #expect(throws: NymStoreError.damaged(path: path)) { try open(path) }
        try bytes.write(to: URL(fileURLWithPath: path))
        let otherKey = SymmetricSecret(copying: [UInt8](repeating: 8, count: 32))
        #expect(throws: NymStoreError.wrongKey(path: path)) { try NymStore.open(path: path, key: otherKey) }
        for (pragma, wanted) in [
            ("user_version = 9", NymStoreError.newer(path: path, found: 9, wanted: 1)),
            ("application_id = 77", NymStoreError.notAStore(path: path)),
        ] {
            try bytes.write(to: URL(fileURLWithPath: path))
            let queue = try DatabaseQueue(path: path)
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA \(pragma)") }
            try queue.close()
            #expect(throws: wanted) { try open(path) }
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let store = try open(path)
        #expect(try store.accounts() == 40)
        store.close()
        let aside = try NymStore.setAside(path: path, at: NymStoreFixture.start)
        #expect(aside == path + ".damaged-1800000000" && FileManager.default.fileExists(atPath: aside))
        let new = try open(path)
        #expect(try new.accounts() == 0)
    }

    /// A page overwritten is found at the start or when it is read; nothing false is told and nothing traps.
    @Test func flippedPages() throws {
        let (_fixture, path) = try filled()
        _ = _fixture
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var random = SeededRandom(name: "flippedPages")
        for _ in 0..<40 {
            var damaged = bytes
            let page = Int.random(in: 1..<bytes.count / 4096, using: &random) * 4096
            for offset in page..<page + 4096 { damaged[offset] = UInt8.random(in: 0...255, using: &random) }
            try damaged.write(to: URL(fileURLWithPath: path))
            do throws(NymStoreError) {
                let store = try NymStore.open(path: path, key: NymStoreFixture.key)
                defer { store.close() }
                for id in 1...40 as ClosedRange<Int64> {
                    let material = try store.material(
                        for: id, blockUntil: NymStoreFixture.start, sentBefore: NymStoreFixture.start, limit: 9)
                    #expect(material?.account.content == Array("nym\(id - 1)".utf8))
                }
            } catch {
                #expect(error == .damaged(path: path), "\(error)")
            }
        }
    }
}
