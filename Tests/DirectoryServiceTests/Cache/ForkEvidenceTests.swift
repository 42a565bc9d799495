// Two certified documents for one slot: both are kept, and it is told until the user has taken note.

import Daemon
import Directory
import Foundation
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.timeLimit(.minutes(5)))
struct ForkEvidenceTests {
    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let now = AuthorityBench.now

    init() throws {
        directory = try TemporaryDirectory("nightjar-fork")
        cache = DirectoryCache(directory: directory.file("testing"))
    }

    @Test("both documents are kept, and verify", arguments: [1, 4])
    func kept(authorities: Int) throws {
        let bench = try AuthorityBench(authorities)
        let nodes = try bench.nodes(["alpha", "bravo", "charlie"])
        try cache.install(root: bench.root.bytes)
        let first = try bench.consensus(nodes)
        try cache.install(consensus: first.bytes, descriptors: nodes.map(\.bytes), now: now)
        // The same with other signatures is no other document.
        if authorities > 1 {
            let again = try bench.consensus(nodes, signedBy: Array(1..<authorities))
            #expect(try !cache.install(consensus: again.bytes, descriptors: [], now: now).isNewer)
        }
        #expect(cache.forks().isEmpty)

        let second = try bench.consensus(Array(nodes.dropFirst()))
        let error = DirectoryCacheError.fork(
            first.slot, have: first.link.digest, offered: second.link.digest, saved: cache.evidence.directory)
        for _ in 0..<2 {
            #expect(throws: error) { try cache.install(consensus: second.bytes, descriptors: [], now: now) }
        }
        #expect(error.exitCode == .refused)
        let fork = try #require(cache.forks().first)
        #expect(cache.forks().count == 1 && !fork.isAcknowledged && fork.slot == first.slot)
        #expect(fork.digests == [first.link.digest, second.link.digest].sorted())
        for (digest, file) in zip(fork.digests, fork.files) {
            let bytes = try AtomicFile.read(file, limit: Consensus.maximumSize)
            #expect(try UnverifiedConsensus(bytes).verify(in: bench.root).link.digest == digest)
        }
        // It is news until the user has taken note, and again when a third one comes.
        #expect(try cache.acknowledgeForks().count == 1)
        #expect(try cache.acknowledgeForks().isEmpty)
        #expect(cache.forks().allSatisfy(\.isAcknowledged) && cache.forks().count == 1)
        let third = try bench.consensus([nodes[0]])
        #expect(throws: DirectoryCacheError.self) {
            try cache.install(consensus: third.bytes, descriptors: [], now: now)
        }
        #expect(cache.forks().map(\.isAcknowledged) == [false] && cache.forks()[0].digests.count == 3)
        // What was first is used.
        #expect(try cache.load(at: now).consensus?.link == first.link)
        // The next slot goes on, and the evidence stays.
        let next = try bench.consensus(nodes, at: now + .minutes(20))
        try cache.install(consensus: next.bytes, descriptors: [], now: now)
        #expect(cache.forks().count == 1)
    }

    @Test("what is not certified is no evidence")
    func notCertified() throws {
        let bench = try AuthorityBench(4)
        let nodes = try bench.nodes(["alpha", "bravo"])
        try cache.install(root: bench.root.bytes)
        try cache.install(consensus: bench.consensus(nodes).bytes, descriptors: nodes.map(\.bytes), now: now)
        let few = try AuthorityBench.cut(bench.consensus([]), signatures: 2)
        #expect(throws: ConsensusError.notEnoughSignatures(have: 2, needed: 3)) {
            try cache.install(consensus: few, descriptors: [], now: now)
        }
        #expect(cache.forks().isEmpty)
    }

    @Test("a second one of a slot that is past is evidence as well")
    func pastSlots() throws {
        let bench = try AuthorityBench(3)
        let nodes = try bench.nodes(["alpha", "bravo", "charlie"])
        try cache.install(root: bench.root.bytes)
        let steps = try (0...9 as ClosedRange<Int64>).map { try bench.consensus(nodes, at: now + .minutes(20 * $0)) }
        let time = now + .minutes(181)
        for step in steps { try cache.install(consensus: step.bytes, descriptors: nodes.map(\.bytes), now: time) }
        func other(_ step: Int64) throws -> CertifiedConsensus {
            try bench.consensus(Array(nodes.dropLast()), at: now + .minutes(20 * step))
        }
        // The slot before, by gossip and by refresh.
        let second = try other(8)
        #expect(try cache.examine(steps[8].bytes, claimed: steps[8].link) == .known)
        #expect(throws: DirectoryCacheError.notClaimed(second.link)) {
            try cache.examine(steps[8].bytes, claimed: second.link)
        }
        let few = try AuthorityBench.cut(second, signatures: 1)
        #expect(throws: ConsensusError.notEnoughSignatures(have: 1, needed: 2)) {
            try cache.examine(few, claimed: second.link)
        }
        #expect(cache.forks().isEmpty)
        #expect(try cache.examine(second.bytes, claimed: second.link) == .fork(second.slot))
        #expect(cache.forks().map(\.slot) == [second.slot])
        let third = try other(7)
        #expect(throws: DirectoryCacheError.self) {
            try cache.install(consensus: third.bytes, descriptors: [], now: time)
        }
        #expect(cache.forks().map(\.slot) == [third.slot, second.slot])
        // What is installed has not changed, and only the last few slots are kept.
        #expect(try cache.newest()?.link == steps[9].link)
        let past = try other(1)
        #expect(try cache.examine(past.bytes, claimed: past.link) == .unrelated)
        #expect(try cache.examine(other(2).bytes, claimed: other(2).link) == .fork(steps[2].slot))
        // One that nobody has installed here is not installed by looking at it.
        let next = try other(10)
        #expect(try cache.examine(next.bytes, claimed: next.link) == .unrelated)
        #expect(try cache.newest()?.link == steps[9].link)
    }

    @Test("what has been taken note of makes room for what is new, and pairs stay whole")
    func room() throws {
        try cache.install(root: AuthorityBench(1).root.bytes)
        let store = cache.evidence
        func save(_ slot: UInt64, _ numbers: [UInt8]) throws {
            try store.save(
                numbers.map { number in
                    let digest = Digest.sha256([UInt8(slot & 0xFF), number])
                    return (ConsensusLink(slot: Slot(slot), digest: digest), [number])
                })
        }
        let most = UInt64(EvidenceStore.maximumDocuments)
        try save(1, [0, 1, 2])
        for slot in 2...most / 2 { try save(slot, [0, 1]) }
        // One document is left of room: a pair does not fit, and no half of it is kept.
        #expect(cache.forks().count == Int(most) / 2 - 1)
        #expect(cache.forks().allSatisfy { $0.digests.count >= 2 } && cache.forks().last?.slot == Slot(most / 2 - 1))
        try cache.acknowledgeForks()
        try save(100, [0, 1])
        #expect(cache.forks().last?.slot == Slot(100) && cache.forks().last?.isAcknowledged == false)
        #expect(cache.forks().first?.slot == Slot(2), "the oldest one has made room")
        // A third document of a slot does not push out its own pair.
        try save(2, [0, 5])
        #expect(cache.forks().first { $0.slot == Slot(2) }?.digests.count == 3)
    }

    @Test("it does not grow for ever")
    func bounds() throws {
        let store = cache.evidence
        for slot in 1...200 as ClosedRange<UInt64> {
            try store.save(
                ([0, 1] as [UInt8]).map { number in
                    let digest = Digest.sha256([UInt8(slot & 0xFF), number])
                    return (ConsensusLink(slot: Slot(slot), digest: digest), [number])
                })
            try store.noteRollback(Slot(slot), have: Slot(slot + 9), source: "http://mirror.example.org", now: now)
        }
        #expect(cache.forks().count == EvidenceStore.maximumDocuments / 2)
        #expect(cache.rollbacks().last == "\(now) http://mirror.example.org offered 200 have 209")
        #expect(cache.rollbacks().joined().utf8.count <= EvidenceStore.maximumNotes)
        // Names that are none of ours are looked over.
        for name in ["x.consensus", "12-34.consensus", "1.acknowledged", "-.consensus"] {
            try Data("?".utf8).write(to: URL(fileURLWithPath: "\(store.directory)/\(name)"))
        }
        #expect(cache.forks().count == EvidenceStore.maximumDocuments / 2)
    }
}
