// What a refresh does not let itself be led to: an edition before its time, a slot too late, waiting, and silence about a lie.

import Daemon
import Directory
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite(.timeLimit(.minutes(5)))
struct RefreshPatienceTests {
    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let bench: AuthorityBench
    private let nodes: [Descriptor]
    private let now = AuthorityBench.now + .minutes(1)

    init() throws {
        directory = try TemporaryDirectory("nightjar-patience")
        cache = DirectoryCache(directory: directory.file("testing"))
        bench = try AuthorityBench(3)
        nodes = try bench.nodes(["alpha", "bravo", "charlie", "delta"])
        try cache.install(root: bench.root.bytes)
    }

    private var all: [[UInt8]] { nodes.map(\.bytes) }

    private func refresh(
        _ sources: [ScriptedSource], seed: UInt64 = 1, at time: Timestamp? = nil, need: RefreshNeed = .fresh,
        patience: Duration = .seconds(20)
    ) async -> RefreshOutcome {
        var random = SeededRandom(seed: seed)
        return await DirectoryRefresh.run(
            cache, sources: sources, now: time ?? now, need: need, patience: patience, using: &random)
    }

    @Test("a signed edition that is not used yet comes into force with its first consensus")
    func editionBeforeItsTime() async throws {
        let second = try bench.next()
        let editions = [2: second.root.bytes] as [UInt32: [UInt8]]
        let good = try bench.consensus(nodes)
        try cache.install(consensus: good.bytes, descriptors: all, now: now)
        // What claims the new edition and is certified by nobody.
        let claim = try AuthorityBench.cut(second.consensus(nodes, at: now + .minutes(20)), signatures: 1)
        let later = now + .minutes(20)
        let lie = await refresh(
            [ScriptedSource("liar", claim, documents: all, editions: editions)], at: later)
        #expect(lie.result == .failed && lie.counts == [.untrue: 1] && lie.editions.isEmpty)
        #expect(try cache.loadRoot() == bench.root)
        // The authorities go on with the edition before.
        let next = try bench.consensus(nodes, at: later)
        let honest = await refresh([ScriptedSource("honest", next.bytes, editions: editions)], at: later)
        #expect(honest.result == .updated && honest.consensus?.link == next.link)
        // Without its descriptors the first consensus of the new edition is not used, and neither is the edition.
        let latest = now + .minutes(40)
        let more = try nodes + second.nodes(["echo", "foxtrot", "golf"])
        let first = try second.consensus(more, at: latest)
        let picky = await refresh([ScriptedSource("picky", first.bytes, editions: editions)], at: latest)
        #expect(picky.counts == [.incomplete: 1])
        #expect(try cache.loadRoot() == bench.root)
        let switched = await refresh(
            [ScriptedSource("whole", first.bytes, documents: more.map(\.bytes), editions: editions)], at: latest)
        #expect(switched.result == .updated && switched.editions == [2])
        #expect(try cache.loadRoot() == second.root)
        #expect(try cache.load(at: latest).nodes.count == 7)
    }

    @Test("a node asks further when a source lags, and believes three that there is nothing newer")
    func nodesAskFurther() async throws {
        let old = try bench.consensus(nodes)
        let later = now + .minutes(20)  // in the middle of the next slot
        let new = try bench.consensus(nodes, at: later)
        for seed in 0..<6 as Range<UInt64> {
            let cache = DirectoryCache(directory: directory.file("node-\(seed)"))
            try cache.install(root: bench.root.bytes)
            try cache.install(consensus: old.bytes, descriptors: all, now: now)
            var random = SeededRandom(seed: seed)
            let outcome = await DirectoryRefresh.run(
                cache, sources: [ScriptedSource("lagging"), ScriptedSource("late"), ScriptedSource("new", new.bytes)],
                now: later, need: .thisSlot, using: &random)
            #expect(outcome.result == .updated && outcome.consensus?.link == new.link, "seed \(seed)")
        }
        try cache.install(consensus: old.bytes, descriptors: all, now: now)
        let sources = (0..<5).map { ScriptedSource("source \($0)") }
        let none = await refresh(sources, at: later, need: .thisSlot)
        #expect(none.result == .current && none.asked == 3)
        // A client does not need to know that soon, and what is of this slot is enough for anybody.
        #expect(await refresh(sources, at: later).asked == 1)
        #expect(await refresh(sources, need: .thisSlot).asked == 1)
        #expect(await refresh(sources, at: now + .minutes(12), need: .thisSlot).asked == 1)
    }

    @Test("who does not answer is not waited for while there are others")
    func stuck() async throws {
        let good = try bench.consensus(nodes)
        let stuck = (0..<3).map { ScriptedSource("stuck \($0)", good.bytes, isStuck: true) }
        for seed in 0..<4 as Range<UInt64> {
            let cache = DirectoryCache(directory: directory.file("stuck-\(seed)"))
            try cache.install(root: bench.root.bytes)
            var random = SeededRandom(seed: seed)
            // The last source has its own time, so it must not be a stuck one; then the task is cancelled in the end.
            let sources = stuck + [ScriptedSource("quick", good.bytes, documents: all)]
            let order = sources.shuffled(using: &random)
            guard order.last?.name == "quick" || order.first?.name == "quick" else { continue }
            random = SeededRandom(seed: seed)
            let outcome = await DirectoryRefresh.run(
                cache, sources: sources, now: now, need: .fresh, patience: .milliseconds(500), using: &random)
            #expect(outcome.result == .updated && outcome.source == "quick", "seed \(seed)")
            #expect(outcome.failures.allSatisfy { $0.problem == .unreachable })
        }
        // Cancelled, it ends though the only source never does.
        let run = Task { await refresh([stuck[0]]) }
        run.cancel()
        #expect(await run.value.result == .failed)
    }

    @Test("a new consensus that names another one before it leads to the proof")
    func contradiction() async throws {
        let kept = try bench.consensus(nodes)
        let other = try bench.consensus(Array(nodes.dropLast()))
        let later = now + .minutes(20)
        let next = try bench.consensus(nodes, at: later, previous: other.link)
        try cache.install(consensus: kept.bytes, descriptors: all, now: now)
        let silent = DirectoryCache(directory: directory.file("silent"))
        try silent.install(root: bench.root.bytes)
        try silent.install(consensus: kept.bytes, descriptors: all, now: now)
        let outcome = await refresh(
            [ScriptedSource("a", next.bytes, papers: [other.link.digest: other.bytes])], at: later)
        #expect(outcome.result == .updated && outcome.contradiction == other.link && outcome.sawFork)
        #expect(cache.forks().map(\.digests) == [[kept.link.digest, other.link.digest].sorted()])
        // Where nobody has it, it is told at least.
        let alone = await DirectoryRefresh.run(silent, sources: [ScriptedSource("a", next.bytes)], now: later)
        #expect(alone.result == .updated && !alone.sawFork && silent.forks().isEmpty)
        #expect(alone.warnings.contains { $0.contains("names another consensus of slot \(kept.slot)") })
    }

    @Test("damaged descriptors are asked for until enough are there")
    func damaged() async throws {
        let good = try bench.consensus(nodes)
        try cache.install(consensus: good.bytes, descriptors: all, now: now)
        try AtomicFile.write(Array("hello\n".utf8), to: cache.path("descriptors"))
        let sources = [ScriptedSource("a"), ScriptedSource("b", documents: all), ScriptedSource("c")]
        for seed in 0..<4 as Range<UInt64> {
            try AtomicFile.write(Array("hello\n".utf8), to: cache.path("descriptors"))
            let outcome = await refresh(sources, seed: seed)
            #expect(outcome.result == .current && outcome.missing == 0, "seed \(seed)")
            #expect(try cache.load(at: now).nodes.count == 4)
        }
    }
}
