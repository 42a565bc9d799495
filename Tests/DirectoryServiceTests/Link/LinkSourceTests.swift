import Directory
import MMTP
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

@Suite("Nodes as sources of the directory")
struct LinkSourceTests {
    private static let now = AuthorityBench.now
    private static func link(_ number: UInt64) -> ConsensusLink {
        ConsensusLink(slot: Slot(number), digest: .sha256(Array("consensus \(number)".utf8)))
    }

    /// Asks and gives the error.
    private func failure(
        _ reply: @escaping @Sendable (DirectoryRequest) -> NodeStandIn.Reply, deadline: Interval = .minutes(2),
        _ ask: (LinkSource) async throws(FetchError) -> Void
    ) async throws -> FetchError? {
        let link = try await StandInLink.start(NodeStandIn(reply))
        let source = try link.source(deadline: deadline)
        var found: FetchError?
        do throws(FetchError) { try await ask(source) } catch { found = error }
        await link.stop()
        return found
    }

    @Test("a cache is filled from a node, and completed when something is new", .timeLimit(.minutes(2)))
    func refresh() async throws {
        let bench = try AuthorityBench(3)
        let nodes = try bench.nodes((0..<60).map { "node\($0)" })
        let consensus = try bench.consensus(nodes)
        var shelf = DirectoryShelf()
        shelf.put(networkFile: 1, bytes: bench.root.bytes)
        shelf.put(consensus.link, bytes: consensus.bytes, documents: nodes.map { ($0.digest, $0.bytes) })
        let link = try await StandInLink.start(NodeStandIn(shelf))
        let directory = try TemporaryDirectory("link-cache")
        let cache = DirectoryCache(directory: directory.file("cache"))
        try cache.install(root: bench.root.bytes)
        let first = await DirectoryRefresh.run(cache, sources: [try link.source()], now: Self.now)
        #expect(first.result == .updated && first.failures.isEmpty, "\(first.warnings)")
        let network = try cache.load(at: Self.now)
        #expect(network.nodes.count == 60 && network.missing.isEmpty)
        // Nothing was told of what the asker has.
        #expect(link.standIn.questions.allSatisfy { $0.newest == nil })
        // One consensus in one block, the descriptors in as few as they fill, none twice.
        let bundle = nodes.reduce(0) { $0 + $1.bytes.count }
        #expect(
            link.standIn.questions.count == DirectoryBlock.count(of: consensus.bytes.count)
                + DirectoryBlock.count(of: bundle))
        let again = await DirectoryRefresh.run(cache, sources: [try link.source()], now: Self.now)
        #expect(again.result == .current)
        await link.stop()

        // Another consensus for the same slot, as a node has it that was lied to.
        let other = try bench.consensus(nodes.dropLast())
        var lied = DirectoryShelf()
        lied.put(other.link, bytes: other.bytes, documents: [])
        let liar = try await StandInLink.start(NodeStandIn(lied))
        let fork = await DirectoryRefresh.run(cache, sources: [try liar.source()], now: Self.now)
        #expect(fork.sawFork)
        #expect(cache.forks().count == 1)
        await liar.stop()
    }

    @Test("what a node has comes whole; what it does not have is not found", .timeLimit(.minutes(2)))
    func documents() async throws {
        var generator = SeededRandom(name: "link documents")
        let bench = try AuthorityBench(1)
        let nodes = try bench.nodes((0..<40).map { "node\($0)" })
        let consensus = generator.bytes(200_000)
        var shelf = DirectoryShelf()
        shelf.put(Self.link(9), bytes: consensus, documents: nodes.map { ($0.digest, $0.bytes) })
        shelf.put(networkFile: 3, bytes: [1, 2, 3])
        let link = try await StandInLink.start(NodeStandIn(shelf))
        let source = try link.source(newest: { Self.link(8) })
        #expect(try await source.consensus(newerThan: nil) == consensus)
        #expect(try await source.consensus(newerThan: Self.link(8)) == consensus)
        #expect(try await source.consensus(newerThan: Self.link(9)) == nil)
        #expect(try await source.consensus(newerThan: Self.link(10)) == nil)
        let other = ConsensusLink(slot: Slot(9), digest: Digest())
        #expect(try await source.consensus(newerThan: other) == consensus)
        #expect(try await source.networkFile(nil) == [1, 2, 3])
        #expect(try await source.networkFile(3) == [1, 2, 3])
        #expect(try await source.document(nodes[7].digest) == nodes[7].bytes)
        #expect(try await source.document(Self.link(9).digest) == consensus)
        let wanted = [nodes[3], nodes[30]]
        let found = try await source.descriptors(wanted.map(\.digest) + [Digest()], outOf: 40)
        #expect(Set(found) == Set(wanted.map(\.bytes)))
        #expect(try await source.descriptors([Digest()], outOf: 40).isEmpty)
        #expect(try await source.descriptors([], outOf: 40).isEmpty)
        await #expect(throws: FetchError.notFound) { try await source.networkFile(4) }
        await #expect(throws: FetchError.notFound) { try await source.document(Digest()) }
        #expect(link.standIn.questions.allSatisfy { $0.newest == Self.link(8) })
        await link.stop()
    }

    @Test("more descriptors than fit into one question are asked for in several", .timeLimit(.minutes(2)))
    func manyDigests() async throws {
        let bench = try AuthorityBench(1)
        let nodes = try bench.nodes(["ada", "ben"])
        var shelf = DirectoryShelf()
        shelf.put(Self.link(1), bytes: [1], documents: nodes.map { ($0.digest, $0.bytes) })
        let link = try await StandInLink.start(NodeStandIn(shelf))
        let unknown = (0..<1500).map { Digest.sha256(Array("unknown \($0)".utf8)) }
        let found = try await link.source().descriptors(unknown + nodes.map(\.digest), outOf: 2000)
        #expect(Set(found) == Set(nodes.map(\.bytes)))
        await link.stop()
    }

    @Test("blocks that are garbage, too large or do not fit together end the question", .timeLimit(.minutes(2)))
    func lies() async throws {
        let consensus: (LinkSource) async throws(FetchError) -> Void = { source throws(FetchError) in
            _ = try await source.consensus(newerThan: nil)
        }
        let full = [UInt8](repeating: 7, count: DirectoryBlock.capacity)
        @Sendable func part(_ block: UInt32, of total: Int, newest: ConsensusLink? = Self.link(5)) -> NodeStandIn.Reply {
            let range = DirectoryBlock.range(of: block, total: total)
            guard let range,
                let made = DirectoryBlock(Array(full[..<range.count]), block: block, total: total, newest: newest)
            else { return .closed }
            return .block(made)
        }
        let capacity = DirectoryBlock.capacity
        #expect(
            try await failure({ _ in .bytes([UInt8](repeating: 0xFF, count: 32_768)) }, consensus)
                == .malformed("not a block of the directory"))
        // Larger than a consensus may be, said in the first block: nothing more is asked for.
        #expect(try await failure({ part($0.block, of: 40 << 20) }, consensus) == .tooLarge(Consensus.maximumSize))
        let second = FetchError.malformed("its blocks do not fit together")
        #expect(try await failure({ part($0.block, of: capacity * ($0.block == 0 ? 3 : 4)) }, consensus) == second)
        #expect(try await failure({ _ in part(0, of: 2 * capacity) }, consensus) == second)
        #expect(
            try await failure({ _ in part(1, of: 2 * capacity) }, consensus)
                == .malformed("another block than was asked for"))
        #expect(try await failure({ _ in part(0, of: 5, newest: nil) }, consensus) == .notFound)
        let unknown = DirectoryBlock.without(.unknown, newest: nil)
        #expect(
            try await failure({ $0.block == 0 ? part(0, of: 3 * capacity) : .block(unknown) }, consensus) == .notFound)
        #expect(
            try await failure({ _ in .block(.without(.busy, newest: nil)) }, consensus)
                == .unreachable("the node is busy"))
        #expect(
            try await failure({ _ in .rejected(.busy) }, consensus)
                == .unreachable("the node does not answer questions now"))
        #expect(try await failure({ _ in .closed }, consensus) == .closed)
        #expect(try await failure({ $0.block == 0 ? part(0, of: 9 * capacity) : .closed }, consensus) == .closed)
    }

    @Test("a node that says nothing, or one block now and then, is left when the time is up", .timeLimit(.minutes(2)))
    func slow() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let silent = try await failure({ _ in .silence }, deadline: .seconds(1)) { source throws(FetchError) in
            _ = try await source.consensus(newerThan: nil)
        }
        #expect(silent == .timeout)
        let full = [UInt8](repeating: 7, count: DirectoryBlock.capacity)
        let dripping = try await failure(
            { request in
                guard request.block < 4,
                    let block = DirectoryBlock(
                        full, block: request.block, total: full.count * 100, newest: Self.link(5))
                else { return .silence }
                return .block(block)
            }, deadline: .seconds(1)
        ) { source throws(FetchError) in
            _ = try await source.consensus(newerThan: nil)
        }
        #expect(dripping == .timeout)
        #expect(start.duration(to: clock.now) < .seconds(60))
    }

    @Test("a question that nobody waits for any more ends", .timeLimit(.minutes(2)))
    func cancelled() async throws {
        let link = try await StandInLink.start(NodeStandIn { _ in .silence })
        let source = try link.source()
        let task = Task { () -> FetchError? in
            do throws(FetchError) { _ = try await source.document(Digest()) } catch { return error }
            return nil
        }
        while link.standIn.questions.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        #expect(await task.value == .cancelled)
        await link.stop()
    }

    @Test("another node at the address, or none, is not reached", .timeLimit(.minutes(2)))
    func otherNode() async throws {
        let link = try await StandInLink.start(NodeStandIn { _ in .closed })
        var generator = SeededRandom(name: "other node")
        let wrong = try link.source(node: .random(using: &generator))
        await #expect(throws: FetchError.unreachable(DialFailure.wrongIdentity.description)) {
            try await wrong.document(Digest())
        }
        await link.stop()
        await #expect(throws: FetchError.self) { try await link.source().document(Digest()) }
    }
}
