// The network as a daemon that uses it knows it: the network file that its operator trusts, walked forward as the authorities
// change, and the newest consensus. It is fetched as clients do it, at times of its own, from the same places.

public import Daemon
public import Directory
public import Logging
public import MMTP
internal import NIOPosix
internal import Synchronization
internal import WireFormat

/// Keeps the directory new, for a program that uses the network and is no node.
public final class NetworkKeeper: Sendable {
    private struct State {
        var network: Network
        /// Why there is no consensus that can be used.
        var problem: String?
        var isHurried = false
        var lastFailed = false
    }

    /// What is kept on the disk.
    public let cache: DirectoryCache
    private let settings: NetworkKeeperSettings
    private let clock: ScaledClock
    private let logger: Logger
    private let counters: EventCounters
    private let http: DirectoryHTTPClient
    private let dialer: MMTPDialer
    private let state: Mutex<State>

    /// Nodes that are asked when nothing answers by HTTP.
    private static let nodesAsked = 3
    /// Lines of a failed refresh that are logged.
    private static let linesTold = 4

    /// Loads what there is.
    /// - Throws: if there is no network file to trust.
    public init(
        _ settings: NetworkKeeperSettings, clock: ScaledClock, dialer: MMTPDialer, logger: Logger,
        counters: EventCounters
    ) throws {
        cache = DirectoryCache(directory: settings.cacheDirectory)
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.dialer = dialer
        var timeouts = DirectoryHTTPClient.Timeouts()
        timeouts.connect = .milliseconds(settings.connectTimeout.milliseconds)
        http = DirectoryHTTPClient(proxy: settings.places.proxy, timeouts: timeouts)
        try Self.takeNetworkFile(settings, into: cache, logger: logger)
        state = Mutex(State(network: Network(root: try cache.loadRoot())))
        read()
    }

    /// The network file that a program with these settings trusts, without writing anything.
    public static func root(_ settings: NetworkKeeperSettings) throws -> NetworkFile {
        let cache = DirectoryCache(directory: settings.cacheDirectory)
        if cache.isInstalled { return try cache.loadRoot() }
        let offered = try offered(settings)
        if let digest = settings.networkDigest, digest != offered.digest {
            throw DirectoryCacheError.otherFingerprint(wanted: digest, offered: offered.digest)
        }
        return try offered.verify()
    }

    /// What was trusted once is walked forward by what its authorities sign; the configured file counts only where there is
    /// nothing, or where it is the next edition.
    private static func takeNetworkFile(
        _ settings: NetworkKeeperSettings, into cache: DirectoryCache, logger: Logger
    ) throws {
        guard cache.isInstalled else {
            _ = try cache.install(root: try offered(settings).bytes, expecting: settings.networkDigest)
            return
        }
        let offered: UnverifiedNetworkFile
        do { offered = try self.offered(settings) } catch {
            logger.warning("\(error); the one that was trusted before stays in force")
            return
        }
        let installed = try cache.loadRoot()
        guard offered.name == installed.name else {
            throw CommandFailure(
                "the network file names the network \(offered.name), but this \(settings.program) uses \(installed.name); put the "
                    + "file of \(installed.name) back, or make a \(settings.program) with a data directory of its own",
                code: .usage)
        }
        guard offered.version >= installed.version, offered.version <= installed.version + 1 else { return }
        _ = try cache.install(root: offered.bytes)
    }

    private static func offered(_ settings: NetworkKeeperSettings) throws -> UnverifiedNetworkFile {
        let path = settings.networkFile
        let bytes: [UInt8]
        do throws(CommandFailure) { bytes = try AtomicFile.read(path, limit: NetworkFile.maximumSize) } catch {
            throw CommandFailure(
                "cannot read the network file \(path): get it from people whom you trust and name it in network-file",
                code: .usage)
        }
        do throws(DocumentError) { return try UnverifiedNetworkFile(bytes) } catch {
            throw CommandFailure("\(path) is not a network file: \(error.description)", code: .usage)
        }
    }

    // MARK: What there is

    /// The network file that is trusted now.
    public var root: NetworkFile { state.withLock { $0.network.root } }

    /// The network, if its consensus can be used now.
    public var usable: Network? {
        let network = state.withLock { $0.network }
        guard let consensus = network.consensus else { return nil }
        switch consensus.age(at: clock.now()) {
        case .fresh, .old: return network
        case .expired, .notYet: return nil
        }
    }

    /// The network with the newest consensus that was seen, however old, for those who only show it.
    public var newest: Network { state.withLock { $0.network } }

    /// Why nothing can be sent for want of a consensus; nil if there is one.
    public var problem: String? {
        if usable != nil { return nil }
        return state.withLock { $0.problem } ?? "the consensus has expired, and there is no newer one"
    }

    /// Asks for something newer now: the operator wants it.
    public func hurry() { state.withLock { $0.isHurried = true } }

    /// Looks at the configured network file again: the operator may have put a newer edition there.
    public func takeNetworkFile() throws { try Self.takeNetworkFile(settings, into: cache, logger: logger) }

    /// Reads the cache.
    private func read() {
        do {
            let network = try cache.load(at: clock.now())
            state.withLock { state in
                state.network = network
                state.problem = network.consensus == nil ? "there is no consensus yet" : nil
            }
        } catch {
            // One that cannot be used does not push out one that could.
            state.withLock { $0.problem = "\(error)" }
        }
        counters.health.set("directory", trouble: problem)
    }

    // MARK: Asking

    /// Refreshes until the task is cancelled.
    public func run() async throws {
        var schedule = RefreshSchedule(
            .client, slots: root.slots, freshFor: root.parameters.freshFor,
            published: newest.consensus?.consensus.published, now: clock.now(), source: SystemRandomNumberGenerator())
        if let problem { logger.notice("waiting for the directory: \(problem)") }
        // Without a consensus nothing works: then it does not wait for its turn.
        var retry: Timestamp? = usable == nil ? clock.now() : nil
        while true {
            let now = clock.now()
            let isHurried = state.withLock { state in
                defer { state.isHurried = false }
                return state.isHurried
            }
            if isHurried || schedule.isDue(now: now) || retry.map({ $0 <= now }) ?? false {
                await refresh(at: now)
                let done = clock.now()
                schedule.attempted(published: newest.consensus?.consensus.published, now: done)
                let part = root.parameters.slotLength.milliseconds
                retry = usable == nil ? done + .milliseconds(.random(in: part / 16...max(part / 4, part / 16))) : nil
            }
            counters.health.set("directory", trouble: problem)
            try await clock.sleep(until: min(schedule.next, retry ?? schedule.next), atMost: Self.longestSleep)
        }
    }
    /// Real time; the clock may have been set meanwhile, or the operator be in a hurry.
    private static let longestSleep = Duration.seconds(2)

    private func refresh(at now: Timestamp) async {
        let outcome = await DirectoryRefresh.run(cache, sources: sources(), now: now)
        counters.count("directory_refreshes", kind: outcome.result.rawValue)
        for (problem, count) in outcome.counts {
            counters.count("directory_problems", kind: problem.rawValue, by: count)
        }
        let wasUsable = usable != nil
        // Signatures of hundreds of descriptors: not on the cooperative pool.
        try? await NIOThreadPool.singleton.runIfActive { self.read() }
        tell(outcome, wasUsable: wasUsable)
    }

    /// Where to ask, for documents of other kinds too.
    public func sources() -> [any DirectorySource] {
        var names: Set<String> = []
        var found: [any DirectorySource] = []
        for text in root.directoryURLs + settings.places.sources where names.insert(text).inserted {
            if text.hasPrefix("/") {
                found.append(FolderSource(text))
            } else if let source = try? HTTPSource(url: text, client: http) {
                found.append(source)
            }
        }
        // Behind a proxy nodes would be asked around it.
        guard settings.places.proxy == nil else { return found }
        // Numbered: the log names no peers.
        return found
            + newest.nodes.shuffled().prefix(Self.nodesAsked).enumerated().map { number, node in
                LinkSource(
                    name: "node \(number + 1)", node: node.id, addresses: node.linkAddresses, dialer: dialer)
            }
    }

    private func tell(_ outcome: RefreshOutcome, wasUsable: Bool) {
        let failed = outcome.result == .failed
        let isNews = state.withLock { state in
            defer { state.lastFailed = failed }
            return state.lastFailed != failed
        }
        for version in outcome.editions { logger.notice("the network file is now version \(version)") }
        let isUsable = usable != nil
        if isUsable != wasUsable {
            if isUsable {
                logger.notice("the directory is that of slot \(newest.height) now, with \(newest.nodes.count) nodes")
            } else {
                logger.error(
                    "directory: \(problem ?? "it cannot be used"); nothing is sent until there is a newer one")
            }
        }
        guard isNews || outcome.sawFork else { return }
        guard failed || outcome.sawFork else { return logger.info("directory: \(outcome.summary)") }
        for line in outcome.warnings.prefix(Self.linesTold) { logger.warning("directory: \(line)") }
        logger.warning("directory: \(outcome.summary); it is tried again")
    }
}

extension Descriptor {
    /// Where it is reached.
    public var linkAddresses: [LinkAddress] {
        fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) }
    }
}
