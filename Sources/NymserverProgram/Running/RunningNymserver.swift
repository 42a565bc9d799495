// A nymserver: the assembly of its parts, in the order in which they start and the reverse in which they stop. What each part
// decides is in its own file; here is only who tells whom.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Exits
internal import Logging
internal import MMTP
internal import NIOPosix
internal import NymProtocol
internal import Spool
internal import WireFormat

/// A running nymserver.
final class RunningNymserver: Sendable {
    let parts: NymserverParts
    let keeper: NetworkKeeper
    let packets: PacketSpool
    private let client: SMTPClient
    private let optOuts: OptOutKeeper

    /// Mails that are handed over at one time.
    static let connections = 32
    /// Packets over one connection, as nodes have it.
    private static let dialTimeout = Interval.seconds(10)

    /// Opens files, keys, database and spool. Nothing is sent or taken before `run`.
    init(
        _ settings: NymserverSettings, clock: ScaledClock, logger: Logger, registry: Counters = Counters()
    ) throws {
        let files = settings.files
        let counters = EventCounters("nymserver", registry)
        var dialing = DialerConfiguration()
        dialing.connectTimeout = Self.dialTimeout
        dialing.handshakeTimeout = Self.dialTimeout
        let dialer = try MMTPDialer(
            configuration: dialing, group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledClock.systemTime() })
        let keeper = try NetworkKeeper(
            settings.keeping, clock: clock, dialer: dialer, logger: logger, counters: counters)
        guard settings.timeScale == 1 || keeper.root.isTest else {
            throw CommandFailure("[test] is for test networks; \(keeper.root.name) is none: take time-scale out")
        }
        let keys = try files.loadKeys()
        let store = try files.openStore(keys, domain: settings.domain)
        _ = try PrivateDirectory(files.spool)
        packets = try PacketSpool(
            files.spool, key: keys.spool, clock: clock, dialer: dialer,
            addresses: { keeper.newest.node($0)?.linkAddresses ?? [] }, logger: logger, counters: counters)
        do throws(SMTPSettingsError) { client = try SMTPClient(settings: settings.smtp) } catch {
            throw CommandFailure("[smtp]: \(error)", code: .usage)
        }
        let optOuts = OptOutKeeper(keeper, clock: clock, counters: counters)
        self.optOuts = optOuts
        parts = NymserverParts(
            settings: settings, keys: keys, clock: clock, logger: logger, counters: counters, store: store,
            network: { keeper.usable }, declines: { optOuts.answer($0) },
            slots: CycleClock(secret: keys.cycle),
            room: DiskRoom(path: settings.dataDirectory, reserve: settings.diskReserve),
            packetKeys: PacketKeyBook(path: files.packetKeys))
        self.keeper = keeper
        watchCounters()
    }

    /// Runs until `stop` returns, then stops in order.
    /// - Parameter ready: told the addresses at which mail is taken, when it is.
    func run(ready: ([String]) async throws -> Void, until stop: @escaping @Sendable () async -> Void) async throws {
        let mailServer = MailServer(client: client, operatorAddress: parts.settings.operatorAddress)
        let door = MailDoor(parts: parts, requests: RequestDesk(parts: parts)) { mailServer.forward($0) }
        let cycles = CycleRounds(parts: parts, packets: packets)
        packets.resume(at: parts.clock.now())
        // What a crash left between the database and the spool.
        try await NIOThreadPool.singleton.runIfActive { try cycles.handOver(at: self.parts.clock.now()) }
        // Threads for those who wait for the disk, or for the operator's mail server, so that they keep nothing else waiting.
        let threads = NIOThreadPool(numberOfThreads: Self.connections)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        let lmtp = try await bind(door, threads)
        let policy = try await bindPolicy(door)
        let mails = MailRounds(parts: parts, client: client)
        let address = lmtp.port.map { "127.0.0.1:\($0)" } ?? parts.settings.lmtp.description
        try await ready([address])
        // Not among the others: it is not cancelled, but ends when it has an answer to what is under way.
        let sending = Task { try await mails.run() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sending.value }
            group.addTask { try await self.keeper.run() }
            group.addTask { try await cycles.run() }
            group.addTask { try await self.optOuts.run() }
            group.addTask { try await ExpiryRounds(parts: self.parts, packets: self.packets).run() }
            group.addTask {
                await stop()
                throw Stopped()
            }
            var failure: (any Error)?
            do { while (try await group.next()) != nil {} } catch is Stopped {} catch { failure = error }
            await policy?.close()
            await lmtp.close()
            mails.stop()
            let guardian = Task {
                try await Task.sleep(for: MailRounds.grace)
                sending.cancel()
            }
            _ = await sending.result
            guardian.cancel()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError), !(error is Stopped) {
                    failure = failure ?? error
                }
            }
            await client.close()
            await packets.shutdown()
            parts.store.close()
            if let failure { throw failure }
        }
    }

    private struct Stopped: Error {}

    private func bind(_ door: MailDoor, _ threads: NIOThreadPool) async throws -> LMTPServer {
        var limits = LMTPLimits(mail: MailDoor.longestMail)
        limits.recipients = 64
        var settings = LMTPServerSettings(
            address: parts.settings.lmtp, name: parts.settings.domain, limits: limits)
        settings.connections = Self.connections
        do { return try await LMTPServer.bind(settings, receiver: door, threadPool: threads) } catch {
            throw CommandFailure("cannot listen at \(parts.settings.lmtp): \(error)")
        }
    }

    private func bindPolicy(_ door: MailDoor) async throws -> PolicyServer? {
        guard let address = parts.settings.policyListen else { return nil }
        do { return try await PolicyServer.bind(address, door: door) } catch {
            throw CommandFailure("cannot listen at \(address): \(error)")
        }
    }

    private func watchCounters() {
        let registry = parts.counters.registry
        registry.gauge("nymserver_packets_waiting", help: "Packets in the spool.") { [packets] in Double(packets.count)
        }
        registry.gauge("nymserver_consensus_age_seconds", help: "Of the newest consensus; -1 without one.") {
            [keeper, clock = parts.clock] in
            keeper.newest.consensus.map { (clock.now() - $0.consensus.published).inSeconds } ?? -1
        }
        registry.gauge("nymserver_rows_damaged", help: "Rows that were found damaged since the start, and erased.") {
            [store = parts.store] in Double(store.damagedRows)
        }
        let counts = StoreGauges(store: parts.store)
        registry.gauge("nymserver_accounts", help: "Nyms.") { Double(counts.current.accounts) }
        registry.gauge("nymserver_items", help: "Mails and notices that wait.") { Double(counts.current.items) }
        registry.gauge("nymserver_blocks", help: "Reply blocks in stock.") { Double(counts.current.blocks) }
        registry.gauge("nymserver_mails_waiting", help: "Mails that nyms send and that are not delivered yet.") {
            Double(counts.current.mails)
        }
    }
}
