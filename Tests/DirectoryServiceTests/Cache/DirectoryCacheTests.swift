// What a cache takes and what it refuses, each for its own reason, with real signatures.

import Daemon
import Directory
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.timeLimit(.minutes(5)))
struct DirectoryCacheTests {
    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let now = AuthorityBench.now

    init() throws {
        directory = try TemporaryDirectory("nightjar-cache")
        cache = DirectoryCache(directory: directory.file("testing"))
    }

    /// Why `body` is refused, in words.
    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing"
        } catch {
            return "\(error)"
        }
    }

    private func install(_ bytes: [UInt8], _ nodes: [Descriptor] = [], at time: Timestamp? = nil) throws {
        try cache.install(consensus: bytes, descriptors: nodes.map(\.bytes), now: time ?? now)
    }

    @Test("a network without a consensus has no nodes")
    func rootAlone() throws {
        #expect(!cache.isInstalled)
        #expect(throws: DirectoryCacheError.nothing(cache.directory)) { try cache.load(at: now) }
        let bench = try AuthorityBench(3)
        #expect(try cache.install(root: bench.root.bytes).change == .added)
        #expect(try cache.install(root: bench.root.bytes).change == .unchanged)
        #expect(cache.isInstalled)
        #expect(try cache.loadRoot() == bench.root)
        let network = try cache.load(at: now)
        #expect(network.consensus == nil && network.nodes.isEmpty && network.name == "testing")
        #expect(
            refusal { try cache.install(root: Array("hello\n".utf8)) }.hasPrefix("this is not a network file: line 1"))
        let other = DirectoryCache(directory: directory.file("other"))
        #expect(
            refusal { try other.install(root: bench.root.bytes, expecting: Digest()) }
                .hasPrefix("the network file has the fingerprint \(bench.root.digest.hex), not 00"))
        #expect(!other.isInstalled)
        #expect(try other.install(root: bench.root.bytes, expecting: bench.root.digest).change == .added)
    }

    @Test("a quorum is enough, and one less is not", arguments: [(1, 1), (3, 2), (4, 3)])
    func quorum(authorities: Int, needed: Int) throws {
        let bench = try AuthorityBench(authorities)
        let nodes = try bench.nodes(["alpha", "bravo"])
        try cache.install(root: bench.root.bytes)
        let certified = try bench.consensus(nodes)
        for count in 0..<needed {
            #expect(
                refusal { try install(AuthorityBench.cut(certified, signatures: count), nodes) }
                    == "the consensus has the signatures of \(count) authorities, but \(needed) are needed; do not use it"
            )
        }
        #expect(try cache.newest() == nil)
        try install(AuthorityBench.cut(certified, signatures: needed), nodes)
        let network = try cache.load(at: now)
        #expect(network.nodes.map(\.fields.nickname.text).sorted() == ["alpha", "bravo"] && network.missing.isEmpty)
        #expect(network.consensus?.signers.count == needed)
        #expect(network.height == certified.slot.number)
    }

    @Test("each kind of bad consensus is refused in words of its own")
    func refusals() throws {
        let bench = try AuthorityBench(4)
        let nodes = try bench.nodes(["alpha", "bravo"])
        try cache.install(root: bench.root.bytes)
        let certified = try bench.consensus(nodes)
        var seen: Set<String> = []
        func expect(_ bytes: [UInt8], _ words: String, at time: Timestamp? = nil, line: Int = #line) {
            let why = refusal { try install(bytes, nodes, at: time) }
            #expect(why.contains(words), "line \(line): \(why)")
            #expect(seen.insert(words).inserted)
        }
        expect(Array("hello\n".utf8), "this is no consensus: line 1")
        expect(Array(certified.bytes.dropLast(100)), "does not end with a line feed")
        let forged = String(decoding: certified.bytes, as: UTF8.self).replacing("weight=100", with: "weight=99")
        expect(Array(forged.utf8), "the consensus is forged or damaged: the signature of authority ada is wrong")
        // Signed by others who call themselves the same.
        let strangers = try AuthorityBench(4)
        expect(try strangers.consensus(nodes).bytes, "contradicts the network file")
        let elsewhere = try AuthorityBench(4, network: "elsewhere")
        expect(try elsewhere.consensus([]).bytes, "this is the consensus of another network, elsewhere")
        expect(try AuthorityBench.cut(certified, signatures: 2), "signatures of 2 authorities, but 3 are needed")
        let later = now + .days(3) + .minutes(20)
        expect(certified.bytes, "the consensus expired on 2026-11-24T06:20:00Z", at: later)
        expect(certified.bytes, "is in the future here; set this machine's clock", at: now - .hours(2))
        #expect(try cache.newest() == nil)

        try install(certified.bytes, nodes)
        let older = try bench.consensus(nodes, at: now - .hours(1))
        expect(
            older.bytes, "is of slot \(older.slot), older than that of slot \(certified.slot) that is installed")
        let fork = try bench.consensus(nodes.dropLast())
        expect(fork.bytes, "there are two certified consensuses of slot \(certified.slot)")
        // What is there goes on.
        #expect(try cache.load(at: now).consensus?.link == certified.link)
    }

    @Test("it ages: fresh, old, and then only knowingly")
    func ages() throws {
        let bench = try AuthorityBench(1)
        let nodes = try bench.nodes(["alpha"])
        try cache.install(root: bench.root.bytes)
        let certified = try bench.consensus(nodes)
        try install(certified.bytes, nodes)
        #expect(try cache.load(at: now + .days(2)).nodes.count == 1)
        let late = now + .days(4)
        #expect(throws: ConsensusError.expired(certified.consensus.validUntil)) { try cache.load(at: late) }
        #expect(try cache.load(at: late, allowStale: true).nodes.count == 1)
        #expect(throws: ConsensusError.notYet(certified.consensus.published)) {
            try cache.load(at: now - .days(1), allowStale: true)
        }
        // Expired, and still what nothing older may replace.
        #expect(try cache.newest()?.link == certified.link)
    }

    @Test("the same one again adds descriptors")
    func completing() throws {
        let bench = try AuthorityBench(3)
        let nodes = try bench.nodes(["alpha", "bravo", "charlie"])
        try cache.install(root: bench.root.bytes)
        let certified = try bench.consensus(nodes)
        // Not asked for, damaged, and signed by another than it says.
        var damaged = nodes[1].bytes
        damaged[damaged.count - 60] ^= 1
        let first = try cache.install(
            consensus: certified.bytes,
            descriptors: [nodes[0].bytes, damaged, Array("hello\n".utf8)] + bench.nodes(["mallory"]).map(\.bytes),
            now: now)
        #expect(first.isNewer && Set(first.missing) == Set(nodes[1...].map(\.digest)))
        #expect(try cache.load(at: now).nodes.map(\.id) == [nodes[0].id])
        #expect(Set(try cache.missing(certified.consensus)) == Set(nodes[1...].map(\.digest)))
        let second = try cache.install(consensus: certified.bytes, descriptors: [nodes[2].bytes], now: now)
        #expect(!second.isNewer && second.missing == [nodes[1].digest])
        #expect(try cache.load(at: now).nodes.count == 2)
        try install(certified.bytes, nodes)
        #expect(try cache.load(at: now).missing.isEmpty)
    }

    @Test("nodes that cannot be what is listed are not used")
    func refusedNodes() throws {
        let bench = try AuthorityBench(3)
        let home = try bench.nodes(["home"]) { $0.addresses = [NodeAddress("192.168.0.7")].compactMap(\.self) }
        let nodes = try bench.nodes(["alpha", "bravo"]) + home
        try cache.install(root: bench.root.bytes)
        let certified = try bench.consensus(nodes) { entry in
            if entry.nickname.text == "bravo", let name = Nickname("brave") { entry.nickname = name }
        }
        let installed = try cache.install(consensus: certified.bytes, descriptors: nodes.map(\.bytes), now: now)
        #expect(
            installed.refused.map(\.description).sorted() == [
                "node brave is not used: its descriptor is that of another node",
                "node home is not used: it has the address 192.168.0.7:\(home[0].fields.addresses[0].port), "
                    + "which cannot be reached from outside",
            ])
        #expect(try cache.load(at: now).nodes.map(\.fields.nickname.text) == ["alpha"])

        let test = try AuthorityBench(1, network: "lab", isTest: true)
        let lab = DirectoryCache(directory: directory.file("lab"))
        let hidden = try test.nodes(["home"]) { $0.addresses = [NodeAddress("127.0.0.1")].compactMap(\.self) }
        try lab.install(root: test.root.bytes)
        let result = try lab.install(
            consensus: test.consensus(hidden).bytes, descriptors: hidden.map(\.bytes), now: now)
        #expect(result.refused.isEmpty)
        #expect(try lab.load(at: now).nodes.count == 1)
    }

    @Test("descriptors of the consensus before are kept until the next, or until it is pruned")
    func pruning() throws {
        let bench = try AuthorityBench(1)
        let nodes = try bench.nodes(["alpha", "bravo", "charlie", "delta"])
        try cache.install(root: bench.root.bytes)
        func step(_ hour: Int64, _ names: Range<Int>) throws {
            let time = now + .hours(hour)
            let listed = Array(nodes[names])
            try install(bench.consensus(listed, at: time).bytes, listed, at: time)
        }
        func kept() throws -> Set<String> {
            Set(try cache.readDescriptors(cache.loadRoot()).values.map(\.fields.nickname.text))
        }
        try step(0, 0..<2)
        try step(1, 1..<3)
        #expect(try kept() == ["alpha", "bravo", "charlie"])
        try step(2, 2..<4)
        #expect(try kept() == ["bravo", "charlie", "delta"])
        try cache.prune()
        #expect(try kept() == ["charlie", "delta"])
        #expect(try cache.load(at: now + .hours(2)).missing.isEmpty)
    }
}
