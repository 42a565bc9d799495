import Foundation
import GRDB
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import Spool

/// Sealed records that several processes share.
@Suite struct RecordStoreTests {
    static let kind = RecordKind(rawValue: 200)
    static let other = RecordKind(rawValue: 201)
    private let directory: TemporaryDirectory
    private var path: String { directory.file("records.sqlite") }

    init() throws { directory = try TemporaryDirectory("nightjar-records") }

    private func open(_ key: SymmetricSecret = SpoolFixture.key) throws -> RecordStore {
        try RecordStore.open(path: path, key: key)
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func put(_ store: RecordStore, _ name: String, _ value: String, expires: Timestamp? = nil) throws {
        try store.transaction { try $0.put(Self.kind, bytes(name), bytes(value), expires: expires) }
    }

    @Test func holdsWhatWasPutAcrossOpenings() throws {
        var store = try open()
        try put(store, "b", "one")
        try put(store, "a", "two")
        try put(store, "b", "three")
        try store.transaction { try $0.put(Self.other, bytes("b"), [], expires: nil) }
        store.close()
        #expect(throws: SpoolError.closed) { try store.get(Self.kind, bytes("b")) }
        store = try open()
        #expect(try store.get(Self.kind, bytes("b")) == bytes("three"))
        #expect(try store.get(Self.other, bytes("b")) == [])
        #expect(try store.get(Self.other, bytes("a")) == nil)
        #expect(try store.all(Self.kind).map(\.name) == [bytes("b"), bytes("a")])
        #expect(try store.count(Self.kind) == 2)
        #expect(try store.transaction { try $0.remove(Self.kind, bytes("b")) })
        #expect(try store.transaction { try $0.remove(Self.kind, bytes("b")) } == false)
        #expect(try store.count(Self.kind) == 1)
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            let mode = try FileManager.default.attributesOfItem(atPath: directory.file(name))[.posixPermissions]
            #expect(mode as? Int == 0o600, "\(name)")
        }
    }

    @Test func namesAndValuesAreSealed() throws {
        let store = try open()
        try put(store, "alice@example.org", "a secret of some length")
        for name in ["records.sqlite", "records.sqlite-wal"] {
            let data = try Data(contentsOf: URL(fileURLWithPath: directory.file(name)))
            for text in ["alice@example.org", "a secret of some length"] {
                #expect(data.range(of: Data(text.utf8)) == nil)
            }
        }
    }

    @Test func whatFailsIsUndone() throws {
        struct Stop: Error {}
        let store = try open()
        #expect(throws: Stop.self) {
            try store.transaction { records in
                try records.put(Self.kind, [1], [1], expires: nil)
                throw Stop()
            }
        }
        #expect(try store.count(Self.kind) == 0)
        #expect(throws: SpoolError.malformed) {
            try store.transaction {
                try $0.put(Self.kind, [1], [UInt8](repeating: 0, count: RecordStore.maximumValue + 1), expires: nil)
            }
        }
    }

    @Test func expires() throws {
        let store = try open()
        let now = SpoolFixture.start
        try put(store, "a", "1", expires: now)
        try put(store, "b", "1", expires: now + .milliseconds(1))
        try put(store, "c", "1")
        #expect(try store.expire(now: now) == 1)
        #expect(try store.all(Self.kind).map(\.name) == [bytes("b"), bytes("c")])
        #expect(try store.expire(now: now) == 0)
        #expect(try store.expire(now: now + .days(1)) == 1)
    }

    @Test func severalHandlesAtOnce() async throws {
        let path = path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let store = try RecordStore.open(path: path, key: SpoolFixture.key)
                    for _ in 0..<25 {
                        try store.transaction { records in
                            let found = try records.get(Self.kind, [1]) ?? [0]
                            try records.put(Self.kind, [1], [found[0] + 1], expires: nil)
                        }
                        _ = try store.get(Self.kind, [1])
                    }
                    store.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try open().get(Self.kind, [1]) == [100])
    }

    @Test func anotherKeyIsRefusedAndHarmsNothing() throws {
        try put(try open(), "a", "1")
        #expect(throws: SpoolError.wrongStorageKey(directory: path)) { try open(.random()) }
        #expect(try open().count(Self.kind) == 1)
    }

    @Test func aMissingDirectoryIsNamed() throws {
        let path = directory.file("none/records.sqlite")
        #expect(throws: SpoolError.system(call: "open", path: path + ".lock", code: 2)) {
            try RecordStore.open(path: path, key: SpoolFixture.key)
        }
    }

    @Test func aForeignFileIsLeftAlone() throws {
        do {
            let database = try DatabaseQueue(path: path)
            try database.writeWithoutTransaction { try $0.execute(sql: "CREATE TABLE letters (text TEXT)") }
        }
        #expect(throws: SpoolError.notASpool(directory: path)) { try open() }
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func aDamagedRecordIsLeftOutAndRemoved() throws {
        let store = try open()
        for name in ["a", "b", "c"] { try put(store, name, "1") }
        do {
            let database = try DatabaseQueue(path: path)
            try database.writeWithoutTransaction {
                try $0.execute(sql: "UPDATE record SET sealed = zeroblob(60) WHERE id = 2")
            }
        }
        #expect(throws: SpoolError.damaged) { try store.all(Self.kind) }
        var damaged = 0
        #expect(try store.all(Self.kind, skippingDamaged: &damaged).map(\.name) == [bytes("a"), bytes("c")])
        #expect(damaged == 1)
        #expect(try store.all(Self.kind).map(\.name) == [bytes("a"), bytes("c")])
        #expect(try store.all(Self.kind, skippingDamaged: &damaged).count == 2)
        #expect(damaged == 1)
    }

    @Test(arguments: ["header", "middle", "row", "short", "empty", "missing"])
    func damageIsSetAsideAndSaid(how: String) throws {
        var random = SeededRandom(name: "records damaged \(how)")
        do {
            let store = try open()
            for index in 0..<40 { try put(store, "name \(index)", String(repeating: "x", count: 500)) }
            store.close()
        }
        let url = URL(fileURLWithPath: path)
        var data = try Data(contentsOf: url)
        switch how {
        case "header": data.replaceSubrange(0..<100, with: random.bytes(100))
        case "middle": data.replaceSubrange(4096..<data.count, with: random.bytes(data.count - 4096))
        case "short": data = data.prefix(data.count / 2)
        case "empty": data = Data()
        default: break
        }
        switch how {
        case "missing": try FileManager.default.removeItem(at: url)
        case "row":
            let database = try DatabaseQueue(path: path)
            try database.writeWithoutTransaction {
                try $0.execute(sql: "UPDATE record SET sealed = zeroblob(600) WHERE id = 7")
            }
            try database.close()
        default: try data.write(to: url)
        }
        #expect(throws: SpoolError.setAside(path: path, as: path + ".damaged-1")) { try open() }
        if how != "missing" { #expect(FileManager.default.fileExists(atPath: path + ".damaged-1")) }
        let store = try open()
        #expect(try store.count(Self.kind) == 0)
        try put(store, "a", "1")
        store.close()
        #expect(try open().count(Self.kind) == 1)
    }
}
