// Fetches the statements of opt-outs that the descriptors of listed nodes name. A statement is believed if it is signed by
// its node and has the digest that the descriptor names, so that it does not matter who gives it. Files are read once, and
// signatures checked, on threads that may wait.

internal import Daemon
public import Directory
internal import NIOPosix
public import WireFormat

/// One attempt to have all statements of a network.
public struct OptOutRefresh: Sendable {
    /// What came of it.
    public struct Outcome: Sendable {
        /// Statements that are new here.
        public var fetched = 0
        /// Those that were to be had nowhere, or are not what their descriptors name: older ones stay in force.
        public var missing = 0
        /// Those that were not asked for: they were to be had nowhere lately, or there was no time or nobody to ask.
        public var putOff = 0
        /// Those for which there is no room.
        public var full = 0
        /// Those that were removed, because nobody stands for them any more.
        public var removed = 0
        /// Answers that were not what was asked for.
        public var untrue = 0
        /// Whether the disk did not take one.
        public var storageFailed = false
        /// All statements that are here now, verified; nil if the run was cut off before they were read.
        public var statements: [OptOutStatement]?

        /// Whether something came or went.
        public var isChanged: Bool { fetched > 0 || removed > 0 }
        /// Whether all that descriptors name is here.
        public var isComplete: Bool { statements != nil && missing == 0 && putOff == 0 && !storageFailed }

        public init() {}
    }

    /// Most sources that are asked for one statement.
    public static let maximumSources = 6
    /// How long a run may take, real time: whoever waits for it has more to keep new than this. What is left is asked for in the
    /// next one, in another order.
    public static let longestRun = Duration.seconds(120)
    /// A source that was not reached so often is not asked again in this run.
    static let patienceWithSources = 2

    private let cache: OptOutCache
    private let network: Network
    private let misses: OptOutMisses
    private let now: Timestamp
    private let patience: Duration
    private let end: ContinuousClock.Instant
    private var outcome = Outcome()
    private var kept: [NodeID: OptOutStatement] = [:]
    /// Names of sources that gave what was not asked for: they are not asked again in this run.
    private var done: Set<String> = []
    private var failures: [String: Int] = [:]

    /// Fetches what is missing, from one source after another in random order. Never throws.
    /// - Parameters:
    ///   - cache: where statements are kept, beside the descriptors.
    ///   - network: the consensus with its descriptors.
    ///   - others: sources for what `sources` do not have.
    ///   - misses: what was not to be had in earlier runs.
    public static func run(
        _ cache: DirectoryCache, network: Network, sources: [any DirectorySource],
        then others: [any DirectorySource] = [], misses: OptOutMisses = OptOutMisses(), now: Timestamp
    ) async -> Outcome {
        await run(cache, network, [sources, others], misses, at: now, limit: longestRun)
    }

    static func run(
        _ cache: DirectoryCache, _ network: Network, _ stages: [[any DirectorySource]], _ misses: OptOutMisses,
        at now: Timestamp, limit: Duration, patience: Duration = SourceDeadline.patience
    ) async -> Outcome {
        var run = OptOutRefresh(
            cache: OptOutCache(cache), network: network, misses: misses, now: now, patience: patience,
            end: .now + limit)
        guard let kept = await blocking({ [cache = run.cache] in cache.statements(network.name) }) else {
            return run.outcome
        }
        run.kept = Dictionary(kept.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
        await run.fetch(from: stages)
        await run.prune()
        run.outcome.statements = run.kept.keys.sorted().compactMap { run.kept[$0] }
        return run.outcome
    }

    private init(
        cache: OptOutCache, network: Network, misses: OptOutMisses, now: Timestamp, patience: Duration,
        end: ContinuousClock.Instant
    ) {
        self.cache = cache
        self.network = network
        self.misses = misses
        self.now = now
        self.patience = patience
        self.end = end
    }

    /// Nil if the task was cancelled before it began.
    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        try? await NIOThreadPool.singleton.runIfActive(body)
    }

    /// Whether a network is known at all: before that nothing is missing, and nothing is here.
    public static func knows(_ network: Network) -> Bool { !network.nodes.isEmpty }

    /// Whether the statements that descriptors name are among these.
    public static func isComplete(_ statements: [OptOutStatement], network: Network) -> Bool {
        knows(network)
            && missing(Dictionary(grouping: statements, by: \.node).compactMapValues(\.first), network).isEmpty
    }

    /// Digests of the statements that descriptors name and that are not here, with their nodes.
    static func missing(_ kept: [NodeID: OptOutStatement], _ network: Network) -> [(node: NodeID, digest: Digest)] {
        network.nodes.compactMap { descriptor in
            guard let digest = descriptor.fields.optOuts, OptOutCache.isExit(descriptor.id, in: network),
                network.standing(of: descriptor.id)?.flags.contains(.bad) != true,
                kept[descriptor.id]?.digest != digest
            else { return nil }
            return (descriptor.id, digest)
        }
    }

    private mutating func fetch(from stages: [[any DirectorySource]]) async {
        let missing = Self.missing(kept, network)
        misses.keep(Set(missing.map(\.digest)))
        for (node, digest) in missing.shuffled() {
            guard !Task.isCancelled, !outcome.storageFailed, ContinuousClock.now < end,
                misses.isDue(digest, at: now)
            else {
                outcome.putOff += 1
                continue
            }
            switch await ask(for: digest, of: node, stages) {
            case .found(let statement): await keep(statement)
            case .missing:
                outcome.missing += 1
                misses.note(digest, slot: network.root.parameters.slotLength, at: now)
            case .nobodyAnswered: outcome.putOff += 1
            }
        }
    }

    private mutating func keep(_ statement: OptOutStatement) async {
        let (cache, network) = (cache, network)
        let result = await Self.blocking { Result { try cache.keep(statement, in: network) } }
        switch result {
        case .success(.stored)?:
            outcome.fetched += 1
            kept[statement.node] = statement
            // Others may have made room.
            let names = cache.nodes()
            kept = kept.filter { names.contains($0.key) }
        case .success(.known)?: break
        case .success(.full)?: outcome.full += 1
        case .failure?: outcome.storageFailed = true
        case nil: outcome.putOff += 1
        }
    }

    private enum Answer {
        case found(OptOutStatement)
        /// Somebody answered, and nobody had it.
        case missing
        /// Nobody was reached: that says nothing about the statement.
        case nobodyAnswered
    }

    private mutating func ask(
        for digest: Digest, of node: NodeID, _ stages: [[any DirectorySource]]
    ) async -> Answer {
        var hasAnswered = false
        for sources in stages {
            for source in sources.shuffled().prefix(Self.maximumSources)
            where !done.contains(source.name) && failures[source.name, default: 0] < Self.patienceWithSources {
                let left = ContinuousClock.now.duration(to: end)
                guard !Task.isCancelled, left > .zero else { return .nobodyAnswered }
                let answer = await SourceDeadline.answer(within: min(patience, left)) {
                    do throws(FetchError) {
                        return Result<[UInt8], FetchError>.success(try await source.document(digest))
                    } catch {
                        return .failure(error)
                    }
                }
                switch answer {
                case .success(let bytes):
                    hasAnswered = true
                    if let found = await judge(bytes, digest, node) { return .found(found) }
                    outcome.untrue += 1
                    done.insert(source.name)
                case .failure(.notFound): hasAnswered = true
                case .failure: failures[source.name, default: 0] += 1
                }
            }
        }
        return hasAnswered ? .missing : .nobodyAnswered
    }

    /// The statement, if it is what was asked for.
    private func judge(_ bytes: [UInt8], _ digest: Digest, _ node: NodeID) async -> OptOutStatement? {
        let network = network.name
        return await Self.blocking { () -> OptOutStatement? in
            guard let found = try? UnverifiedOptOutStatement(bytes), found.digest == digest, found.node == node else {
                return nil
            }
            return try? found.verify(network: network)
        } ?? nil
    }

    private mutating func prune() async {
        let (cache, network, now, kept) = (cache, network, now, kept)
        switch await Self.blocking({ Result { try cache.prune(kept, in: network, at: now) } }) {
        case .success(let gone)?:
            outcome.removed = gone.count
            for node in gone { self.kept[node] = nil }
        case .failure?: outcome.storageFailed = true
        case nil: break
        }
    }
}
