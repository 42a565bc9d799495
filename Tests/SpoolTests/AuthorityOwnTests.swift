// What an authority must not contradict, though its own records do not have it.

import MixCrypto
import Spool
import TestSupport
import Testing
import WireFormat

@Suite struct AuthorityOwnTests {
    private let directory: TemporaryDirectory
    private let store: AuthorityStore
    private let now = Timestamp(seconds: 1_700_000_000)

    init() throws {
        directory = try TemporaryDirectory("nightjar-authority-own")
        store = try AuthorityStore.open(path: directory.file("authority.sqlite"))
    }

    private func digest(_ number: Int) -> Digest { .sha256(Array("\(number)".utf8)) }

    @Test func whatOthersSentBackIsNotContradicted() throws {
        for (act, kind) in [(OwnAct.vote, StoredDocumentKind.vote), (.proposal, .proposal)] {
            try store.keep(
                StoredDocument(
                    digest: digest(act.rawValue), kind: kind, slot: 10, authority: "me", received: now, bytes: [1]))
            #expect(throws: AuthorityStoreError.alreadyActed(act, slot: 10)) {
                try store.record(act, slot: 10, digest: digest(50), bytes: [2], by: "me")
            }
            #expect(try store.own(act, slot: 10) == nil)
            // The same is no contradiction; nor are another slot, and what others made.
            _ = try store.record(act, slot: 10, digest: digest(act.rawValue), bytes: [1], by: "me")
            _ = try store.record(act, slot: 11, digest: digest(51), bytes: [2], by: "me")
            try store.keep(
                StoredDocument(
                    digest: digest(60 + act.rawValue), kind: kind, slot: 12, authority: "you", received: now, bytes: [1]
                ))
            _ = try store.record(act, slot: 12, digest: digest(52), bytes: [2], by: "me")
        }
    }

    @Test func signaturesThatOthersSentBackOnlyGoForward() throws {
        try store.keep(StoredSignature(slot: 10, authority: "me", digest: digest(1), bytes: [1]))
        try store.keep(StoredSignature(slot: 12, authority: "you", digest: digest(2), bytes: [1]))
        for slot in [UInt64(9), 10] {
            #expect(throws: AuthorityStoreError.alreadyActed(.signature, slot: slot)) {
                try store.record(.signature, slot: slot, digest: digest(3), bytes: [2], by: "me")
            }
        }
        _ = try store.record(.signature, slot: 10, digest: digest(1), bytes: [1], by: "me")
        _ = try store.record(.signature, slot: 11, digest: digest(3), bytes: [2], by: "me")
    }

    /// Of what slots evidence is kept after pieces of these slots came in this order.
    private func kept(_ slots: [UInt64], _ name: String) throws -> (slots: [UInt64], answers: [Bool]) {
        var answers: [Bool] = []
        for slot in slots {
            let piece = StoredEvidence(
                authority: name, slot: slot, kind: "vote", digest: .sha256(Array("\(name) \(slot)".utf8)), seen: now)
            answers.append(try store.keep(piece, document: [1], spanning: 72))
        }
        let found = try store.evidence().filter { $0.authority == name }
        for piece in found { #expect(try store.document(piece.digest) != nil) }
        return (found.map(\.slot).sorted(), answers)
    }

    @Test func thinnedEvidenceExcludesTheSame() throws {
        let bound = UInt64(AuthorityStore.evidencePerAuthority)
        // Far apart, so that each counts: the oldest but the first goes.
        let sparse = try kept((0...bound).map { $0 * 100 }, "sparse")
        #expect(sparse.slots == [0] + (2...bound).map { $0 * 100 } && sparse.answers.allSatisfy { $0 })
        // A lie in every slot of the present does not cost the ones before.
        let old: [UInt64] = [10, 1000, 1100]
        let dense = try kept(old + (1200...(1200 + bound)).map { $0 }, "dense")
        #expect(Set(dense.slots).isSuperset(of: old + [1200, 1200 + bound]))
        #expect(zip(dense.slots.dropFirst(3), dense.slots.dropFirst(4)).allSatisfy { $1 - $0 <= 73 })
        #expect(UInt64(dense.slots.count) == bound)
        // What is not kept is not said to be.
        #expect(try kept([1001], "dense").answers == [true])
        let late = try kept([1199], "dense")
        #expect(late.answers == [late.slots.contains(1199)])
    }
}
