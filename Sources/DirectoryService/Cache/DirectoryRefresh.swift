// One attempt to get something newer: sources in random order, one after another, until one of them helps. Nothing that a
// source says is believed; what it gives is verified as if an enemy had sent it (doc/DIRECTORY.md, what clients and nodes keep).

internal import Daemon
public import Directory
public import WireFormat

/// A refresh of a cache.
public struct DirectoryRefresh: Sendable {
    /// Most sources that are asked in one run.
    public static let maximumSources = 12
    /// Most editions of the network file that are fetched from one source.
    static let maximumEditions = 64
    /// One descriptor of so many may be missing: more, and whoever withholds them would choose our nodes.
    static let missingShare = 4

    private let cache: DirectoryCache
    private let now: Timestamp
    private var outcome = RefreshOutcome()
    /// Names of sources that gave what is not true, or nothing: they are not asked again in this run.
    private var done: Set<String> = []

    private init(_ cache: DirectoryCache, now: Timestamp) {
        self.cache = cache
        self.now = now
    }

    /// Asks until one source has helped, and says what came of it. Never throws: what fails is told in the outcome.
    /// - Parameter sources: in any order; they are asked in a random one.
    public static func run(
        _ cache: DirectoryCache, sources: [any DirectorySource], now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) async -> RefreshOutcome {
        let order = sources.shuffled(using: &generator)
        var run = DirectoryRefresh(cache, now: now)
        await run.ask(Array(order.prefix(maximumSources)))
        return run.outcome
    }

    /// As above, in an order from the system's randomness.
    public static func run(
        _ cache: DirectoryCache, sources: [any DirectorySource], now: Timestamp
    ) async -> RefreshOutcome {
        var generator = SystemRandomNumberGenerator()
        return await run(cache, sources: sources, now: now, using: &generator)
    }

    /// Why a source is done with.
    private struct Refusal: Error {
        let problem: RefreshProblem
        let reason: String
    }

    private mutating func ask(_ sources: [any DirectorySource]) async {
        var rest = sources[...]
        while let source = rest.popFirst(), !Task.isCancelled {
            guard !done.contains(source.name) else { continue }
            outcome.asked += 1
            do throws(Refusal) {
                guard let certified = try await offer(of: source) else {
                    // A source that lags says the same; while ours is fresh that does not matter.
                    if outcome.source == nil { outcome.source = source.name }
                    outcome.result = .current
                    if outcome.consensus?.age(at: now) == .fresh { break }
                    continue
                }
                try await install(certified, from: [source] + rest)
                break
            } catch {
                note(error, source)
                if error.problem == .storage { break }
            }
        }
        if outcome.result != .updated, let newest = try? cache.newest() { outcome.consensus = newest }
    }

    /// What a source has that is newer: verified, of the newest edition of the network file. Nil if nothing is.
    private mutating func offer(of source: any DirectorySource) async throws(Refusal) -> CertifiedConsensus? {
        var root = try read { try $0.loadRoot() }
        let have = cache.readConsensus(root)
        outcome.consensus = have
        let answer: [UInt8]?
        do throws(FetchError) { answer = try await source.consensus(newerThan: have?.link) } catch {
            throw Self.refusal(error)
        }
        guard let bytes = answer else {
            if let have { try await complete(have, from: source, root: root) }
            return nil
        }
        if let offered = try? UnverifiedConsensus(bytes), offered.networkName == root.name {
            root = try await walk(root, to: offered.networkVersion, with: source)
        }
        let certified: CertifiedConsensus
        do { certified = try cache.judge(bytes, root: root, have: have, now: now) } catch {
            throw refusal(error, source)
        }
        guard certified.link != have?.link else {
            try await complete(certified, from: source, root: root)
            return nil
        }
        return certified
    }

    /// Installs the editions of the network file from the one that is here up to `version`.
    private mutating func walk(
        _ root: NetworkFile, to version: UInt32, with source: any DirectorySource
    ) async throws(Refusal) -> NetworkFile {
        var root = root
        var steps = 0
        while root.version < version {
            steps += 1
            guard steps <= Self.maximumEditions else {
                throw Refusal(problem: .networkFile, reason: "it names version \(version) of the network file")
            }
            let bytes: [UInt8]
            do throws(FetchError) { bytes = try await source.networkFile(root.version + 1) } catch {
                let reason = "version \(root.version + 1) of the network file: \(error)"
                throw Refusal(problem: .networkFile, reason: reason)
            }
            do {
                root = try cache.install(root: bytes).root
            } catch let error as CommandFailure {
                throw Refusal(problem: .storage, reason: error.message)
            } catch {
                throw Refusal(problem: .networkFile, reason: "\(error)")
            }
            outcome.editions.append(root.version)
        }
        return root
    }

    /// Fetches descriptors that a consensus here lacks; a failure of that keeps nothing else from going on.
    private mutating func complete(
        _ certified: CertifiedConsensus, from source: any DirectorySource, root: NetworkFile
    ) async throws(Refusal) {
        let listed = ListedDescriptors(certified.consensus, root: root, known: cache.readDescriptors(root))
        guard !listed.missing.isEmpty else { return }
        let found = await fetch(listed.missing, of: certified, network: root.name, from: [source])
        try store(certified, found, from: source)
    }

    private mutating func install(
        _ certified: CertifiedConsensus, from sources: [any DirectorySource]
    ) async throws(Refusal) {
        let root = try read { try $0.loadRoot() }
        let listed = ListedDescriptors(certified.consensus, root: root, known: cache.readDescriptors(root))
        let found = await fetch(listed.missing, of: certified, network: root.name, from: sources)
        let missing = listed.missing.count - found.count
        guard missing * Self.missingShare <= certified.consensus.nodes.count else {
            outcome.missing = missing
            throw Refusal(
                problem: .incomplete,
                reason:
                    "\(missing) of \(certified.consensus.nodes.count) descriptors of slot \(certified.slot) could not be "
                    + "fetched; its consensus is not used, as whoever withholds them could choose your nodes")
        }
        try store(certified, found, from: sources[0])
        outcome.result = .updated
        outcome.source = sources[0].name
    }

    /// Asks one source after another for what is still missing.
    private mutating func fetch(
        _ digests: [Digest], of certified: CertifiedConsensus, network: String, from sources: [any DirectorySource]
    ) async -> [Digest: Descriptor] {
        var wanted = Set(digests)
        var found: [Digest: Descriptor] = [:]
        let total = certified.consensus.nodes.count
        for source in sources where !wanted.isEmpty && !done.contains(source.name) && !Task.isCancelled {
            do throws(FetchError) {
                let documents = try await source.descriptors(wanted.sorted(), outOf: total)
                let good = ListedDescriptors.verified(documents, network: network, wanted: wanted)
                found.merge(good) { old, _ in old }
                wanted.subtract(good.keys)
                if good.isEmpty, !documents.isEmpty {
                    let reason = "its descriptors are not those that the consensus names"
                    note(Refusal(problem: .untrue, reason: reason), source)
                }
            } catch {
                let refusal = Self.refusal(error)
                note(Refusal(problem: refusal.problem, reason: "descriptors: \(refusal.reason)"), source)
            }
        }
        outcome.fetched += found.count
        return found
    }

    private mutating func store(
        _ certified: CertifiedConsensus, _ found: [Digest: Descriptor], from source: any DirectorySource
    ) throws(Refusal) {
        do {
            let installed = try cache.install(certified, descriptors: found, now: now)
            outcome.consensus = installed.consensus
            outcome.missing = installed.missing.count
            outcome.refused = installed.refused
        } catch {
            // Another process may have installed something newer meanwhile.
            throw refusal(error, source)
        }
    }

    private mutating func note(_ refusal: Refusal, _ source: any DirectorySource) {
        let name = refusal.problem == .storage || refusal.problem == .incomplete ? nil : source.name
        if refusal.problem.endsSource { done.insert(source.name) }
        outcome.failures.append(RefreshFailure(problem: refusal.problem, source: name, reason: refusal.reason))
    }

    private func read<Value>(_ body: (DirectoryCache) throws -> Value) throws(Refusal) -> Value {
        do { return try body(cache) } catch { throw Refusal(problem: .storage, reason: "\(error)") }
    }

    private static func refusal(_ error: FetchError) -> Refusal {
        Refusal(problem: error == .notFound ? .notFound : .unreachable, reason: error.description)
    }

    /// Why a consensus was not taken.
    private func refusal(_ error: any Error, _ source: any DirectorySource) -> Refusal {
        switch error {
        case ConsensusError.rollback(let have, let offered):
            // A mirror that is some slots behind is no news; one that is far behind may want us to stay in the past.
            if let root = try? cache.loadRoot(),
                root.slots.start(of: have) - root.slots.start(of: offered) > root.parameters.freshFor
            {
                try? cache.evidence.noteRollback(offered, have: have, source: source.name, now: now)
            }
            return Refusal(problem: .behind, reason: "\(error)")
        case ConsensusError.expired, ConsensusError.notYet: return Refusal(problem: .untimely, reason: "\(error)")
        case DirectoryCacheError.fork: return Refusal(problem: .fork, reason: "\(error)")
        case let error as CommandFailure: return Refusal(problem: .storage, reason: error.message)
        default: return Refusal(problem: .untrue, reason: "\(error)")
        }
    }
}

extension NetworkFile {
    /// Where the network file says that its directory is served: its authorities and their mirrors.
    public var directoryURLs: [String] { authorities.flatMap(\.urls) + mirrors }
}
