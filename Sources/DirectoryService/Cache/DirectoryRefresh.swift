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

    /// Whether so many descriptors are missing that paths are not to be chosen among the other nodes.
    public static func lacksTooMany(_ missing: Int, of count: Int) -> Bool { missing * missingShare > count }

    private let cache: DirectoryCache
    private let now: Timestamp
    private let need: RefreshNeed
    private let patience: Duration
    private var outcome = RefreshOutcome()
    /// Sources that are still to be asked.
    private var left = 0
    /// Names of sources that gave what is not true, or nothing: they are not asked again in this run.
    private var done: Set<String> = []

    private init(_ cache: DirectoryCache, now: Timestamp, need: RefreshNeed, patience: Duration) {
        self.cache = cache
        self.now = now
        self.need = need
        self.patience = patience
    }

    /// Asks until one source has helped, and says what came of it. Never throws: what fails is told in the outcome.
    /// - Parameters:
    ///   - sources: in any order; they are asked in a random one.
    ///   - need: what has to be had before no more sources are asked.
    public static func run(
        _ cache: DirectoryCache, sources: [any DirectorySource], now: Timestamp, need: RefreshNeed = .fresh,
        using generator: inout some RandomNumberGenerator
    ) async -> RefreshOutcome {
        await run(
            cache, sources: sources, now: now, need: need, patience: SourceDeadline.patience, using: &generator)
    }

    /// As above.
    /// - Parameter patience: how long one source is waited for while there are others, in real time.
    static func run(
        _ cache: DirectoryCache, sources: [any DirectorySource], now: Timestamp, need: RefreshNeed, patience: Duration,
        using generator: inout some RandomNumberGenerator
    ) async -> RefreshOutcome {
        let order = sources.shuffled(using: &generator)
        var run = DirectoryRefresh(cache, now: now, need: need, patience: patience)
        await run.ask(Array(order.prefix(maximumSources)))
        return run.outcome
    }

    /// As above, in an order from the system's randomness.
    public static func run(
        _ cache: DirectoryCache, sources: [any DirectorySource], now: Timestamp, need: RefreshNeed = .fresh
    ) async -> RefreshOutcome {
        var generator = SystemRandomNumberGenerator()
        return await run(cache, sources: sources, now: now, need: need, using: &generator)
    }

    /// Why a source is done with.
    private struct Refusal: Error {
        let problem: RefreshProblem
        let reason: String
    }

    /// A consensus that is newer than ours, with the editions of the network file that lead to it: all verified, none installed.
    private struct Offer {
        let certified: CertifiedConsensus
        let editions: [NetworkFile]
    }

    private mutating func ask(_ sources: [any DirectorySource]) async {
        var rest = sources[...]
        var answered = 0
        while let source = rest.popFirst(), !Task.isCancelled {
            guard !done.contains(source.name) else { continue }
            outcome.asked += 1
            left = rest.count
            do throws(Refusal) {
                if let offer = try await offer(of: source) {
                    try await install(offer, from: [source] + rest)
                } else if outcome.result != .updated {
                    if outcome.source == nil { outcome.source = source.name }
                    outcome.result = .current
                }
                answered += 1
                if isEnough(answered) { break }
            } catch {
                note(error, source)
                if error.problem == .storage { break }
            }
        }
        if outcome.result != .updated, let newest = try? cache.newest() { outcome.consensus = newest }
        await pursue(sources)
    }

    /// Whether nobody else is asked. A source that lags says that there is nothing newer, and so does one that lies.
    private func isEnough(_ answered: Int) -> Bool {
        guard let certified = outcome.consensus, let root = try? cache.loadRoot(),
            !Self.lacksTooMany(outcome.missing, of: certified.consensus.nodes.count)
        else { return false }
        switch need {
        case .fresh where outcome.result == .updated: return true
        case .thisSlot where answered >= RefreshNeed.answersWanted: return true
        case .fresh, .thisSlot: return need.isMet(by: certified, slots: root.slots, now: now)
        }
    }

    /// What a source has that is newer: verified, of the newest edition of the network file. Nil if nothing is.
    private mutating func offer(of source: any DirectorySource) async throws(Refusal) -> Offer? {
        let root = try read { try $0.loadRoot() }
        let have = cache.readConsensus(root)
        outcome.consensus = have
        let answer = try await question(source) { source throws(FetchError) in
            try await source.consensus(newerThan: have?.link)
        }
        guard let bytes = answer else {
            if let have { try await complete(have, from: source, root: root) }
            return nil
        }
        var editions: [NetworkFile] = []
        if let offered = try? UnverifiedConsensus(bytes), offered.networkName == root.name {
            editions = try await walk(root, to: offered.networkVersion, with: source)
        }
        let certified: CertifiedConsensus
        do { certified = try cache.judge(bytes, root: editions.last ?? root, have: have, now: now) } catch {
            throw refusal(error, source)
        }
        guard certified.link != have?.link else {
            try await complete(certified, from: source, root: root)
            return nil
        }
        return Offer(certified: certified, editions: editions)
    }

    /// Fetches the editions of the network file from the one after ours up to `version`, each signed by a quorum of both sets.
    /// They are installed with a consensus that needs them, or not at all: an edition is signed before it is used, and
    /// whoever walked on for a mere claim would refuse what the authorities still make by the edition before.
    private func walk(
        _ root: NetworkFile, to version: UInt32, with source: any DirectorySource
    ) async throws(Refusal) -> [NetworkFile] {
        var editions: [NetworkFile] = []
        while case let last = editions.last ?? root, last.version < version {
            guard editions.count < Self.maximumEditions else {
                throw Refusal(problem: .networkFile, reason: "it names version \(version) of the network file")
            }
            let bytes: [UInt8]
            do throws(Refusal) {
                bytes = try await question(source) { source throws(FetchError) in
                    try await source.networkFile(last.version + 1)
                }
            } catch {
                let reason = "version \(last.version + 1) of the network file: \(error.reason)"
                throw Refusal(problem: .networkFile, reason: reason)
            }
            let next: NetworkFile
            do { next = try UnverifiedNetworkFile(bytes).verify(succeeding: last) } catch {
                throw Refusal(problem: .networkFile, reason: "\(error)")
            }
            guard next.version > last.version else {
                throw Refusal(problem: .networkFile, reason: "it gives version \(next.version) once more")
            }
            editions.append(next)
        }
        return editions
    }

    /// Fetches descriptors that a consensus here lacks; a failure of that keeps nothing else from going on.
    private mutating func complete(
        _ certified: CertifiedConsensus, from source: any DirectorySource, root: NetworkFile
    ) async throws(Refusal) {
        let listed = ListedDescriptors(certified.consensus, root: root, known: cache.readDescriptors(root))
        outcome.missing = listed.missing.count
        guard !listed.missing.isEmpty else { return }
        let found = await fetch(listed.missing, of: certified, network: root.name, from: [source])
        try store(certified, found, from: source)
    }

    private mutating func install(_ offer: Offer, from sources: [any DirectorySource]) async throws(Refusal) {
        let certified = offer.certified
        let root = try read { try $0.loadRoot() }
        let listed = ListedDescriptors(certified.consensus, root: root, known: cache.readDescriptors(root))
        let found = await fetch(listed.missing, of: certified, network: root.name, from: sources)
        let missing = listed.missing.count - found.count
        guard !Self.lacksTooMany(missing, of: certified.consensus.nodes.count) else {
            outcome.missing = missing
            throw Refusal(
                problem: .incomplete,
                reason:
                    "\(missing) of \(certified.consensus.nodes.count) descriptors of slot \(certified.slot) could not be "
                    + "fetched; its consensus is not used, as whoever withholds them could choose your nodes")
        }
        try store(certified, found, editions: offer.editions, from: sources[0])
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
        for (index, source) in sources.enumerated()
        where !wanted.isEmpty && !done.contains(source.name) && !Task.isCancelled {
            let isLast = index == sources.count - 1 && (sources.count > 1 || left == 0)
            do throws(Refusal) {
                let digests = wanted.sorted()
                let documents = try await question(source, descriptors: digests.count, isLast: isLast) {
                    source throws(FetchError) in try await source.descriptors(digests, outOf: total)
                }
                let good = ListedDescriptors.verified(documents, network: network, wanted: wanted)
                found.merge(good) { old, _ in old }
                wanted.subtract(good.keys)
                if good.isEmpty, !documents.isEmpty {
                    let reason = "its descriptors are not those that the consensus names"
                    note(Refusal(problem: .untrue, reason: reason), source)
                }
            } catch {
                note(Refusal(problem: error.problem, reason: "descriptors: \(error.reason)"), source)
            }
        }
        outcome.fetched += found.count
        return found
    }

    private mutating func store(
        _ certified: CertifiedConsensus, _ found: [Digest: Descriptor], editions: [NetworkFile] = [],
        from source: any DirectorySource
    ) throws(Refusal) {
        do {
            let installed = try cache.install(certified, descriptors: found, editions: editions, now: now)
            outcome.editions += editions.map(\.version)
            if let link = installed.contradicts { outcome.contradiction = link }
            outcome.consensus = installed.consensus
            outcome.missing = installed.missing.count
            outcome.refused = installed.refused
        } catch {
            // Another process may have installed something newer meanwhile.
            throw refusal(error, source)
        }
    }

    /// Looks for the consensus that a new one names as the one before it, if ours of that slot is another: a proof, if it is
    /// certified.
    private mutating func pursue(_ sources: [any DirectorySource]) async {
        guard let link = outcome.contradiction else { return }
        left = 1
        for source in sources.prefix(RefreshNeed.answersWanted) where !Task.isCancelled {
            guard
                let bytes = try? await question(
                    source, { source throws(FetchError) in try await source.document(link.digest) }),
                case .fork(let slot)? = try? cache.examine(bytes, claimed: link)
            else { continue }
            outcome.failures.append(
                RefreshFailure(problem: .fork, source: nil, reason: ConsensusError.fork(slot).description))
            return
        }
    }

    /// Asks a source, for no longer than it may take while there are others.
    private func question<Answer: Sendable>(
        _ source: any DirectorySource, descriptors: Int = 0, isLast: Bool? = nil,
        _ body: @escaping @Sendable (any DirectorySource) async throws(FetchError) -> Answer
    ) async throws(Refusal) -> Answer {
        let limit = isLast ?? (left == 0) ? nil : patience + SourceDeadline.perDescriptor * descriptors
        let result = await SourceDeadline.answer(within: limit) {
            do throws(FetchError) { return Result<Answer, FetchError>.success(try await body(source)) } catch {
                return .failure(error)
            }
        }
        do throws(FetchError) { return try result.get() } catch { throw Self.refusal(error) }
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
