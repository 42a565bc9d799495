// Editions of the network file: the next one is taken from a quorum of both sets, and nothing else.

import Directory
import DirectoryService
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(5)))
struct TrustRootTests {
    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let now = AuthorityBench.now

    init() throws {
        directory = try TemporaryDirectory("nightjar-root")
        cache = DirectoryCache(directory: directory.file("testing"))
    }

    @Test("it walks forward, one edition after another")
    func forward() throws {
        let first = try AuthorityBench(3)
        let second = try first.next()
        let third = try second.next(mirrors: ["http://mirror.example.org"])
        try cache.install(root: first.root.bytes)
        #expect(throws: NetworkFileError.gap(have: 1, offered: 3)) { try cache.install(root: third.root.bytes) }
        #expect(try cache.install(root: second.root.bytes).change == .updated(from: 1))
        #expect(try cache.install(root: third.root.bytes).change == .updated(from: 2))
        #expect(try cache.loadRoot() == third.root)
        #expect(throws: NetworkFileError.rollback(have: 3, offered: 1)) { try cache.install(root: first.root.bytes) }
        #expect(try cache.loadRoot() == third.root)
    }

    @Test("a quorum of the old set must have signed", arguments: [(3, 2), (4, 3)])
    func oldQuorum(authorities: Int, needed: Int) throws {
        let first = try AuthorityBench(authorities)
        let newcomer = try HybridSigningKey.generate()
        try cache.install(root: first.root.bytes)
        let few = try first.nextDraft(newcomer, signedBy: Array(0..<needed - 1))
        #expect(
            throws: NetworkFileError.notEnoughSignatures(
                have: needed - 1, needed: needed, of: "the authorities of the installed edition")
        ) { try cache.install(root: few.bytes) }
        let enough = try first.nextDraft(newcomer, signedBy: Array(0..<needed))
        #expect(try cache.install(root: enough.bytes).change == .updated(from: 1))
    }

    @Test("others who call themselves the same are refused")
    func strangers() throws {
        let first = try AuthorityBench(3)
        try cache.install(root: first.root.bytes)
        let strangers = try AuthorityBench(3)
        #expect(throws: NetworkFileError.fork(version: 1)) { try cache.install(root: strangers.root.bytes) }
        #expect(throws: NetworkFileError.notSucceeding(version: 2)) {
            try cache.install(root: strangers.next().root.bytes)
        }
        let elsewhere = try AuthorityBench(3, network: "elsewhere")
        #expect(throws: NetworkFileError.otherNetwork("elsewhere")) {
            try cache.install(root: elsewhere.root.bytes)
        }
        #expect(try cache.loadRoot() == first.root)
    }

    @Test("a consensus of the edition before goes on until the next one comes")
    func consensusBetweenEditions() throws {
        let first = try AuthorityBench(3)
        let second = try first.next()
        let nodes = try first.nodes(["alpha", "bravo"])
        let old = try first.consensus(nodes)
        let next = try second.consensus(nodes, at: now + .minutes(20))
        let documents = nodes.map(\.bytes)
        try cache.install(root: first.root.bytes)
        try cache.install(consensus: old.bytes, descriptors: documents, now: now)
        #expect(throws: ConsensusError.otherNetworkVersion(have: 1, named: 2)) {
            try cache.install(consensus: next.bytes, descriptors: documents, now: now)
        }
        try cache.install(root: second.root.bytes)
        let network = try cache.load(at: now)
        #expect(network.nodes.count == 2 && network.root == second.root && network.consensus?.link == old.link)
        // An edition is in force when its first consensus is there: until then those of the edition before decide.
        let late = try first.consensus(nodes, at: now + .minutes(20))
        let last = try second.consensus(nodes, at: now + .minutes(40))
        let time = now + .minutes(61)
        try cache.install(consensus: late.bytes, descriptors: documents, now: time)
        #expect(try cache.load(at: time).consensus?.link == late.link)
        try cache.install(consensus: last.bytes, descriptors: documents, now: time)
        #expect(try cache.load(at: time).consensus?.link == last.link)
        // From then on nothing new is taken from those who were replaced.
        let replaced = try first.consensus(nodes, at: now + .minutes(60))
        #expect(throws: ConsensusError.otherNetworkVersion(have: 2, named: 1)) {
            try cache.install(consensus: replaced.bytes, descriptors: documents, now: time)
        }
        #expect(try cache.load(at: time).consensus?.link == last.link)
    }

    @Test("authorities that were replaced accuse nobody")
    func replacedAuthorities() throws {
        let first = try AuthorityBench(3)
        let second = try first.next()
        let nodes = try first.nodes(["alpha", "bravo", "charlie"])
        let documents = nodes.map(\.bytes)
        let old = try first.consensus(nodes)
        let new = try second.consensus(nodes, at: now + .minutes(20))
        let time = now + .minutes(21)
        try cache.install(root: first.root.bytes)
        try cache.install(consensus: old.bytes, descriptors: documents, now: time)
        try cache.install(root: second.root.bytes)
        try cache.install(consensus: new.bytes, descriptors: documents, now: time)
        // For a slot of the newer edition what the old ones sign says nothing.
        let later = try first.consensus(Array(nodes.dropLast()), at: now + .minutes(20))
        #expect(throws: ConsensusError.otherNetworkVersion(have: 2, named: 1)) {
            try cache.install(consensus: later.bytes, descriptors: [], now: time)
        }
        #expect(try cache.examine(later.bytes, claimed: later.link) == .unrelated)
        #expect(cache.forks().isEmpty)
        // For one of their own it does.
        let lie = try first.consensus(Array(nodes.dropLast()))
        #expect(try cache.examine(lie.bytes, claimed: lie.link) == .fork(lie.slot))
        #expect(cache.forks().map(\.slot) == [lie.slot])
    }
}
