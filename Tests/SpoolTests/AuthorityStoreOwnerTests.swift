import Foundation
import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

/// Whose an authority's database is, and what it is when nothing was done in it.
@Suite struct AuthorityStoreOwnerTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let now = Timestamp(seconds: 1_700_000_000)

    init() throws {
        directory = try TemporaryDirectory("nightjar-authority-owner")
        path = directory.file("authority.sqlite")
    }

    private func digest(_ number: Int) -> Digest { .sha256(Array("\(number)".utf8)) }

    /// A start that died before it set the floor leaves a database that is as new as before.
    @Test func itStaysNewUntilSomethingIsSetOrDone() throws {
        for _ in 0..<2 {
            let store = try AuthorityStore.open(path: path)
            #expect(store.isNew)
            store.close()
        }
        var store = try AuthorityStore.open(path: path)
        try store.raiseFloor(to: 0)
        store.close()
        store = try AuthorityStore.open(path: path)
        #expect(!store.isNew)
        store.close()
    }

    @Test func itBelongsToOne() throws {
        let store = try AuthorityStore.open(path: path)
        // Digits alone, which a column of numbers must not take for a number.
        let owner = StoreOwner(network: "n", slotLength: .minutes(20), authority: "7", identity: digest(1))
        #expect(try store.owner() == nil)
        try store.bind(to: owner)
        try store.bind(to: owner)
        store.close()
        let again = try AuthorityStore.open(path: path)
        #expect(try again.owner() == owner)
        var others = [owner, owner, owner, owner]
        others[0].network = "m"
        others[1].slotLength = .minutes(10)
        others[2].authority = "8"
        others[3].identity = digest(2)
        for other in others {
            #expect(throws: AuthorityStoreError.self) { try again.bind(to: other) }
            #expect(try again.owner() == owner)
        }
        #expect(throws: AuthorityStoreError.self) { try again.bind(to: others[0], former: [digest(1)]) }
        try again.bind(to: others[3], former: [digest(1)])
        #expect(try again.owner() == others[3])
    }

    /// Without a vote or a consensus too, replaced descriptors go.
    @Test func descriptorsThatNobodyNamesGo() throws {
        let store = try AuthorityStore.open(path: path)
        for number in 1...3 {
            try store.keep(
                StoredDocument(digest: digest(number), kind: .descriptor, received: now, bytes: [UInt8(number)]))
        }
        #expect(try store.expire(keepSlots: 432) == 3)
        #expect(try store.present(among: [digest(1), digest(2), digest(3)]).isEmpty)
    }
}
