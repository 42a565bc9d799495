import Directory
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import DirectoryService

/// Fetching statements over HTTP: what nobody has is asked for less and less, and no run takes for ever.
@Suite struct OptOutRefreshTests {
    /// Serves statements, and counts what it was asked for.
    private final class Shelf: DirectoryBackend {
        private let state = Mutex<(documents: [Digest: [UInt8]], asked: Int)>(([:], 0))
        var asked: Int { state.withLock { $0.asked } }

        func put(_ statement: OptOutStatement, under digest: Digest? = nil) {
            state.withLock { $0.documents[digest ?? statement.digest] = statement.bytes }
        }

        func served(_ route: DirectoryRoute) async throws -> ServedDocument? {
            guard case .document(let digest) = route else { return nil }
            return state.withLock { state in
                state.asked += 1
                return state.documents[digest].map { ServedDocument($0, tag: digest, lifetime: .forever) }
            }
        }

        func receive(_ bytes: [UInt8], as kind: DirectoryUpload) async -> UploadVerdict { .malformed("") }
    }

    private let directory: TemporaryDirectory
    private let cache: DirectoryCache
    private let client = DirectoryHTTPClient()
    private let now = OptOutCacheTests.now

    init() throws {
        directory = try TemporaryDirectory("opt-outs")
        cache = DirectoryCache(directory: directory.file("cache"))
    }

    /// A network of exits that name these statements.
    private func network(_ statements: [OptOutStatement]) throws -> Network {
        let nodes = try statements.enumerated().map { index, statement in
            try OptOutCacheTests.node(
                UInt8(index + 1), "8.\(index + 1).4.4", Capability.Name.smtp, naming: statement.digest)
        }
        let (network, authority) = try OptOutCacheTests.network(nodes)
        if !cache.isInstalled { try cache.install(root: authority.root.bytes) }
        return network
    }

    private static func statements(_ count: Int) throws -> [OptOutStatement] {
        try (1...count).map { try OptOutCacheTests.statement(UInt8($0), OptOutCacheTests.hashes(2, UInt8($0))) }
    }

    private func source(_ server: RunningServer) throws -> any DirectorySource {
        try HTTPSource(url: server.url, client: client)
    }

    @Test func whatNobodyHasIsAskedForLessAndLess() async throws {
        let statement = try Self.statements(1)[0]
        let network = try network([statement])
        let shelf = Shelf()
        let server = try await RunningServer(shelf)
        let source = try source(server)
        let misses = OptOutMisses()
        func run(after pause: Interval) async -> OptOutRefresh.Outcome {
            await OptOutRefresh.run(cache, network: network, sources: [source], misses: misses, now: now + pause)
        }
        var due: Int64 = 0
        for (round, pause) in ([10, 20, 40, 80, 160, 320, 320, 320] as [Int64]).enumerated() {
            if round > 0 {
                #expect(await run(after: .minutes(due) - .seconds(1)).putOff == 1)
                #expect(shelf.asked == round)
            }
            let outcome = await run(after: .minutes(due))
            #expect(outcome.missing == 1 && outcome.putOff == 0 && !outcome.isComplete)
            #expect(shelf.asked == round + 1)
            due += pause
        }
        // A clock that was set back prolongs nothing.
        #expect(await run(after: .zero).missing == 1)
        // What another descriptor names is asked for at once, and what nobody names any more is forgotten.
        let other = try OptOutCacheTests.statement(1, OptOutCacheTests.hashes(3, 9))
        shelf.put(other)
        let changed = try self.network([other])
        let outcome = await OptOutRefresh.run(cache, network: changed, sources: [source], misses: misses, now: now)
        #expect(outcome.fetched == 1 && outcome.isComplete && outcome.statements?.map(\.digest) == [other.digest])
        #expect(misses.count == 0)
        #expect(OptOutCache(cache).statements("testing").map(\.digest) == [other.digest])
        server.stop()
    }

    @Test func whoIsNotReachedSaysNothingOfAStatement() async throws {
        let statements = try Self.statements(5)
        let network = try network(statements)
        let misses = OptOutMisses()
        let dead = ScriptedSource("dead", failure: .unreachable("refused"))
        let outcome = await OptOutRefresh.run(cache, network: network, sources: [dead], misses: misses, now: now)
        #expect(outcome.putOff == 5 && outcome.missing == 0 && misses.count == 0)
        #expect(dead.asked == OptOutRefresh.patienceWithSources)
        // So all is had at once from whoever answers; one who has nothing is followed by others.
        let (full, empty) = (Shelf(), Shelf())
        for statement in statements { full.put(statement) }
        let servers = [try await RunningServer(empty), try await RunningServer(full)]
        let next = await OptOutRefresh.run(
            cache, network: network, sources: [dead, try source(servers[0])], then: [try source(servers[1])],
            misses: misses, now: now)
        #expect(next.fetched == 5 && next.isComplete && empty.asked == 5 && full.asked == 5)
        #expect(Set(next.statements?.map(\.digest) ?? []) == Set(statements.map(\.digest)))
        for server in servers { server.stop() }
    }

    @Test func whoGivesSomethingElseIsNotAskedAgain() async throws {
        let statements = try Self.statements(4)
        let network = try network(statements)
        let shelf = Shelf()
        for statement in statements { shelf.put(statements[0], under: statement.digest) }
        let server = try await RunningServer(shelf)
        let misses = OptOutMisses()
        let outcome = await OptOutRefresh.run(
            cache, network: network, sources: [try source(server)], misses: misses, now: now)
        // That of the first is true, if it was asked for before.
        #expect(outcome.untrue == 1 && outcome.missing == 1 && outcome.fetched <= 1)
        #expect(outcome.fetched + outcome.missing + outcome.putOff == 4 && misses.count == 1)
        server.stop()
    }

    @Test(.timeLimit(.minutes(1))) func noRunTakesForEver() async throws {
        let network = try network(try Self.statements(30))
        let silent = try await (0..<20).asyncMap { _ in
            try await ScriptedServer { _ in try await Task.sleep(for: .seconds(600)) }
        }
        let sources = try silent.map { try HTTPSource(url: $0.url, client: client) }
        let misses = OptOutMisses()
        let start = ContinuousClock.now
        let outcome = await OptOutRefresh.run(
            cache, network, [sources], misses, at: now, limit: .milliseconds(500), patience: .milliseconds(100))
        #expect(outcome.putOff == 30 && outcome.missing == 0 && misses.count == 0)
        #expect(start.duration(to: .now) < .seconds(20))
        for server in silent { server.stop() }
    }
}

extension Range<Int> {
    fileprivate func asyncMap<Value>(_ make: (Int) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for number in self { values.append(try await make(number)) }
        return values
    }
}
