// The shell around the slot machine (Directory/Slots): it makes and checks documents, keeps them, sends and fetches them, and
// does nothing that the machine has not asked for. Everything that it makes is on the disk before it is sent.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import WireFormat

/// Takes part in slots.
actor SlotDriver {
    /// Tasks that send and fetch at one time; more are never needed by what open slots can hold.
    static let maximumTasks = 1024
    /// Closed slots whose summaries are kept for the status pages.
    static let summaryCount = 72

    /// Real time until what failed is tried again.
    static let retryPause = Duration.seconds(1)

    private let executor = WorkExecutor("slots")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let parts: AuthorityParts
    let registry: NodeRegistry
    let reports: ReportDesk
    let publication: Publication
    let peers: [Peer]
    let sender: PeerSender
    let keepSlots: Int
    let parameters: NetworkParameters
    /// Documents from the network that are being checked.
    nonisolated let intake = IntakeLimit(64)

    var signer: AuthoritySigner
    var machine: SlotMachine
    var documents = OpenDocuments()
    /// The newest certified consensus.
    var latest: CertifiedConsensus?
    /// Newest last.
    private(set) var closed: [SlotSummary] = []
    /// For each authority what its newest vote that was sent here said of the time, and when it came.
    var clocks: [Int: (slot: Slot, published: Timestamp, received: Timestamp)] = [:]
    /// Slots whose consensus was certified after their end or brought from others.
    var lateSlots: Set<Slot> = []
    /// What may be fetched and kept of the reports that each authority's votes name; at most one entry an authority.
    var reportRoom: [Nickname: TokenBucket] = [:]
    /// Evidence that was fetched and is of no use here.
    var declined: Set<Digest> = []
    private var tasks: [Int: (slot: Slot?, task: Task<Void, Never>)] = [:]
    private var nextTask = 0
    private var isStopping = false

    init(
        parts: AuthorityParts, registry: NodeRegistry, reports: ReportDesk, publication: Publication,
        client: DirectoryHTTPClient, signer: AuthoritySigner, parameters: NetworkParameters, keepSlots: Int
    ) throws {
        self.parts = parts
        self.registry = registry
        self.reports = reports
        self.publication = publication
        self.signer = signer
        self.parameters = parameters
        self.keepSlots = keepSlots
        peers = Peer.all(parts.network, besides: parts.own, client: client)
        sender = PeerSender(client: client)
        let (memory, latest) = try Self.remember(parts)
        self.latest = latest
        // Before anybody can ask for it.
        if let latest { publication.update(latest) }
        machine = SlotMachine(
            authorities: parts.network.authorities.count, own: parts.own, quorum: parts.network.quorum,
            timing: SlotTiming(slotLength: parts.network.parameters.slotLength), memory: memory)
    }

    /// Takes part until it is cancelled; then nothing is under way any more.
    func run() async {
        if let latest {
            publication.update(latest)
            spawn { await self.complete(latest) }
        }
        step()
        restoreOpenSlots()
        spawn { await self.pull() }
        spawn { await self.pullEverySlot() }
        while !Task.isCancelled {
            step()
            let now = parts.clock.now()
            let wake = machine.wakeUp ?? now + .seconds(1)
            let next = max(wake, now + .milliseconds(1))
            do { try await parts.clock.sleep(until: next, atMost: AuthorityParts.longestSleep) } catch { break }
        }
        isStopping = true
        let left = tasks.values.map(\.task)
        for task in left { task.cancel() }
        for task in left { await task.value }
    }

    /// Tells the machine the time; called before every fact.
    func step() { perform(machine.advance(to: parts.clock.now())) }

    /// A new certificate, or a new key.
    func replace(_ signer: AuthoritySigner) { self.signer = signer }

    /// The open slots, then the closed ones, newest first.
    var summaries: [SlotSummary] { machine.summaries.reversed() + closed.reversed() }

    /// The eighth part of a slot, in real time.
    nonisolated var eighthOfSlot: Duration {
        let now = parts.clock.now()
        return parts.clock.realDelay(until: now + .milliseconds(parts.network.slots.length.milliseconds / 8))
    }

    // MARK: Actions

    func perform(_ actions: [SlotAction]) {
        for action in actions { perform(action) }
    }

    private func perform(_ action: SlotAction) {
        switch action {
        case .makeVote(let slot): spawn(slot) { await self.makeVote(slot) }
        case .propose(let slot, let votes): propose(slot, votes)
        case .fetchVote(let slot, let vote, let sources): spawn(slot) { await self.fetchVote(slot, vote, sources) }
        case .compute(let slot, let proposal, let votes): compute(slot, proposal, votes)
        case .recordAndSign(let link): sign(link)
        case .send(let kind, let slot, let digest): send(kind, slot, digest)
        case .certified(let link): assemble(link)
        case .addSignature(let link, _): assemble(link)
        case .fetchConsensus(let link, let sources):
            spawn(link.slot) { await self.fetchConsensus(link, sources) }
        case .evidence(let fact, let first, let second): accuse(fact, first, second)
        case .passOn(let fact): passOn(fact)
        case .fork(let first, let second): fork(first, second)
        case .slotFailed(let slot, let failure):
            parts.counters.count("slots_failed")
            parts.logger.warning("slot \(slot) failed: \(failure)")
        case .closed(let summary): close(summary)
        }
    }

    private func close(_ summary: SlotSummary) {
        for (_, task) in tasks where task.slot == summary.slot { task.task.cancel() }
        documents.close(summary.slot)
        closed.append(summary)
        if closed.count > Self.summaryCount { closed.removeFirst(closed.count - Self.summaryCount) }
        if let oldest = closed.first?.slot { lateSlots = lateSlots.filter { $0 >= oldest } }
        if case .certified = summary.progress { parts.counters.count("slots_certified") }
    }

    // MARK: Tasks

    /// Starts something that ends with the slot at the latest.
    func spawn(_ slot: Slot? = nil, _ body: @escaping @Sendable () async -> Void) {
        guard !isStopping, tasks.count < Self.maximumTasks else {
            parts.counters.count("tasks_refused")
            return
        }
        let number = nextTask
        nextTask += 1
        tasks[number] = (
            slot,
            Task {
                await body()
                self.tasks[number] = nil
            }
        )
    }
}
