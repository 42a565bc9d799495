// Fetches the statements of opt-outs that the descriptors of listed nodes name. A statement is believed if it is signed by
// its node and has the digest that the descriptor names, so that it does not matter who gives it.

internal import Daemon
public import Directory
public import WireFormat

/// One attempt to have all statements of a network.
public struct OptOutRefresh: Sendable {
    /// What came of it.
    public struct Outcome: Hashable, Sendable {
        /// Statements that are new here.
        public var fetched = 0
        /// Those that were to be had nowhere, or are not what their descriptors name: older ones stay in force.
        public var missing = 0
        /// Those for which there is no room.
        public var full = 0
        /// Those that were removed, because nobody stands for them any more.
        public var removed = 0
        /// Answers that were not what was asked for.
        public var untrue = 0
        /// Whether the disk did not take one.
        public var storageFailed = false

        /// Whether the list has to be read again.
        public var isChanged: Bool { fetched > 0 || removed > 0 }

        public init() {}
    }

    /// Most sources that are asked for one statement.
    public static let maximumSources = 6

    private let cache: OptOutCache
    private let network: Network
    private let patience: Duration
    private var outcome = Outcome()
    /// Names of sources that gave what was not asked for: they are not asked again in this run.
    private var done: Set<String> = []

    /// Fetches what is missing, from one source after another in random order. Never throws.
    /// - Parameters:
    ///   - cache: where statements are kept, beside the descriptors.
    ///   - network: the consensus with its descriptors.
    public static func run(
        _ cache: DirectoryCache, network: Network, sources: [any DirectorySource], now: Timestamp
    ) async -> Outcome {
        var run = OptOutRefresh(
            cache: OptOutCache(cache), network: network, patience: SourceDeadline.patience)
        await run.fetch(from: sources)
        run.prune(at: now)
        return run.outcome
    }

    init(cache: OptOutCache, network: Network, patience: Duration) {
        self.cache = cache
        self.network = network
        self.patience = patience
    }

    /// Whether a network is known at all: before that nothing is missing, and nothing is here.
    public static func knows(_ network: Network) -> Bool { !network.nodes.isEmpty }

    /// Whether the statements that descriptors name are all here. Reads and verifies all files.
    public static func isComplete(_ cache: DirectoryCache, network: Network) -> Bool {
        knows(network) && missing(OptOutCache(cache), network).isEmpty
    }

    /// Digests of the statements that descriptors name and that are not here, with their nodes.
    static func missing(_ cache: OptOutCache, _ network: Network) -> [(node: NodeID, digest: Digest)] {
        network.nodes.compactMap { descriptor in
            guard let digest = descriptor.fields.optOuts, OptOutCache.isExit(descriptor.id, in: network),
                network.standing(of: descriptor.id)?.flags.contains(.bad) != true,
                cache.statement(of: descriptor.id, network: network.name)?.digest != digest
            else { return nil }
            return (descriptor.id, digest)
        }
    }

    private mutating func fetch(from sources: [any DirectorySource]) async {
        for (node, digest) in Self.missing(cache, network).shuffled() where !Task.isCancelled {
            guard let statement = await statement(digest, of: node, from: sources) else {
                outcome.missing += 1
                continue
            }
            do {
                switch try cache.keep(statement, in: network) {
                case .stored: outcome.fetched += 1
                case .known: break
                case .full: outcome.full += 1
                }
            } catch {
                outcome.storageFailed = true
                return
            }
        }
    }

    private mutating func statement(
        _ digest: Digest, of node: NodeID, from sources: [any DirectorySource]
    ) async -> OptOutStatement? {
        for source in sources.shuffled().prefix(Self.maximumSources)
        where !done.contains(source.name) && !Task.isCancelled {
            let answer = await SourceDeadline.answer(within: patience) {
                do throws(FetchError) {
                    return Result<[UInt8], FetchError>.success(try await source.document(digest))
                } catch {
                    return .failure(error)
                }
            }
            guard case .success(let bytes) = answer else { continue }
            if let found = try? UnverifiedOptOutStatement(bytes), found.digest == digest, found.node == node,
                let verified = try? found.verify(network: network.name)
            {
                return verified
            }
            outcome.untrue += 1
            done.insert(source.name)
        }
        return nil
    }

    private mutating func prune(at now: Timestamp) {
        do { outcome.removed = try cache.prune(network, at: now) } catch { outcome.storageFailed = true }
    }
}
