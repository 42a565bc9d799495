// What a crash, a damaged file or another process can do to a cache: it never keeps anybody from using it.

import Daemon
import Directory
import Foundation
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.timeLimit(.minutes(5)))
struct CacheRecoveryTests {
    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let now = AuthorityBench.now
    private let bench: AuthorityBench
    private let nodes: [Descriptor]

    init() throws {
        directory = try TemporaryDirectory("nightjar-recovery")
        cache = DirectoryCache(directory: directory.file("testing"))
        bench = try AuthorityBench(3)
        nodes = try bench.nodes(["alpha", "bravo", "charlie", "delta"])
    }

    /// Installs the network, and a consensus of the first three nodes.
    private func begin() throws -> CertifiedConsensus {
        try cache.install(root: bench.root.bytes)
        let certified = try bench.consensus(Array(nodes[..<3]))
        try cache.install(consensus: certified.bytes, descriptors: nodes[..<3].map(\.bytes), now: now)
        return certified
    }

    private func damage(_ name: String, _ content: [UInt8]) throws {
        try AtomicFile.write(content, to: cache.path(name))
    }

    @Test("a damaged network file is replaced by the edition kept beside it")
    func damagedRoot() throws {
        let certified = try begin()
        for content in [[], Array(bench.root.bytes.dropLast(10)), Array("hello\n".utf8)] {
            try damage("network", content)
            #expect(try cache.load(at: now).consensus?.link == certified.link)
            #expect(try AtomicFile.read(cache.path("network"), limit: 1 << 20) == bench.root.bytes)
        }
        try AtomicFile.remove(cache.path("network"))
        #expect(cache.isInstalled)
        #expect(try cache.loadRoot() == bench.root)
        try damage("network", [])
        try damage("networks/1", [])
        #expect(throws: DirectoryCacheError.damagedNetworkFile(cache.path("network"))) { try cache.loadRoot() }
    }

    @Test("a damaged consensus is as if there were none, and the next one takes its place")
    func damagedConsensus() throws {
        let certified = try begin()
        for content in [[], Array(certified.bytes.dropLast(10)), Array("hello\n".utf8)] {
            try damage("consensus", content)
            #expect(try cache.load(at: now).consensus == nil)
            #expect(try cache.install(consensus: certified.bytes, descriptors: [], now: now).missing.isEmpty)
            #expect(try cache.load(at: now).nodes.count == 3)
        }
    }

    @Test("of damaged descriptors the good ones are used")
    func damagedDescriptors() throws {
        let certified = try begin()
        var bytes = try AtomicFile.read(cache.path("descriptors"), limit: 1 << 20)
        try damage("descriptors", Array(bytes.dropLast(200)))
        #expect(try cache.load(at: now).nodes.count == 2)
        bytes[40] ^= 1
        try damage("descriptors", bytes)
        #expect(try cache.load(at: now).nodes.count == 2)
        try damage("descriptors", Array("hello\n".utf8))
        #expect(try cache.load(at: now).missing.count == 3)
        try cache.install(consensus: certified.bytes, descriptors: nodes.map(\.bytes), now: now)
        #expect(try cache.load(at: now).nodes.count == 3)
    }

    /// Every state that a kill between two steps of an installation leaves: what was there is whole, and what comes next goes
    /// on as if nothing had been.
    @Test("a kill between two steps leaves what was there")
    func killed() throws {
        let certified = try begin()
        let later = now + .minutes(20)
        let next = try bench.consensus(Array(nodes[1...]), at: later)
        let complete = DirectoryCache(directory: directory.file("complete"))
        try FileManager.default.copyItem(atPath: cache.directory, toPath: complete.directory)
        try complete.install(consensus: next.bytes, descriptors: [nodes[3].bytes], now: later)
        // Descriptors written, the consensus not yet; temporary files left behind.
        let bundle = try AtomicFile.read(complete.path("descriptors"), limit: 1 << 20)
        for step in 0...3 {
            if step == 1 { try damage("descriptors.tmp-77", Array(bundle.prefix(100))) }
            if step == 2 { try damage("descriptors", bundle) }
            if step == 3 { try damage("consensus.tmp-78", Array(next.bytes.prefix(100))) }
            let network = try cache.load(at: later)
            #expect(network.consensus?.link == certified.link && network.nodes.count == 3 && network.missing.isEmpty)
        }
        try cache.install(consensus: next.bytes, descriptors: [nodes[3].bytes], now: later)
        #expect(try cache.load(at: later).nodes.count == 3)
        let left = try FileManager.default.contentsOfDirectory(atPath: cache.directory)
        #expect(left.sorted() == ["consensus", "consensuses", "descriptors", "lock", "network", "networks"])

        // The edition written under its number, and not yet as the one that counts.
        let second = try bench.next()
        try damage("networks/2", second.root.bytes)
        #expect(try cache.loadRoot() == bench.root)
        #expect(try cache.load(at: later).consensus?.link == next.link)
        #expect(try cache.install(root: second.root.bytes).change == .updated(from: 1))
        #expect(try cache.load(at: later).consensus?.link == next.link)
    }

    @Test("several programs at a time: the newest stays")
    func together() async throws {
        _ = try begin()
        let steps = try (1...12 as ClosedRange<Int64>).map { step in
            try bench.consensus(nodes, at: now + .minutes(20 * step))
        }
        let documents = nodes.map(\.bytes)
        let (cache, time) = (cache, now + .hours(5))
        await withTaskGroup(of: Void.self) { tasks in
            for certified in steps.shuffled() {
                tasks.addTask {
                    do {
                        try cache.install(consensus: certified.bytes, descriptors: documents, now: time)
                    } catch ConsensusError.rollback {
                        // Another one was faster.
                    } catch {
                        Issue.record("\(error)")
                    }
                }
                tasks.addTask {
                    do {
                        let network = try cache.load(at: time)
                        #expect(network.missing.isEmpty && network.nodes.count >= 3)
                    } catch {
                        Issue.record("\(error)")
                    }
                }
            }
        }
        #expect(try cache.newest()?.link == steps[11].link)
        #expect(try cache.load(at: time).nodes.count == 4)
    }
}
