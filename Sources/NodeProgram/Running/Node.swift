// A node: the assembly of its parts, in the order in which they start and the reverse in which they stop. What each part
// decides is in its own file; here is only who tells whom.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Exits
internal import Forwarding
internal import Foundation
internal import Logging
internal import MMTP
internal import Messages
internal import MixCrypto
internal import Mixing
internal import NIOCore
internal import NIOPosix
internal import Spool
internal import WireFormat

/// A running node.
final class Node: Sendable {
    let settings: NodeSettings
    let files: NodeFiles
    let id: NodeID
    let identity: SigningKey
    let network: NetworkView
    let keys: KeyRing
    let spool: Spool
    let ledger: NodeLedger
    let forwarder: Forwarder
    let desk: DirectoryDesk
    let keeper: DirectoryKeeper
    let publisher: DescriptorPublisher
    let clock: ScaledTime
    let counters: NodeCounters
    let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let dialer: MMTPDialer
    private let budget: TimeBudget
    private let recovery: SpoolRecovery
    private let tokenKey: SymmetricSecret
    private let recordKey: SymmetricSecret
    private let linkKey: SymmetricSecret
    /// Nil at a node that is no exit.
    let optOuts: OptOutKeeper?
    let statement: OwnStatement

    /// Of every so many frames one answer's digest is compared: enough to find a neighbour that confuses packets, and an
    /// eighth of what relaying costs less.
    private static let digestInterval = 16
    /// What the key of the store of records is derived for.
    static let recordKeyInfo = "nightjar/1 node records"

    /// Opens files, keys and spool. Nothing is sent or accepted before `run`.
    init(_ settings: NodeSettings, clock: ScaledTime, logger: Logger, registry: Counters = Counters()) throws {
        self.settings = settings
        self.clock = clock
        self.logger = logger
        files = NodeFiles(directory: settings.dataDirectory)
        identity = try files.loadIdentity()
        id = identity.verificationKey.nodeID
        let now = clock.now()
        network = try NetworkView(settings, files: files, now: now)
        let parameters = network.current.parameters
        budget = TimeBudget(
            hops: 5, delayCap: parameters.delayCap, retryDeadline: parameters.retryDeadline,
            acceptance: parameters.acceptance)
        try budget.check()
        keys = KeyRing(directory: files.packetKeys, calendar: parameters.calendar)
        let changes = try keys.maintain(at: now)
        let storage = try files.loadStorageKey()
        tokenKey = storage.derive(salt: [], info: "nightjar/1 exit token", count: 32)
        linkKey = storage.derive(salt: [], info: "nightjar/1 opt-out link", count: 32)
        recordKey = storage.derive(salt: [], info: Self.recordKeyInfo, count: 32)
        var spoolConfiguration = settings.spool
        settings.mailboxes?.apply(to: &spoolConfiguration)
        (spool, recovery) = try Spool.open(
            directory: files.spool, storageKey: storage.derive(salt: [], info: "nightjar/1 node spool", count: 32),
            configuration: spoolConfiguration, now: now)
        if let summary = recovery.damage.summary { logger.critical("\(summary)") }
        let statistics = spool.statistics
        ledger = NodeLedger(heldBefore: statistics.packets + statistics.shares)
        counters = NodeCounters(registry)
        group = MultiThreadedEventLoopGroup(numberOfThreads: min(2, System.coreCount))
        var dialing = DialerConfiguration()
        dialing.packetsPerConnection = settings.queues.packetsPerConnection
        dialing.digestInterval = Self.digestInterval
        let client = DirectoryHTTPClient(proxy: settings.directory.proxy)
        dialer = try MMTPDialer(configuration: dialing, group: group, clock: { clock.realNow() })
        let inForce = ParametersInForce(parameters, files: files, health: counters.health, logger: logger)
        let relay = SelfDelivery()
        forwarder = Forwarder(
            spool: spool, dialer: dialer, addresses: { [network] in network.addresses(of: $0) },
            strategy: settings.faults.slowing(settings.strategy),
            settings: settings.queues, clock: clock.forForwarder, selfNode: id, deliverToSelf: { relay.handler?($0) },
            report: { [ledger, counters] event in
                switch event {
                case .forwarded(let count): ledger.book { $0.forwarded(count) }
                case .dropped(let reason, let count): ledger.book { $0.heldAndDropped(reason, count) }
                case .connection(.success): counters.count("links_opened")
                case .connection(.failure(let failure)): counters.count("links_failed", kind: failure.label)
                }
            })
        selfDelivery = relay
        desk = DirectoryDesk(count: { [counters] in counters.count($0, kind: $1) })
        let (counters, view) = (counters, network)
        optOuts =
            settings.exit == nil
            ? nil
            : OptOutKeeper(
                network: view.current.name, cache: view.cache, node: id, count: { counters.count($0, by: $1) })
        statement = OwnStatement(
            path: files.optOuts, network: view.current.name, identity: identity,
            pause: .milliseconds(view.current.root.parameters.slotLength.milliseconds / 3),
            made: { [optOuts] in optOuts?.keepOwn($0) })
        if let own = statement.current { optOuts?.keepOwn(own) }
        keeper = DirectoryKeeper(
            network: network, desk: desk, settings: settings.directory, node: id, client: client, dialer: dialer,
            clock: clock, logger: logger, counters: counters, optOuts: optOuts,
            changed: { [forwarder, network, inForce] change in
                forwarder.destinationsChanged(change.addresses)
                if change.isNewConsensus { inForce.compare(network.current) }
            })
        publisher = DescriptorPublisher(
            settings: settings, files: files, identity: identity, keys: keys, network: network, clock: clock,
            logger: logger, optOuts: { [statement] in statement.current?.digest },
            upload: DescriptorUpload(
                client: client, scale: clock.scale, statement: { [statement] in statement.current }
            ).callAsFunction)
        try forgetPeriods(changes)
        try publisher.refresh(at: now)
    }

    private let selfDelivery: SelfDelivery

    /// Runs until `stop` returns, then stops in order.
    func run(ready: ([LinkAddress]) async throws -> Void, until stop: @escaping @Sendable () async -> Void) async throws
    {
        let parameters = network.current.parameters
        let names = NodeNames(nickname: settings.nickname, id: id)
        let services = settings.takesMessages ? try makeServices(parameters) : nil
        let exit = try services.flatMap { try makeExit(parameters, $0) }
        let boxes = services.flatMap { makeMailboxes(parameters, names, $0) }
        let reassembler = services.map { services in
            Reassembler(
                spool: spool,
                gate: NodeGate(
                    exit: exit.map { ExitGate(settings: $0.settings, names: names.all) },
                    mailboxes: boxes?.mailboxes),
                bodyLimit: Int(parameters.messageSize), deliveryDeadline: parameters.deliveryDeadline,
                rememberFor: parameters.acceptance, clock: clock.now, ledger: ledger, receipts: services.receipts,
                keepReplyBlocks: services.keepReplyBlocks,
                refused: { [counters] in counters.count("recipients_refused", kind: $0.rawValue) },
                ready: { deliveries in
                    Task {
                        await boxes?.post.add(deliveries.filter { MailboxPost.takes($0.recipient) })
                        await exit?.desk.add(deliveries.filter { !MailboxPost.takes($0.recipient) })
                    }
                })
        }
        let replyMail = exit.map { exit in
            ReplyMail(
                spool: spool, deliveryDeadline: parameters.deliveryDeadline, clock: clock.now,
                count: { [counters] in counters.count($0) },
                ready: { deliveries in Task { await exit.desk.add(deliveries) } })
        }
        let exitGate = exit.map { ExitGate(settings: $0.settings, names: names.all) }
        let cover = CoverTraffic(
            node: id, loopsPerMinute: settings.loopsPerMinute ?? 60 / parameters.loopInterval.inSeconds,
            network: { [network] in network.current }, spool: spool, ledger: ledger, clock: clock,
            forward: { [forwarder] in forwarder.add($0) },
            verdictChanged: { [self] verdict in coverVerdict(verdict) })
        let outcomes = NodeOutcomes(
            forwarder: forwarder, reassembler: reassembler, replyMail: replyMail, cover: cover, counters: counters)
        let intake = PacketIntake(
            node: id, keys: keys, spool: spool, budget: budget, calendar: parameters.calendar,
            takesMessages: settings.takesMessages, faults: settings.faults,
            nickname: { [network] in network.current.node($0)?.fields.nickname },
            isKnown: { [network] in network.isKnown($0) },
            knowsNetwork: { [network] in network.current.consensus != nil },
            door: ReplyDoor(
                mailboxes: boxes?.mailboxes,
                addresses: { record, address, release, now in
                    exitGate.flatMap {
                        ReplyMail.item(
                            record, to: address, gate: $0, release: release, deadline: now + parameters.deliveryDeadline
                        )
                    }
                }),
            messageLimit: Int(parameters.messageSize) + MessageLimits.encoded - MessageLimits.body,
            partDeadline: parameters.deliveryDeadline, clock: clock.now, ledger: ledger, outcomes: outcomes)
        selfDelivery.handler = { [weak intake] in intake?.reenter($0) }

        // What an earlier run left comes first, so that it is not overtaken for ever by what is new.
        await exit?.desk.resume(recovery.deliveries.filter { !MailboxPost.takes($0.recipient) })
        await boxes?.post.resume(recovery.deliveries.filter { MailboxPost.takes($0.recipient) })
        for message in recovery.completeMessages { reassembler?.rebuild(message, release: clock.now()) }
        for item in recovery.items where item.kind == ReplyMail.itemKind { replyMail?.deliver(item.id) }
        forwarder.add(recovery.packets)

        let workers = settings.workers > 0 ? settings.workers : System.coreCount
        intake.start(workers: workers)
        let link = try LinkIdentity(identity, now: clock.realNow())
        let listener = try await MMTPListener.bind(
            to: settings.listen, identity: link, receiver: intake,
            responder: BlockRouter(directory: desk, mailboxes: boxes?.desk),
            configuration: settings.listener, group: group, clock: clock.realNow,
            count: { [counters] event, count in counters.count("link_events", kind: event.label, by: count) })
        counters.watch(self, cover: cover, listener: listener)
        let replies = try await services?.listen()
        try await ready(listener.addresses)

        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.untilCancelled { try await cover.run() } }
            tasks.addTask { await self.untilCancelled { try await self.maintain(link, services) } }
            tasks.addTask { await self.untilCancelled { try await self.keeper.run() } }
            tasks.addTask { await self.untilCancelled { try await self.publisher.run() } }
            await stop()
            tasks.cancelAll()
        }

        await replies?.close()
        await services?.optOuts?.close()
        listener.beginShutdown()
        await listener.shutdown(grace: .seconds(5))
        desk.drain()
        intake.stop()
        await forwarder.shutdown()
        reassembler?.drain()
        replyMail?.drain()
        await boxes?.stop()
        await exit?.desk.stop(grace: .seconds(10))
        spool.close()
        services?.close()
        try await group.shutdownGracefully()
    }

    /// A loop that ends with cancellation; any other error is told once and the loop goes on after a pause.
    private func untilCancelled(_ body: @escaping @Sendable () async throws -> Void) async {
        while !Task.isCancelled {
            do {
                try await body()
            } catch is CancellationError {
                return
            } catch {
                logger.error("a background task failed and is started again: \(error)")
                counters.count("background_failures")
                do { try await Task.sleep(for: .seconds(5)) } catch { return }
            }
        }
    }

    private func makeServices(_ parameters: NetworkParameters) throws -> ExitServices {
        try ExitServices(
            path: files.records, storage: recordKey, tokenKey: tokenKey, gateway: settings.exit?.gateway,
            courier: ReplyCourier(
                spool: spool, budget: budget, calendar: parameters.calendar, ledger: ledger,
                forward: { [forwarder] in forwarder.add($0) }),
            rememberFor: parameters.acceptance, clock: clock.now, counters: counters, logger: logger,
            optOuts: optOutParts.map { parts in
                { [clock, counters] services in
                    try services.optOuts(
                        parts.0, exit: parts.1, clock: clock.now, count: { counters.count($0) })
                }
            })
    }

    private var optOutParts: (OptOutParts, ExitSettings)? {
        guard let optOuts, let exit = settings.exit else { return nil }
        let parts = OptOutParts(
            network: network.current.name, node: id, keeper: optOuts, statement: statement, linkKey: linkKey,
            describe: { [network] node in
                guard let fields = network.current.node(node)?.fields else { return node.hex }
                return fields.contact.isEmpty ? fields.nickname.text : "\(fields.nickname) (\(fields.contact))"
            })
        return (parts, exit)
    }

    private func makeExit(
        _ parameters: NetworkParameters, _ services: ExitServices
    ) throws -> (settings: ExitSettings, desk: ExitDesk, services: ExitServices)? {
        guard var exit = settings.exit else { return nil }
        exit.retries.lifetime = parameters.deliveryDeadline
        let desk = try ExitDesk(
            settings: exit, spool: spool, tokenKey: tokenKey, strategy: settings.strategy,
            bodyLimit: Int(parameters.messageSize),
            clock: clock, receipts: services.receipts, replyAddress: services.replyAddress,
            wishes: services.wishes, warn: { [counters] in counters.health.set("same-body", trouble: $0) },
            count: { [counters] in counters.count($0.metricName, kind: $0.reason) },
            ended: { [counters] reason in
                counters.count("deliveries_ended", kind: reason?.rawValue ?? "delivered")
            })
        return (exit, desk, services)
    }

    private func makeMailboxes(
        _ parameters: NetworkParameters, _ names: NodeNames, _ services: ExitServices
    ) -> MailboxServices? {
        settings.mailboxes.map {
            MailboxServices(
                spool: spool, node: id, names: names, settings: $0, bodyLimit: Int(parameters.messageSize),
                clock: clock,
                counters: counters,
                noted: { delivery, status in
                    await services.receipts.note(delivery.message, delivery.recipient, status, code: 0)
                })
        }
    }

    private func coverVerdict(_ verdict: LoopLedger<LoopID>.Verdict) {
        forwarder.setHolding(verdict == .hold)
        counters.health.set("cover", trouble: verdict.isAlarm ? "own loops stay away" : nil)
        switch verdict {
        case .release: logger.notice("own loops come back again")
        case .releaseWithAlarm:
            logger.error("own loops stay away: packets are lost on the way or somebody blocks this node")
        case .hold: logger.error("own loops stay away: holding packets back, up to their cap")
        }
    }
}
