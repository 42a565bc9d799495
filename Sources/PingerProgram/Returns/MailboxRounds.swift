// Polls every own mailbox by itself, at the times of a Poisson process of its own, so that no node learns from its polls when
// others are asked. A node that is slow, or hostile, holds up its own mailbox only.

internal import Daemon
internal import Directory
internal import Mailboxes
internal import Measurement
internal import Messages
internal import MixCrypto
internal import Spool
internal import WireFormat

/// The pinger's polls.
struct MailboxRounds: Sendable {
    let parts: PingerParts
    let book: MailboxBook

    /// How long a poll may take, real time.
    static let patience = Duration.seconds(60)
    /// A mailbox that fails for so long is worth a line.
    static let complaint = Interval.hours(1)

    /// Polls until the task is cancelled.
    func run() async throws {
        var times: [NodeID: PoissonTimes<SystemRandomNumberGenerator>] = [:]
        let busy = BusyNodes()
        var polled = PolledMailboxes(deadline: parts.settings.deadline)
        try await withThrowingDiscardingTaskGroup { tasks in
            while true {
                let now = parts.clock.now()
                var next = now + parts.settings.pollInterval
                let network = parts.network()
                let chosen = chosen(network)
                let newest = parts.newestNetwork()
                let nodes = polled.nodes(chosen: chosen, sent: book.sent, at: now) { newest.node($0) }
                times = times.filter { nodes[$0.key] != nil }
                book.keep(Set(nodes.keys), chosen: Set(chosen.map(\.id)))
                for (id, node) in nodes {
                    var time = times[id]
                    // A mailbox that is not made yet is made at once.
                    let isNew = time == nil
                    if time == nil {
                        time = PoissonTimes(
                            mean: parts.settings.pollInterval, now: now, generator: SystemRandomNumberGenerator())
                    }
                    if time?.isDue(at: now) == true || isNew, busy.enter(id) {
                        tasks.addTask {
                            defer { busy.leave(id) }
                            try await self.poll(node)
                        }
                    }
                    times[id] = time
                    if let due = time?.next { next = min(next, due) }
                }
                parts.counters.health.set("mailboxes", trouble: trouble())
                // A new consensus may have new nodes.
                try await parts.clock.sleep(until: next, atMost: .seconds(chosen.isEmpty ? 1 : 10))
            }
        }
    }

    private func chosen(_ network: Network?) -> [Descriptor] {
        network.map {
            PingerMailbox.nodes(in: $0, limit: parts.settings.mailboxes, identity: parts.identity)
        } ?? []
    }

    private func trouble() -> String? {
        let counts = book.counts
        if parts.network() != nil, counts.all == 0 {
            return "no node of the network offers mailboxes; nothing is measured"
        }
        guard counts.failing > 0 else { return nil }
        return "\(counts.failing) of \(counts.all) mailboxes cannot be polled"
    }

    /// One poll of the mailbox at a node.
    private func poll(_ node: Descriptor) async throws {
        let mailbox: PingerMailbox
        do { mailbox = try PingerMailbox(at: node, identity: parts.identity) } catch {
            return parts.counters.count("polls", kind: "no-key")
        }
        var entry = book[node.id]
        let result: PollResult
        switch await open(node, mailbox.key) {
        case .failure(let failure):
            result = PollResult(failure: failure.reason)
            if failure.isContact { parts.watch.contact(false, with: node.id, at: parts.clock.now()) }
        case .success(let session):
            parts.watch.contact(true, with: node.id, at: parts.clock.now())
            result = try await Self.limited(session) {
                try await MailboxPoll(
                    clock: { [clock = parts.clock] in clock.now() },
                    reader: ReturnReader(maker: parts.identity.surbMaker),
                    note: { try await note($0, item: $1, at: $2, notBefore: $3) }
                ).run(session, policy: mailbox.policy, entry: &entry)
            }
        }
        entry.isFailing = result.failure != nil && result.emptied == nil
        book[node.id] = entry
        for (word, count) in result.counts { parts.counters.count("returns", kind: word, by: count) }
        if result.wasRecreated { parts.counters.count("mailboxes_recreated") }
        parts.counters.count("polls", kind: result.emptied != nil ? "complete" : "incomplete")
        if let failure = result.failure { parts.counters.count("poll_failures", kind: failure.rawValue) }
        if let emptied = result.emptied {
            _ = try await parts.stored { try $0.noteEmptied(node.id, at: emptied) }
            parts.planner.emptied(node.id, at: emptied)
        }
    }

    private struct OpenFailure: Error {
        let reason: PollFailure
        /// Whether it says something of this machine's own connection.
        let isContact: Bool
    }

    private func open(_ node: Descriptor, _ key: SigningKey) async -> Result<MailboxSession, OpenFailure> {
        let timeout = parts.settings.connectTimeout
        let clock = parts.clock
        let opened = await TimeLimited.run(Self.patience) {
            do {
                return Result<MailboxSession, any Error>.success(
                    try await MailboxSession.open(node, key: key, connectTimeout: timeout) { clock.now() })
            } catch { return .failure(error) }
        } late: {
            if case .success(let session) = $0 { await session.close() }
        }
        switch opened {
        case .success(let session): return .success(session)
        case .failure(let error): return .failure(OpenFailure(reason: PollFailure(error), isContact: true))
        case nil: return .failure(OpenFailure(reason: .silent, isContact: !Task.isCancelled))
        }
    }

    /// Cuts a session that takes too long, or when the pinger stops.
    private static func limited(
        _ session: MailboxSession, _ body: () async throws -> PollResult
    ) async throws -> PollResult {
        let watch = Task {
            try await Task.sleep(for: patience)
            session.abort()
        }
        defer { watch.cancel() }
        let result: Result<PollResult, any Error> = await withTaskCancellationHandler {
            do { return .success(try await body()) } catch { return .failure(error) }
        } onCancel: {
            session.abort()
        }
        await session.close()
        return try result.get()
    }

    /// Puts a block into the database; what it was.
    private func note(
        _ block: ReturnedBlock, item: UInt64, at: Timestamp, notBefore: Timestamp
    ) async throws -> String? {
        guard case .named(let tag, let content) = block else { return "foreign" }
        let noted = try await parts.stored {
            try $0.noteReturn(tag: tag, content: content, at: at, notBefore: notBefore, item: item)
        }
        switch noted {
        case .first:
            parts.planner.arrived(tag)
            return "first"
        case .again: return "again"
        case .damaged: return "damaged"
        case .noted: return "noted"
        case .unknown: return "unknown"
        case nil: return nil
        }
    }
}
