// An authority: the assembly of its parts, in the order in which they start and the reverse in which they stop. What each part
// decides is in its own file; here is only who tells whom.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import MMTP
internal import MixCrypto
internal import NIOPosix
internal import Spool
internal import Synchronization
internal import WireFormat

/// A running authority.
final class RunningAuthority: Sendable {
    let settings: AuthoritySettings
    let parts: AuthorityParts
    let registry: NodeRegistry
    let reports: ReportDesk
    let optOuts: OptOutDesk
    let driver: SlotDriver
    let publication: Publication
    let started: Timestamp
    private let dialer: MMTPDialer
    private let lookup: HostLookup
    private let server: DirectoryServer
    private let mirror: StaticMirror?
    private let certifiedUntil: Mutex<Timestamp>
    private let appeared: (stream: AsyncStream<NodeID>, continuation: AsyncStream<NodeID>.Continuation)

    /// How often certificates and the disk are looked at.
    private static let watchInterval = Interval.minutes(10)
    /// Nodes that wait to be tried because they are new.
    private static let newcomersWaiting = 2048

    /// Opens files, keys and the database. Nothing is sent or accepted before `run`.
    init(
        _ settings: AuthoritySettings, clock: ScaledClock, logger: Logger, registry counters: Counters = Counters(),
        server limits: DirectoryServerLimits = DirectoryServerLimits()
    ) throws {
        self.settings = settings
        let network = try AuthorityIdentity.network(settings.networkFile)
        try AuthorityIdentity.check(settings, network: network)
        let now = clock.now()
        let signer = try AuthorityIdentity.signer(settings, network: network, at: now)
        guard let own = network.index(of: settings.name) else {
            throw CommandFailure("\(settings.networkFile) names no authority \(settings.name)", code: .usage)
        }
        let files = AuthorityFiles(directory: settings.dataDirectory)
        let store = try AuthorityStore.open(path: files.database)
        parts = AuthorityParts(
            editions: try AuthorityIdentity.editions(network, settings, store: store, at: now), own: own, store: store,
            clock: clock, counters: EventCounters("authority", counters), logger: logger)
        try store.keep(
            StoredDocument(
                digest: .sha256(signer.certificate.bytes), kind: .certificate, authority: settings.name.text,
                received: now, bytes: signer.certificate.bytes))
        started = now
        certifiedUntil = Mutex(signer.certificate.validUntil)
        lookup = HostLookup(limit: settings.registry.parallelLookups, timeout: settings.registry.lookupTimeout)
        registry = try NodeRegistry(
            store: store, network: network, limits: settings.registry,
            voted: VotedFlags(bad: settings.bad, checksReachability: settings.checksReachability), lookup: lookup,
            now: { clock.now() })
        parts.unreadable(
            "descriptor", count: registry.lost, because: "its node is unknown until it posts a new one")
        reports = try ReportDesk(parts: parts, pingers: settings.pingers)
        optOuts = try OptOutDesk(parts: parts, registry: registry)
        publication = Publication(store: store)
        var timeouts = DirectoryHTTPClient.Timeouts()
        timeouts.connect = .seconds(10)
        timeouts.silence = .seconds(20)
        driver = try SlotDriver(
            parts: parts, registry: registry, reports: reports, publication: publication,
            client: DirectoryHTTPClient(timeouts: timeouts), signer: signer,
            parameters: settings.votedParameters(network.parameters), keepSlots: settings.keepSlots)
        dialer = try MMTPDialer(
            group: MultiThreadedEventLoopGroup.singleton, clock: { ScaledClock.systemTime() })
        appeared = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.newcomersWaiting))
        let healthSource = HealthSource(
            parts: parts, registry: registry, driver: driver, publication: publication, started: started,
            dataDirectory: settings.dataDirectory)
        let backend = AuthorityBackend(
            parts: parts, registry: registry, optOuts: optOuts, driver: driver, publication: publication,
            readers: WorkThreads("readers", count: 4), pages: HealthPages { await healthSource.facts() })
        var bounds = limits
        bounds.peers.globalConnections = settings.connections
        server = DirectoryServer(
            listen: [ListenAddress(host: settings.listen.host, port: settings.listen.port)], backend: backend,
            limits: bounds)
        mirror = settings.publishDirectory.map { [parts] in StaticMirror(directory: $0, backend: backend, parts: parts)
        }
        watchCounters()
    }

    /// Runs until `stop` returns, then stops in order.
    func run(ready: ([ListenAddress]) async throws -> Void, until stop: @escaping @Sendable () async -> Void)
        async throws
    {
        defer { parts.store.close() }
        let (stream, continuation) = appeared
        await registry.onAppearance { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.server.run() }
            let addresses: [ListenAddress]
            do { addresses = try await server.addresses() } catch {
                // The server's own error says what to do.
                while (try await group.next()) != nil {}
                throw error
            }
            group.addTask { await self.driver.run() }
            if settings.checksReachability {
                let rounds = ReachabilityRounds(
                    registry: registry, dialer: dialer, lookup: lookup, clock: parts.clock, slots: parts.network.slots,
                    isTest: parts.network.isTest, parallel: settings.registry.parallelTries,
                    count: { [parts] in parts.counters.count("reachability", kind: $0) })
                group.addTask { await rounds.run(appeared: stream) }
            } else {
                group.addTask { await self.maintainRegistry() }
            }
            group.addTask { await self.expireEverySlot() }
            group.addTask { await self.watch() }
            if let mirror { group.addTask { await mirror.run(self.publication) } }
            try await ready(addresses)
            group.addTask {
                await stop()
                throw Stopped()
            }
            do { while (try await group.next()) != nil {} } catch is Stopped {}
            group.cancelAll()
            do { while (try await group.next()) != nil {} } catch is CancellationError {} catch is Stopped {}
        }
        await registry.maintain()
    }

    private struct Stopped: Error {}

    /// Without tries the register still forgets.
    private func maintainRegistry() async {
        while await nextSlot() { await registry.maintain() }
    }

    /// Forgets what is old, in every slot: descriptors come whether there is a consensus or not.
    private func expireEverySlot() async {
        while await nextSlot() {
            await optOuts.maintain()
            let (store, keepSlots) = (parts.store, settings.keepSlots)
            do {
                _ = try await parts.work.run { Result { try store.expire(keepSlots: keepSlots) } }.get()
            } catch { if let error = error as? AuthorityStoreError { parts.storeFailed(error) } }
        }
    }

    private func nextSlot() async -> Bool { await pause(parts.network.slots.length) }

    /// Waits by a clock that may be set meanwhile. False when this is cancelled.
    private func pause(_ interval: Interval) async -> Bool {
        let start = parts.clock.now()
        let end = start + interval
        while true {
            let now = parts.clock.now()
            guard now >= start, now < end else { return !Task.isCancelled }
            do { try await parts.clock.sleep(until: end, atMost: AuthorityParts.longestSleep) } catch { return false }
        }
    }

    /// Puts a new certificate and the lists that may change into force.
    func reload(_ fresh: AuthoritySettings) async throws {
        let network = try AuthorityIdentity.network(fresh.networkFile)
        let signer = try AuthorityIdentity.signer(fresh, network: parts.network, at: parts.clock.now())
        await driver.replace(signer)
        await registry.setBad(fresh.bad)
        await reports.setPingers(fresh.pingers)
        certifiedUntil.withLock { $0 = signer.certificate.validUntil }
        checkCertificate()
        if network.digest != parts.network.digest {
            parts.logger.warning("the network file is now version \(network.version): restart to work with it")
        }
        let restartNeeded =
            fresh.name != settings.name || fresh.dataDirectory != settings.dataDirectory
            || fresh.listen != settings.listen || fresh.parameters != settings.parameters
            || fresh.registry != settings.registry || fresh.publishDirectory != settings.publishDirectory
        if restartNeeded {
            parts.logger.warning("name, directories, addresses, limits and parameters change only with a restart")
        }
    }

    // MARK: Watching

    private func watch() async {
        while true {
            checkCertificate()
            checkFloor()
            guard await pause(Self.watchInterval) else { return }
        }
    }

    /// Tells in time that the certificate must be renewed.
    private func checkCertificate() {
        let until = certifiedUntil.withLock { $0 }
        let left = until - parts.clock.now()
        guard left < AuthorityIdentity.renewal else {
            return parts.counters.health.set("certificate", trouble: nil)
        }
        let words =
            left <= .zero
            ? "the certificate of the signing key expired on \(until); this authority takes no part any more; renew it"
            : "the certificate of the signing key expires on \(until); renew it"
        if parts.counters.health.current["certificate"] != words {
            parts.logger.warning("\(words): nightjar-authority certificate request, certify, certificate install")
        }
        parts.counters.health.set("certificate", trouble: words)
    }

    /// Tells if what was done keeps this authority from acting for a while: after `skip`, or when its clock was ahead.
    func checkFloor() {
        let slots = parts.network.slots
        guard let current = slots.slot(at: parts.clock.now()) else { return }
        let held: UInt64
        do throws(AuthorityStoreError) {
            held = max(try parts.store.floor() ?? 0, try parts.store.highest(.signature) ?? 0)
        } catch {
            // What was told of it stays.
            return parts.storeFailed(error)
        }
        guard held > current.number + 1, let next = Slot(held).advanced(by: 1) else {
            return parts.counters.health.set("floor", trouble: nil)
        }
        let words =
            "this authority takes no part before slot \(next), \(slots.start(of: next)): it was told to skip slots, or its clock "
            + "was ahead (doc/AUTHORITY.md, When it fails)"
        if parts.counters.health.current["floor"] != words { parts.logger.warning("\(words)") }
        parts.counters.health.set("floor", trouble: words)
    }

    private func watchCounters() {
        let registry = parts.counters.registry
        registry.gauge("authority_certificate_seconds_left", help: "Until the signing key's certificate expires.") {
            [weak self] in
            self.map { ($0.certifiedUntil.withLock { $0 } - $0.parts.clock.now()).inSeconds } ?? 0
        }
        registry.gauge("authority_consensus_age_seconds", help: "Of the newest consensus; -1 without one.") {
            [parts, publication] in
            publication.certified.map { (parts.clock.now() - $0.consensus.published).inSeconds } ?? -1
        }
        registry.gauge("authority_consensus_nodes", help: "Nodes that the newest consensus lists.") { [publication] in
            Double(publication.certified?.consensus.nodes.count ?? 0)
        }
        registry.gauge("authority_consensus_signatures", help: "Signatures on the newest consensus.") { [publication] in
            Double(publication.certified?.signatures.count ?? 0)
        }
        registry.gauge("authority_http_connections", help: "Connections from others.") { [server] in
            Double(server.connections)
        }
    }
}
