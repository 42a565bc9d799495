// Sources that help, lag, lie, withhold and fail, in every order.

import Directory
import DirectoryService
import MixCrypto
import TestSupport
import Testing
import WireFormat

@Suite(.timeLimit(.minutes(5)))
struct DirectoryRefreshTests {
    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let bench: AuthorityBench
    private let nodes: [Descriptor]
    private let now = AuthorityBench.now + .minutes(1)

    init() throws {
        directory = try TemporaryDirectory("nightjar-refresh")
        cache = DirectoryCache(directory: directory.file("testing"))
        bench = try AuthorityBench(3)
        nodes = try bench.nodes(["alpha", "bravo", "charlie", "delta"])
        try cache.install(root: bench.root.bytes)
    }

    private var all: [[UInt8]] { nodes.map(\.bytes) }

    private func refresh(_ sources: [ScriptedSource], seed: UInt64 = 1, at time: Timestamp? = nil) async
        -> RefreshOutcome
    {
        var random = SeededRandom(seed: seed)
        return await DirectoryRefresh.run(cache, sources: sources, now: time ?? now, using: &random)
    }

    @Test("one honest source is enough, whatever the others do")
    func oneHonest() async throws {
        let good = try bench.consensus(nodes)
        let forged = Array(
            String(decoding: good.bytes, as: UTF8.self).replacing("weight=100", with: "weight=99").utf8)
        let few = try AuthorityBench.cut(good, signatures: 1)
        let elsewhere = try AuthorityBench(3, network: "elsewhere").consensus([]).bytes
        let old = try bench.consensus(nodes, at: now - .days(4)).bytes
        var firsts: Set<String> = []
        for seed in 0..<40 as Range<UInt64> {
            let cache = DirectoryCache(directory: directory.file("seed-\(seed)"))
            try cache.install(root: bench.root.bytes)
            let sources = [
                ScriptedSource("down", failure: .unreachable("connection refused")),
                ScriptedSource("empty", failure: .notFound),
                ScriptedSource("forger", forged), ScriptedSource("few", few), ScriptedSource("elsewhere", elsewhere),
                ScriptedSource("old", old),
                ScriptedSource("honest", good.bytes, documents: all),
            ]
            var random = SeededRandom(seed: seed)
            let outcome = await DirectoryRefresh.run(cache, sources: sources, now: now, using: &random)
            #expect(outcome.result == .updated && outcome.source == "honest" && outcome.missing == 0, "seed \(seed)")
            #expect(outcome.consensus?.link == good.link && outcome.fetched == 4)
            #expect(outcome.failures.count == outcome.asked - 1)
            for failure in outcome.failures {
                let expected: [String: RefreshProblem] = [
                    "down": .unreachable, "empty": .notFound, "forger": .untrue, "few": .untrue, "elsewhere": .untrue,
                    "old": .untimely,
                ]
                #expect(failure.problem == expected[failure.source ?? ""], "\(failure)")
            }
            firsts.insert(outcome.failures.first?.source ?? "honest")
            #expect(try cache.load(at: now).nodes.count == 4)
        }
        #expect(firsts.count == 7, "every source is the first one sometimes: \(firsts)")
    }

    @Test("all that fails is named and counted, and what was there stays")
    func noneHelps() async throws {
        let good = try bench.consensus(nodes)
        try cache.install(consensus: good.bytes, descriptors: all, now: now)
        let outcome = await refresh([
            ScriptedSource("down", failure: .timeout), ScriptedSource("text", Array("hello\n".utf8)),
            ScriptedSource("gone", failure: .notFound),
        ])
        #expect(outcome.result == .failed && outcome.asked == 3 && outcome.consensus?.link == good.link)
        #expect(outcome.counts == [.unreachable: 1, .untrue: 1, .notFound: 1])
        #expect(outcome.summary == "none of the 3 sources that were asked has a newer consensus")
        #expect(outcome.warnings.sorted().first == "down: no complete answer in time")
        #expect(await refresh([]).summary == "there is no source to ask")
    }

    @Test("nothing newer ends it while ours is fresh; later others are asked as well")
    func current() async throws {
        let good = try bench.consensus(nodes)
        try cache.install(consensus: good.bytes, descriptors: all, now: now)
        let sources = (0..<4).map { ScriptedSource("source \($0)") }
        let outcome = await refresh(sources)
        #expect(outcome.result == .current && outcome.asked == 1 && outcome.failures.isEmpty)
        let late = await refresh(sources, at: now + .hours(2))
        #expect(late.result == .current && late.asked == 4)
    }

    @Test("who lags is no liar, and who is far behind is noted")
    func behind() async throws {
        let good = try bench.consensus(nodes)
        try cache.install(consensus: good.bytes, descriptors: all, now: now)
        let lagging = try bench.consensus(nodes, at: now - .minutes(40)).bytes
        let outcome = await refresh([ScriptedSource("lagging", lagging)])
        #expect(outcome.counts == [.behind: 1] && cache.rollbacks().isEmpty)
        let past = try bench.consensus(nodes, at: now - .days(1))
        _ = await refresh([ScriptedSource("past", past.bytes)])
        #expect(cache.rollbacks() == ["\(now) past offered \(past.slot) have \(good.slot)"])
        #expect(try cache.newest()?.link == good.link)
    }

    @Test("a fork is evidence, and another source may still have what is newer")
    func fork() async throws {
        let good = try bench.consensus(nodes)
        try cache.install(consensus: good.bytes, descriptors: all, now: now)
        let other = try bench.consensus(Array(nodes.dropLast())).bytes
        let later = now + .minutes(20)
        let next = try bench.consensus(nodes, at: later)
        for seed in 0..<4 as Range<UInt64> {
            let outcome = await refresh([ScriptedSource("liar", other)], seed: seed)
            #expect(outcome.sawFork && outcome.result == .failed)
        }
        #expect(cache.forks().count == 1)
        let outcome = await refresh(
            [ScriptedSource("liar", other), ScriptedSource("honest", next.bytes)], seed: 3, at: later)
        #expect(outcome.result == .updated && outcome.consensus?.link == next.link)
        #expect(cache.forks().count == 1)
    }

    @Test("descriptors come from whoever has them, and each is verified")
    func descriptors() async throws {
        let good = try bench.consensus(nodes)
        let strangers = try bench.nodes(["mallory", "mallet"]).map(\.bytes)
        for seed in 0..<8 as Range<UInt64> {
            let cache = DirectoryCache(directory: directory.file("descriptors-\(seed)"))
            try cache.install(root: bench.root.bytes)
            let sources = [
                ScriptedSource("first half", good.bytes, documents: Array(all.prefix(2)) + strangers),
                ScriptedSource("second half", good.bytes, documents: Array(all.suffix(2))),
                ScriptedSource("strange", good.bytes, documents: strangers), ScriptedSource("none", good.bytes),
            ]
            var random = SeededRandom(seed: seed)
            let outcome = await DirectoryRefresh.run(cache, sources: sources, now: now, using: &random)
            // Only those that come after the one that is asked first are asked for what it lacks.
            if outcome.result == .updated {
                #expect(try cache.load(at: now).nodes.count >= 3, "seed \(seed)")
            } else {
                #expect(outcome.counts[.incomplete] != nil)
            }
        }
    }

    @Test("who withholds descriptors does not choose our nodes")
    func withheld() async throws {
        let good = try bench.consensus(nodes)
        let outcome = await refresh([ScriptedSource("picky", good.bytes, documents: Array(all.prefix(2)))])
        #expect(outcome.result == .failed && outcome.counts == [.incomplete: 1] && outcome.missing == 2)
        #expect(try cache.newest() == nil)
        // One of four may be missing, and comes later from somebody else.
        let most = await refresh([ScriptedSource("almost", good.bytes, documents: Array(all.prefix(3)))])
        #expect(most.result == .updated && most.missing == 1)
        let rest = await refresh([ScriptedSource("rest", documents: all)])
        #expect(rest.result == .current && rest.missing == 0)
        #expect(try cache.load(at: now).nodes.count == 4)
    }

    @Test("it walks the network file forward before it judges")
    func editions() async throws {
        let second = try bench.next()
        let third = try second.next()
        let next = try third.consensus(nodes)
        let both = [2: second.root.bytes, 3: third.root.bytes] as [UInt32: [UInt8]]
        // A gap, a forged edition, and the whole way.
        let gap = await refresh([ScriptedSource("gap", next.bytes, documents: all, editions: [3: third.root.bytes])])
        #expect(gap.counts == [.networkFile: 1] && gap.editions.isEmpty)
        let forged = try AuthorityBench(3).next().root.bytes
        let lie = await refresh([ScriptedSource("liar", next.bytes, documents: all, editions: [2: forged])])
        #expect(lie.counts == [.networkFile: 1])
        #expect(try cache.loadRoot() == bench.root)
        let outcome = await refresh([ScriptedSource("honest", next.bytes, documents: all, editions: both)])
        #expect(outcome.result == .updated && outcome.editions == [2, 3])
        #expect(outcome.summary.hasSuffix(", network file now version 3"))
        #expect(try cache.loadRoot() == third.root)
        // What claims an edition that is nowhere costs a bounded number of questions.
        let endless = String(decoding: next.bytes, as: UTF8.self)
            .replacing("network-version 3 ", with: "network-version 4000000 ")
        let source = ScriptedSource("endless", Array(endless.utf8))
        #expect(await refresh([source]).counts == [.networkFile: 1])
        #expect(source.asked <= 3)
    }
}
