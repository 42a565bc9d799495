// Keeps the node's directory new: asks once a slot at a random moment, takes what somebody put on the disk, and says loudly
// when it grows old. The node goes on forwarding with an old one: it has packets.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import MMTP
internal import NIOPosix
internal import Synchronization
internal import WireFormat

final class DirectoryKeeper: Sendable {
    private struct State {
        var isHurried = false
        var lastFailed = false
        var saidOld: Timestamp?
        var forks = 0
    }

    let network: NetworkView
    let desk: DirectoryDesk
    private let settings: DirectorySettings
    private let node: NodeID
    private let client: DirectoryHTTPClient
    private let dialer: MMTPDialer
    private let clock: ScaledTime
    private let logger: Logger
    private let counters: NodeCounters
    private let optOuts: OptOutKeeper?
    private let changed: @Sendable (NetworkView.Change) -> Void
    private let state = Mutex(State())

    /// How often the disk is looked at, on the network's clock.
    private static let turn = Interval.seconds(10)
    /// Nodes that are asked when nothing answers by HTTP.
    private static let nodesAsked = 3
    /// Between two complaints about a directory that is old.
    private static let complaint = Interval.hours(1)
    /// Lines of a failed refresh that are logged.
    private static let linesTold = 4

    /// - Parameters:
    ///   - optOuts: kept as new as the rest; nil at a node that is no exit.
    ///   - changed: told of what is new, on any thread.
    init(
        network: NetworkView, desk: DirectoryDesk, settings: DirectorySettings, node: NodeID,
        client: DirectoryHTTPClient, dialer: MMTPDialer, clock: ScaledTime, logger: Logger, counters: NodeCounters,
        optOuts: OptOutKeeper? = nil, changed: @escaping @Sendable (NetworkView.Change) -> Void
    ) {
        self.network = network
        self.desk = desk
        self.settings = settings
        self.node = node
        self.client = client
        self.dialer = dialer
        self.clock = clock
        self.logger = logger
        self.counters = counters
        self.optOuts = optOuts
        self.changed = changed
        optOuts?.load(network.current, at: clock.now())
        desk.update(
            network.current, networkFiles: network.olderNetworkFiles(), statements: optOuts?.statements ?? [])
        if let problem = network.problem { logger.error("the consensus that is here is not used: \(problem)") }
        judge(at: clock.now())
    }

    /// Asks for something newer now: the operator wants it.
    func hurry() { state.withLock { $0.isHurried = true } }

    /// Refreshes and looks at the disk until the task is cancelled. Side by side: sources may take minutes.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask { try await self.watch() }
            tasks.addTask { try await self.ask() }
        }
    }

    private func watch() async throws {
        while true {
            let now = clock.now()
            await readDisk(at: now)
            judge(at: clock.now())
            try await clock.sleep(until: now + max(Self.turn, clock.shortestTurn))
        }
    }

    private func ask() async throws {
        let root = network.current.root
        var schedule = RefreshSchedule(
            .node, slots: root.slots, freshFor: root.parameters.freshFor,
            published: network.current.consensus?.consensus.published, now: clock.now(),
            source: SystemRandomNumberGenerator())
        // Without a consensus that can be used the node is not one: then it does not wait for its turn.
        var retry: Timestamp? = isUsable(at: clock.now()) ? nil : clock.now()
        while true {
            let now = clock.now()
            let isHurried = state.withLock { state in
                defer { state.isHurried = false }
                return state.isHurried
            }
            if isHurried || schedule.isDue(now: now) || retry.map({ $0 <= now }) ?? false {
                let helped = await refresh(at: now)
                let done = clock.now()
                await readDisk(at: done)
                judge(at: done)
                await refreshOptOuts()
                schedule.attempted(published: network.current.consensus?.consensus.published, now: done)
                let part = root.parameters.slotLength.milliseconds
                retry = helped && isUsable(at: done) ? nil : done + .milliseconds(.random(in: part / 16...part / 4))
            }
            let next = min(schedule.next, retry ?? schedule.next)
            try await clock.sleep(until: max(min(next, now + Self.turn), now + clock.shortestTurn))
        }
    }

    private func isUsable(at now: Timestamp) -> Bool {
        network.current.consensus.map { $0.age(at: now) != .expired } ?? false
    }

    // MARK: Asking

    /// Asks by HTTP first: a node has to know a new node a slot before clients use it, and other nodes may not have asked in this
    /// slot yet. They are for when no authority and no mirror is reached.
    /// - Returns: whether a source helped, or there is none.
    func refresh(at now: Timestamp) async -> Bool {
        let web = webSources()
        // A network whose directory is nowhere on the web is made by hand, on the disk.
        guard !web.isEmpty else { return true }
        var outcome = await DirectoryRefresh.run(network.cache, sources: web, now: now, need: .thisSlot)
        note(outcome)
        if outcome.result == .failed {
            let nodes = nodeSources()
            if !nodes.isEmpty {
                outcome = await DirectoryRefresh.run(network.cache, sources: nodes, now: clock.now(), need: .thisSlot)
                note(outcome)
            }
        }
        tell(outcome)
        await pursue(web + nodeSources())
        return outcome.result != .failed
    }

    /// Fetches the statements of opt-outs that the consensus names; from nodes if no authority and no mirror has them all.
    private func refreshOptOuts() async {
        guard let optOuts else { return }
        guard
            await optOuts.refresh(network.current, from: webSources(), then: nodeSources(), at: clock.now())
        else { return }
        desk.update(network.current, networkFiles: [], statements: optOuts.statements)
    }

    private func webSources() -> [any DirectorySource] {
        var urls = network.current.root.directoryURLs
        urls += settings.sources.filter { !urls.contains($0) }
        return urls.compactMap { try? HTTPSource(url: $0, client: client) }
    }

    private func nodeSources() -> [any DirectorySource] {
        let newest: @Sendable () -> ConsensusLink? = { [desk] in desk.newest }
        let nodes = network.current.nodes.filter { $0.id != node }.shuffled().prefix(Self.nodesAsked)
        // Numbered: the log names no peers.
        return nodes.enumerated().map { number, descriptor in
            LinkSource(
                name: "node \(number + 1)", node: descriptor.id,
                addresses: descriptor.fields.addresses.map { LinkAddress(host: $0.host, port: Int($0.port)) },
                dialer: dialer, newest: newest)
        }
    }

    /// Looks for a consensus that an asker said there is beside ours. Most of these are made up, so one is looked for at a
    /// time; if it is real and certified, the cache keeps both as evidence. Nothing is installed.
    private func pursue(_ sources: [any DirectorySource]) async {
        guard let claimed = desk.takeSuspicions().randomElement() else { return }
        for source in sources.shuffled().prefix(Self.nodesAsked) {
            // Whoever has something else under that name is no reason to stop asking.
            guard let bytes = try? await source.document(claimed.digest),
                let found = try? network.cache.examine(bytes, claimed: claimed)
            else { continue }
            if case .fork = found { counters.count("directory_forks_found") }
            return
        }
    }

    // MARK: Telling

    private func note(_ outcome: RefreshOutcome) {
        counters.count("directory_refreshes", kind: outcome.result.rawValue)
        for (problem, count) in outcome.counts {
            counters.count("directory_problems", kind: problem.rawValue, by: count)
        }
    }

    private func tell(_ outcome: RefreshOutcome) {
        let failed = outcome.result == .failed
        let isNews = state.withLock { state in
            defer { state.lastFailed = failed }
            return state.lastFailed != failed
        }
        for version in outcome.editions { logger.notice("the network file is now version \(version)") }
        guard isNews || outcome.sawFork else { return }
        if failed {
            for line in outcome.warnings.prefix(Self.linesTold) { logger.warning("directory: \(line)") }
            logger.warning("directory: \(outcome.summary); it is tried again")
        } else {
            logger.notice("directory: \(outcome.summary)")
        }
    }

    // MARK: The disk

    private func readDisk(at now: Timestamp) async {
        do {
            // Signatures of hundreds of descriptors: not on the cooperative pool.
            let change = try await NIOThreadPool.singleton.runIfActive { [network] in try network.reload(now: now) }
            guard let change else { return }
            let current = network.current
            desk.update(
                current, networkFiles: change.isNewRoot ? network.olderNetworkFiles() : [],
                statements: optOuts?.statements ?? [])
            if let problem = network.problem {
                logger.error("the consensus that is here is not used: \(problem)")
            } else if change.isNewConsensus {
                logger.info("the directory is that of slot \(current.height) now, with \(current.nodes.count) nodes")
            }
            changed(change)
        } catch {
            logger.error("the directory on the disk is not usable, the old one stays in force: \(error)")
            counters.count("directory_file_errors")
        }
    }

    /// Health, and a line in the log once an hour while the directory is too old.
    private func judge(at now: Timestamp) {
        let current = network.current
        let forks = network.cache.forks().count { !$0.isAcknowledged }
        let trouble: String? =
            if let problem = network.problem {
                problem
            } else if let consensus = current.consensus {
                consensus.age(at: now) == .expired
                    ? "the consensus expired on \(consensus.consensus.validUntil); nodes that joined since are unknown here"
                    : nil
            } else {
                "no consensus yet"
            }
        counters.health.set("directory", trouble: trouble)
        counters.health.set(
            "authorities",
            trouble: forks == 0
                ? nil : "two certified consensuses for one slot were seen, see \(network.cache.directory)/evidence")
        let (isDue, isFork) = state.withLock { state in
            defer { state.forks = forks }
            guard trouble != nil else {
                state.saidOld = nil
                return (false, forks > state.forks)
            }
            let isDue = state.saidOld.map { now - $0 >= Self.complaint || now < $0 } ?? true
            if isDue { state.saidOld = now }
            return (isDue, forks > state.forks)
        }
        // A node that has just been made has none, and that is as it should be.
        if isDue, let trouble {
            logger.log(level: current.consensus == nil ? .warning : .error, "directory: \(trouble)")
        }
        if isFork {
            logger.critical(
                """
                directory: there are two certified consensuses for one slot; authorities lied, or their keys were stolen; both are \
                in \(network.cache.directory)/evidence: show them to the people who run the network
                """)
        }
    }
}
