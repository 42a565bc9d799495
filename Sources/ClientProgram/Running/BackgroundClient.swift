// `nightjar run` from its start to its end: the streams, and everything else that is done again and again. What is due
// is decided by schedules that nothing moves; here it is done.

internal import Daemon
internal import Directory
internal import DirectoryService
private import Glibc
internal import Logging
internal import ServiceLifecycle
internal import WireFormat

/// The background client.
actor BackgroundClient: Service {
    /// The work with the settings now in force.
    private var work: BackgroundWork
    private let remake: @Sendable () throws -> Client
    private let streams: [NetworkStream]
    private let logger: Logger
    private let since: Timestamp
    private var turns: RunTurns<SystemRandomNumberGenerator>
    private var rounds: MailboxRounds<SystemRandomNumberGenerator>
    private var nyms: NymRounds<SystemRandomNumberGenerator>
    /// What the user should know of nyms, by network.
    private var nymWarnings: [String: [String]] = [:]
    private var directory = DirectoryRounds<SystemRandomNumberGenerator>()
    /// Why the last turn of a job was not complete, by job and network.
    private var problems: [String: String] = [:]
    private var warnings: [String] = []
    /// Packets of answers that were given up, by network.
    private var lostAnswers: [String: Int] = [:]

    /// Due jobs are looked for at least this often (real time), as the settings and the clock may change.
    private static let longestSleep = Duration.seconds(2)

    /// - Parameter remake: reads the settings again.
    init(
        _ work: BackgroundWork, streams: [NetworkStream], logger: Logger,
        remake: @escaping @Sendable () throws -> Client
    ) {
        self.work = work
        self.streams = streams
        self.logger = logger
        self.remake = remake
        let now = work.client.time.clock.now()
        since = now
        let settings = work.client.config.run
        turns = RunTurns(settings, now: now) { _ in SystemRandomNumberGenerator() }
        rounds = MailboxRounds(mean: settings.pollInterval)
        nyms = Self.nymRounds(work.client)
    }

    private static func nymRounds(_ client: Client) -> NymRounds<SystemRandomNumberGenerator> {
        NymRounds(looks: client.config.run.outboxInterval, refills: client.config.nyms.refillInterval)
    }

    private var client: Client { work.client }
    private var now: Timestamp { work.client.time.clock.now() }

    /// Works until the process is told to stop, then ends what is on the wire.
    func run() async throws {
        await writeStatus()
        await withTaskGroup(of: Void.self) { tasks in
            for stream in streams { tasks.addTask { await stream.run() } }
            tasks.addTask { await self.takeTurns() }
            tasks.addTask { await self.pollMailboxes() }
            tasks.addTask { await self.tendNyms() }
            tasks.addTask { await self.refreshDirectories() }
            tasks.addTask { try? await gracefulShutdown() }
            await tasks.next()
            tasks.cancelAll()
        }
        for stream in streams { await stream.stop() }
        try? AtomicFile.remove(RunStatus.path(client.places))
    }

    private func takeTurns() async {
        while !Task.isCancelled {
            for job in turns.due(now: now) where !Task.isCancelled { await perform(job) }
            try? await Task.sleep(for: min(client.time.clock.realDelay(until: turns.next), Self.longestSleep))
        }
    }

    private func perform(_ job: RunJob) async {
        switch job {
        case .outbox: await makePackets()
        case .refresh: await refresh()
        case .clean: await attempt("clean") { try $0.clean() }
        case .status: await writeStatus()
        }
    }

    private func attempt(_ what: String, _ body: @escaping @Sendable (BackgroundWork) throws -> Void) async {
        do {
            try await work.perform(body)
            problems[what] = nil
        } catch {
            problems[what] = "\(error)"
        }
    }

    private func makePackets() async {
        await attempt("keyring") { try $0.refreshKeyring() }
        for stream in streams {
            let network = await stream.network
            let unreachable = await stream.unreachable()
            let made = try? await work.perform { work in
                work.makePackets(network, queue: stream.queue, unreachable: unreachable)
            }
            await stream.add(made?.packets ?? [])
            problems["outbox \(stream.name)"] = made?.problem
            if let lost = made?.lost, lost > 0 {
                lostAnswers[stream.name, default: 0] += lost
                problems["answers \(stream.name)"] =
                    "network \(stream.name): \(PendingReplies.loss(lostAnswers[stream.name, default: 0]))"
            }
        }
    }

    private func pollMailboxes() async {
        while !Task.isCancelled {
            let boxes = streams.flatMap { work.keyring.mailboxes(in: $0.name) }
            for box in rounds.due(boxes, now: now, source: { SystemRandomNumberGenerator() }) {
                await poll(box)
                if Task.isCancelled { return }
            }
            try? await Task.sleep(for: min(client.time.clock.realDelay(until: rounds.next), Self.longestSleep))
        }
    }

    private func poll(_ box: OwnMailbox) async {
        guard let stream = streams.first(where: { $0.name == box.network }) else { return }
        let network = await stream.network
        var failure: (any Error)?
        do {
            failure = try await MailboxPoller(client: client, keyring: work.keyring)
                .poll(box, network: network, blocks: client.config.inbox.blocksPerPoll).failure
        } catch {
            failure = error
        }
        if !Task.isCancelled { rounds.note(box, failure: failure, now: now) }
    }

    private func tendNyms() async {
        while !Task.isCancelled {
            let known = work.keyring.nyms().map(\.address)
            if let due = nyms.due(known, now: now, source: { SystemRandomNumberGenerator() }) {
                for stream in streams where !Task.isCancelled { await tendNyms(of: stream, due) }
            }
            try? await Task.sleep(for: min(client.time.clock.realDelay(until: nyms.next), Self.longestSleep))
        }
    }

    private func tendNyms(of stream: NetworkStream, _ due: NymRoundsDue) async {
        let network = await stream.network
        guard let look = try? await work.perform({ $0.tendNyms(network, due) }) else { return }
        nymWarnings[stream.name] = look.warnings
        problems["nyms \(stream.name)"] = look.problem
        do { try await work.moveLinks(network) } catch {
            problems["nyms \(stream.name)"] = problems["nyms \(stream.name)"] ?? "a linked device: \(error)"
        }
        for nym in look.working where !Task.isCancelled {
            do { try await work.work(for: nym, network) } catch { problems["nyms \(stream.name)"] = "\(error)" }
        }
    }

    private func refreshDirectories() async {
        while !Task.isCancelled {
            for stream in streams where client.config.directory.refreshes && !Task.isCancelled {
                await refreshDirectory(of: stream)
            }
            try? await Task.sleep(for: min(client.time.clock.realDelay(until: directory.next), Self.longestSleep))
        }
    }

    private func refreshDirectory(of stream: NetworkStream) async {
        let network = await stream.network
        guard directory.isDue(network, now: now, source: { SystemRandomNumberGenerator() }) else { return }
        var outcome = RefreshOutcome()
        do { outcome = try await client.refresh(network.name) } catch {
            logger.debug("network \(network.name): \(error)")
        }
        guard !Task.isCancelled else { return }
        directory.note(outcome, network: network.name, now: now)
        logger.debug("network \(network.name): \(outcome.summary)")
        for failure in outcome.failures { logger.debug("network \(network.name): \(failure)") }
        if outcome.result == .updated || !outcome.editions.isEmpty { await reread(stream) }
    }

    /// Puts settings that were read again into force.
    /// - Throws: if they are wrong; then nothing has changed.
    func reload(_ sink: LogSink) async throws {
        let fresh = try remake()
        sink.level = fresh.config.log.level
        let old = client.config.run
        work = BackgroundWork(client: fresh, records: work.records, keyring: work.keyring)
        if fresh.config.run != old {
            turns = RunTurns(fresh.config.run, now: now) { _ in SystemRandomNumberGenerator() }
        }
        nyms = Self.nymRounds(fresh)
        if fresh.config.run.pollInterval != old.pollInterval {
            rounds = MailboxRounds(mean: fresh.config.run.pollInterval)
        }
        await refresh()
    }

    /// Looks at what other programs have changed, and at what has expired.
    private func refresh() async {
        for stream in streams { await reread(stream) }
    }

    private func reread(_ stream: NetworkStream) async {
        let old = await stream.network
        do {
            // Without a consensus that can be used there are no nodes, and nothing leaves.
            let fresh = try client.store.loadAnyway(stream.name, allowStale: client.allowsStale)
            await stream.update(client, network: fresh)
            if fresh.root.version != old.root.version {
                logger.info("network \(fresh.name): version \(fresh.root.version) of the network file is in use")
            }
        } catch {
            logger.debug("network \(stream.name): \(error)")
            await stream.update(client, network: old)
        }
    }

    /// Judges how things stand, tells what is new, and writes the record.
    private func writeStatus() async {
        var status = RunStatus(process: Int(getpid()), since: RunStatus.minute(since), written: RunStatus.minute(now))
        for stream in streams {
            let health = await stream.review()
            let network = await stream.network
            let names = QueueReport(network: network)
            status.networks.append(
                RunStatus.Network(
                    name: network.name, version: network.root.version, height: network.consensus?.slot.number,
                    published: network.consensus?.consensus.published.description,
                    validUntil: network.consensus?.consensus.validUntil.description,
                    waiting: await stream.waiting.sorted { $0.key < $1.key }.map {
                        RunStatus.Line(node: names.name($0.key), id: $0.key.hex, packets: RunStatus.roughly($0.value))
                    },
                    lastHandOver: health.lastHandOver.map(RunStatus.minute),
                    lastPoll: rounds.answered[network.name].map(RunStatus.minute),
                    lastRefresh: directory.answered[network.name].map(RunStatus.minute)))
            status.warnings += health.warnings(network: network, mean: client.config.run.sendInterval, now: now)
            status.warnings += Client.warnings(of: client.store.cache(of: network.name).forks(), network: network.name)
        }
        status.warnings +=
            directory.warnings + rounds.warnings(now: now) + nymWarnings.sorted { $0.key < $1.key }.flatMap(\.value)
            + problems.sorted { $0.key < $1.key }.map(\.value)
        for warning in status.warnings where !warnings.contains(warning) { logger.warning("\(warning)") }
        warnings = status.warnings
        do {
            try status.write(client.places)
        } catch {
            logger.error("\(error)")
        }
    }
}
