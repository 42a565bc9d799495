// A pinger: the assembly of its parts, in the order in which they start and the reverse in which they stop. What each part
// decides is in its own file; here is only who tells whom.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import MMTP
internal import Measurement
internal import NIOPosix
internal import Spool
internal import WireFormat

/// A running pinger.
final class RunningPinger: Sendable {
    let parts: PingerParts
    let keeper: NetworkKeeper
    let mailboxes = MailboxBook()
    private let dialer: MMTPDialer
    private let links: EntryLinks

    /// Opens files, keys and the database. Nothing is sent before `run`.
    init(_ settings: PingerSettings, clock: ScaledClock, logger: Logger, registry: Counters = Counters()) throws {
        let files = PingerFiles(directory: settings.dataDirectory)
        let counters = EventCounters("pinger", registry)
        var dialing = DialerConfiguration()
        dialing.connectTimeout = settings.connectTimeout
        dialing.handshakeTimeout = settings.connectTimeout
        // A probe that its entry has not acknowledged by then is given up.
        dialing.answerTimeout = .seconds(40)
        dialer = try MMTPDialer(
            configuration: dialing, group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledClock.systemTime() })
        let keeper = try NetworkKeeper(
            settings.keeping, clock: clock, dialer: dialer, logger: logger, counters: counters)
        guard settings.timeScale == 1 || keeper.root.isTest else {
            throw CommandFailure("[test] is for test networks; \(keeper.root.name) is none: take time-scale out")
        }
        let (key, identity) = (try files.loadKey(), try files.loadIdentity())
        let (store, planner) = try Self.openStore(
            files, mailboxes, at: clock.now(), logger: logger, counters: counters)
        let watch = WatchBox(
            ObservationWatch(
                settings: WatchRounds.settings(scale: clock.scale), lastAlive: try store.lastAlive, now: clock.now(),
                uptime: .seconds(fraction: Uptime.seconds() * clock.scale)))
        parts = PingerParts(
            settings: settings, files: files, clock: clock, logger: logger, counters: counters, store: store,
            network: { keeper.usable }, newestNetwork: { keeper.newest }, key: key, identity: identity, watch: watch,
            planner: planner, desk: StoreDesk())
        self.keeper = keeper
        let patience = Duration.milliseconds(settings.connectTimeout.milliseconds * 2)
        links = EntryLinks(dialer: dialer, patience: patience) { watch.contact($1, with: $0, at: clock.now()) }
        watchCounters()
    }

    /// Opens the database. One that is damaged is set aside, loudly, and a new one begun: what was measured is gone, but
    /// nothing false follows from what is left of it. So is one of which the damage is found only when it is read.
    static func openStore(
        _ files: PingerFiles, _ mailboxes: MailboxBook, at now: Timestamp, logger: Logger, counters: EventCounters
    ) throws -> (PingStore, PlannerBox) {
        do throws(PingStoreError) { return try opened(files.database, mailboxes, at: now) } catch {
            guard case .damaged = error else { throw CommandFailure("\(error)") }
        }
        do throws(PingStoreError) {
            let name = try PingStore.setAside(path: files.database, at: now)
            logger.error(
                "the pinger's database was damaged and is now \(name); measuring begins anew, and nothing is said of any node until there are enough probes again"
            )
            counters.count("databases_set_aside")
            return try opened(files.database, mailboxes, at: now)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    /// The database, and a planner that knows what became of the probes of the last days.
    private static func opened(
        _ path: String, _ mailboxes: MailboxBook, at now: Timestamp
    ) throws(PingStoreError) -> (PingStore, PlannerBox) {
        let store = try PingStore.open(path: path)
        do throws(PingStoreError) {
            _ = try store.lastAlive
            return (store, try recall(store, mailboxes, at: now))
        } catch {
            store.close()
            throw error
        }
    }

    private static func recall(
        _ store: PingStore, _ mailboxes: MailboxBook, at now: Timestamp
    ) throws(PingStoreError) -> PlannerBox {
        let ids = Dictionary(try store.nodes().map { ($0.number, $0.id) }, uniquingKeysWith: { first, _ in first })
        let planner = PlannerBox()
        try store.forEachPing(since: now - Self.memory) { row in
            // What is under way is looked for, wherever probes go now.
            if row.state == PingState.sent.rawValue, row.kind != PingKind.delivery.rawValue, row.sent <= now,
                let mailbox = row.hops.last.flatMap({ ids[$0] })
            {
                mailboxes.noteSent(mailbox, at: row.sent)
            }
            guard row.kind == PingKind.loop.rawValue || row.kind == PingKind.reply.rawValue,
                row.state == PingState.arrived.rawValue || row.state == PingState.lost.rawValue,
                let path = ProbePath(row.hops.compactMap { ids[$0] })
            else { return }
            planner.note(path, arrived: row.state == PingState.arrived.rawValue)
        }
        return planner
    }
    private static let memory = Interval.days(3)

    /// Runs until `stop` returns, then stops in order.
    func run(ready: () async throws -> Void, until stop: @escaping @Sendable () async -> Void) async throws {
        defer { parts.store.close() }
        let publisher = ReportPublisher(parts: parts)
        let analysis = AnalysisRounds(parts: parts, publisher: publisher)
        let watching = WatchRounds(parts: parts) { [clock = parts.clock] in analysis.glance(at: clock.now()) }
        // What happened while it was off is written down before anything new is.
        parts.watch.tick(now: parts.clock.now(), uptime: parts.uptime())
        _ = try await watching.record()
        try await ready()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keeper.run() }
            group.addTask { try await watching.run() }
            group.addTask {
                try await MailboxRounds(parts: self.parts, book: self.mailboxes).run()
            }
            group.addTask {
                try await ProbeRounds(parts: self.parts, links: self.links, mailboxes: self.mailboxes).run()
            }
            group.addTask { try await HandshakeRounds(parts: self.parts, dialer: self.dialer).run() }
            group.addTask { try await publisher.run() }
            group.addTask { try await analysis.run() }
            if let deliveries = parts.settings.deliveries {
                group.addTask {
                    try await DeliveryRounds(parts: self.parts, links: self.links, settings: deliveries).run()
                }
            }
            group.addTask {
                await stop()
                throw Stopped()
            }
            var failure: (any Error)?
            do { while (try await group.next()) != nil {} } catch is Stopped {} catch { failure = error }
            group.cancelAll()
            await links.close()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError), !(error is Stopped) {
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
        }
        parts.watch.tick(now: parts.clock.now(), uptime: parts.uptime())
        _ = try await watching.record()
    }

    private struct Stopped: Error {}

    private func watchCounters() {
        let registry = parts.counters.registry
        registry.gauge("pinger_watching", help: "Whether the pinger can tell what becomes of its probes: 1 or 0.") {
            [watch = parts.watch] in watch.current == .watching ? 1 : 0
        }
        registry.gauge("pinger_consensus_age_seconds", help: "Of the newest consensus; -1 without one.") {
            [keeper, clock = parts.clock] in
            keeper.newest.consensus.map { (clock.now() - $0.consensus.published).inSeconds } ?? -1
        }
        registry.gauge("pinger_mailboxes", help: "Mailboxes that answer.") { [mailboxes] in
            Double(mailboxes.ready.count)
        }
        registry.gauge("pinger_consensus_nodes", help: "Nodes that the consensus in use lists.") { [keeper] in
            Double(keeper.usable?.nodes.count ?? 0)
        }
    }
}
