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
