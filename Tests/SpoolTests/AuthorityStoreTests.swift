import Foundation
import GRDB
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

/// An authority's database: what it keeps, what it refuses, what it forgets.
@Suite struct AuthorityStoreTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let now = Timestamp(seconds: 1_700_000_000)

    init() throws {
        directory = try TemporaryDirectory("nightjar-authority-store")
        path = directory.file("authority.sqlite")
    }

    private func digest(_ number: Int) -> Digest { .sha256(Array("\(number)".utf8)) }

    private func document(
        _ number: Int, _ kind: StoredDocumentKind, slot: UInt64? = nil, authority: String? = nil
    ) -> StoredDocument {
        StoredDocument(
            digest: digest(number), kind: kind, slot: slot, authority: authority, received: now,
            bytes: Array("document \(number)".utf8))
    }

    private func node(_ number: Int, _ name: String) -> RegisteredNode {
        RegisteredNode(
            id: NodeID(digest(number).bytes) ?? NodeID(), nickname: name, firstSeen: now, descriptor: digest(number),
            published: now, validUntil: now + .days(14))
    }

    @Test func theFileIsForItsOwnerAlone() throws {
        let store = try AuthorityStore.open(path: path)
        #expect(store.isNew)
        _ = try store.record(.vote, slot: 1, digest: digest(1), bytes: [1], by: "a")
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(suffix)")
        }
        store.close()
        #expect(throws: AuthorityStoreError.closed) { try store.own(.vote, slot: 1) }
        let again = try AuthorityStore.open(path: path)
        #expect(!again.isNew)
        #expect(try again.own(.vote, slot: 1)?.bytes == [1])
    }

    @Test func nothingIsSaidTwiceInASlot() throws {
        let store = try AuthorityStore.open(path: path)
        for act in OwnAct.allCases {
            _ = try store.record(act, slot: 10, digest: digest(1), bytes: [1], by: "a")
            // The same again is what was recorded.
            #expect(try store.record(act, slot: 10, digest: digest(1), bytes: [2], by: "a").bytes == [1])
            #expect(throws: AuthorityStoreError.alreadyActed(act, slot: 10)) {
                try store.record(act, slot: 10, digest: digest(2), bytes: [2], by: "a")
            }
            #expect(try store.own(act, slot: 10)?.digest == digest(1))
        }
        // Signatures only go forward; a vote may be for a slot before one that a wrong clock brought.
        #expect(throws: AuthorityStoreError.alreadyActed(.signature, slot: 9)) {
            try store.record(.signature, slot: 9, digest: digest(3), bytes: [3], by: "a")
        }
        _ = try store.record(.vote, slot: 9, digest: digest(3), bytes: [3], by: "a")
        #expect(try store.highest(.signature) == 10)
        #expect(throws: AuthorityStoreError.malformed) {
            try store.record(.vote, slot: .max, digest: digest(3), bytes: [3], by: "a")
        }
    }

    @Test func theDatabaseItselfRefuses() throws {
        let store = try AuthorityStore.open(path: path)
        _ = try store.record(.signature, slot: 10, digest: digest(1), bytes: [1], by: "a")
        try store.raiseFloor(to: 5)
        store.close()
        let queue = try DatabaseQueue(path: path)
        let other = Data(digest(2).bytes)
        for sql in [
            "INSERT INTO own VALUES (3, 10, x'00', x'00')", "INSERT INTO own VALUES (3, 9, x'00', x'00')",
            "INSERT INTO own VALUES (1, 5, x'00', x'00')", "UPDATE own SET digest = x'00'",
            "DELETE FROM own WHERE slot = 10", "UPDATE property SET value = 0 WHERE name = 'floor'",
        ] {
            #expect(throws: DatabaseError.self, "\(sql)") { try queue.write { try $0.execute(sql: sql) } }
        }
        try queue.write {
            try $0.execute(sql: "INSERT INTO own VALUES (1, 6, ?, x'00')", arguments: [other])
        }
    }

    @Test func theFloorHolds() throws {
        let store = try AuthorityStore.open(path: path)
        try store.raiseFloor(to: 7)
        try store.raiseFloor(to: 3)
        #expect(try store.floor() == 7)
        for act in OwnAct.allCases {
            #expect(throws: AuthorityStoreError.alreadyActed(act, slot: 7)) {
                try store.record(act, slot: 7, digest: digest(1), bytes: [1], by: "a")
            }
            _ = try store.record(act, slot: 8, digest: digest(1), bytes: [1], by: "a")
        }
    }

    @Test func documentsAreFoundByDigestAndSlot() throws {
        let store = try AuthorityStore.open(path: path)
        let vote = document(1, .vote, slot: 4, authority: "a")
        #expect(try store.keep(vote))
        #expect(try !store.keep(vote))
        #expect(try store.document(digest(1)) == vote)
        #expect(try store.document(digest(9)) == nil)
        try store.keep(document(2, .vote, slot: 4, authority: "a"))
        try store.keep(document(3, .vote, slot: 4, authority: "a"))
        // However much an authority signs, it fills nothing.
        #expect(throws: AuthorityStoreError.self) { try store.keep(document(4, .vote, slot: 4, authority: "a")) }
        try store.keep(document(5, .vote, slot: 4, authority: "b"))
        #expect(try store.documents(.vote, slot: 4).map(\.authority) == ["a", "a", "a", "b"])
        #expect(try store.present(among: [digest(1), digest(77)]) == [digest(1)])
        let big = StoredDocument(
            digest: digest(8), kind: .report, received: now,
            bytes: [UInt8](repeating: 0, count: AuthorityStore.maximumDocument + 1))
        #expect(throws: AuthorityStoreError.malformed) { try store.keep(big) }
    }

    @Test func aSlotHasOneConsensus() throws {
        let store = try AuthorityStore.open(path: path)
        let first = StoredConsensus(slot: 3, digest: digest(1), certified: now, bytes: [1])
        #expect(try store.keep(first))
        #expect(try store.keep(StoredConsensus(slot: 3, digest: digest(1), certified: now, bytes: [1, 2])))
        #expect(try !store.keep(StoredConsensus(slot: 3, digest: digest(2), certified: now, bytes: [9])))
        #expect(try store.consensus(slot: 3)?.bytes == [1, 2])
        #expect(try store.latestConsensus()?.slot == 3)
        for number in 1...2 {
            try store.keep(StoredSignature(slot: 3, authority: "a", digest: digest(number), bytes: [1]))
        }
        #expect(throws: AuthorityStoreError.self) {
            try store.keep(StoredSignature(slot: 3, authority: "a", digest: digest(3), bytes: [1]))
        }
        #expect(try store.signatures(slot: 3).count == 2)
    }

    @Test func evidenceIsKeptAndBounded() throws {
        let store = try AuthorityStore.open(path: path)
        let count = AuthorityStore.evidencePerAuthority
        for slot in 0..<(count + 5) {
            let piece = StoredEvidence(
                authority: "a", slot: UInt64(slot), kind: "vote", digest: digest(slot), seen: now)
            #expect(try store.keep(piece, document: [1], spanning: 72))
            if slot == 3 { #expect(try !store.keep(piece, document: [1], spanning: 72)) }
        }
        let slots = try store.evidence().map(\.slot)
        #expect(slots.count == count)
        #expect(slots.first == UInt64(count + 4) && slots.last == 0)
        #expect(try store.document(digest(2)) == nil)
    }

    @Test func nicknamesAreOfOneNode() throws {
        let store = try AuthorityStore.open(path: path)
        try store.keep(node(1, "Alpha"), descriptor: document(1, .descriptor))
        #expect(throws: AuthorityStoreError.self) {
            try store.keep(node(2, "aLPHA"), descriptor: document(2, .descriptor))
        }
        // The document of one that is refused is not kept either.
        #expect(try store.document(digest(2)) == nil)
        var changed = node(1, "Beta")
        changed.reached = true
        changed.listedSince = now
        changed.failure = "refused"
        try store.update([changed])
        #expect(try store.nodes() == [changed])
        try store.keep(node(2, "alpha"), descriptor: document(2, .descriptor))
        try store.forget([changed.id])
        #expect(try store.nodes().map(\.nickname) == ["alpha"])
    }

    @Test func whatIsOldIsForgottenButNotWhatAnAuditNeeds() throws {
        let store = try AuthorityStore.open(path: path)
        // 300 slots with a vote each; every second one has a consensus that names the slot's descriptor.
        for slot in 1...300 {
            let (vote, descriptor) = (slot * 10, slot * 10 + 1)
            try store.keep(document(vote, .vote, slot: UInt64(slot), authority: "a"))
            try store.keep(document(descriptor, .descriptor, slot: UInt64(slot)))
            _ = try store.record(.vote, slot: UInt64(slot), digest: digest(vote), bytes: [1], by: "a")
            guard slot % 2 == 0 else { continue }
            try store.keep(StoredConsensus(slot: UInt64(slot), digest: digest(slot), certified: now, bytes: [1]))
            try store.keep(StoredSignature(slot: UInt64(slot), authority: "a", digest: digest(slot), bytes: [1]))
        }
        try store.keep(node(5, "old"), descriptor: document(5, .descriptor))
        #expect(try store.expire(keepSlots: 20) > 0)
        // The newest 100 consensuses, from slot 102 on, with votes and descriptors; of the other slots the newest 20.
        #expect(try store.consensusSlots(limit: 1000).count == AuthorityStore.fewestConsensuses)
        for slot in 1...300 {
            let isKept = slot >= 281 || slot >= 102 && slot % 2 == 0
            #expect(try store.documents(.vote, slot: UInt64(slot)).count == (isKept ? 1 : 0), "slot \(slot)")
            #expect(try store.document(digest(slot * 10 + 1)) != nil || slot < 102, "slot \(slot)")
        }
        #expect(try store.document(digest(10 * 50 + 1)) == nil)
        #expect(try store.document(digest(5)) != nil)
        // What the authority did there is forgotten, and so it does nothing there again.
        #expect(try store.own(.vote, slot: 280) == nil)
        #expect(try store.own(.vote, slot: 281) != nil)
        #expect(throws: AuthorityStoreError.alreadyActed(.vote, slot: 280)) {
            try store.record(.vote, slot: 280, digest: digest(7), bytes: [7], by: "a")
        }
    }

    @Test func aDamagedFileIsTold() throws {
        var store = try AuthorityStore.open(path: path)
        for number in 0..<200 { try store.keep(document(number, .report)) }
        store.close()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for offset in stride(from: 4096, to: bytes.count - 64, by: 97) { bytes[offset] ^= 0xFF }
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(throws: AuthorityStoreError.damaged(path: path)) { store = try AuthorityStore.open(path: path) }
        try Data("not a database at all, but long enough to be looked at as one".utf8).write(
            to: URL(fileURLWithPath: path))
        #expect(throws: AuthorityStoreError.damaged(path: path)) { store = try AuthorityStore.open(path: path) }
        let other = directory.file("other.sqlite")
        try DatabaseQueue(path: other).write { try $0.execute(sql: "CREATE TABLE mine (x)") }
        #expect(throws: AuthorityStoreError.notAStore(path: other)) { store = try AuthorityStore.open(path: other) }
    }

    @Test func aNewerFormatIsTold() throws {
        try AuthorityStore.open(path: path).close()
        try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = 99") }
        #expect(throws: AuthorityStoreError.otherVersion(path: path, found: 99, wanted: 1)) {
            try AuthorityStore.open(path: path)
        }
    }

    @Test func othersMayLookWhileItRuns() throws {
        #expect(throws: AuthorityStoreError.self) { try AuthorityStore.openForReading(path: path) }
        let store = try AuthorityStore.open(path: path)
        try store.keep(document(1, .vote, slot: 1, authority: "a"))
        let reader = try AuthorityStore.openForReading(path: path)
        #expect(try reader.document(digest(1)) != nil)
        try store.keep(document(2, .vote, slot: 1, authority: "a"))
        #expect(try reader.document(digest(2)) != nil)
        #expect(throws: AuthorityStoreError.self) { try reader.keep(document(3, .report)) }
        reader.close()
        store.close()
        let later = try AuthorityStore.openForReading(path: path)
        #expect(try later.document(digest(2)) != nil)
    }
}
