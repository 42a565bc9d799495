// Sends probes at the times of a Poisson process: planned, recorded, handed to the entry.

internal import Daemon
internal import Directory
internal import Logging
internal import MMTP
internal import Measurement
internal import Spool
internal import WireFormat

/// The pinger's probes.
struct ProbeRounds: Sendable {
    let parts: PingerParts
    let links: EntryLinks
    let mailboxes: MailboxBook

    /// Probes that are made or handed over at a time; when so many are, one that is due is left out.
    static let underwayLimit = 64

    /// Sends until the task is cancelled.
    func run() async throws {
        var times = PoissonTimes(
            perHour: parts.settings.probesPerHour, now: parts.clock.now(), generator: SystemRandomNumberGenerator())
        let turns = Turnstile(limit: Self.underwayLimit)
        try await withThrowingDiscardingTaskGroup { tasks in
            while true {
                let now = parts.clock.now()
                if times.isDue(at: now) {
                    if parts.watch.current == .watching, turns.enter() {
                        tasks.addTask {
                            defer { turns.leave() }
                            try await self.probe()
                        }
                    } else {
                        parts.counters.count("probes", kind: "left-out")
                    }
                }
                try await parts.clock.sleep(
                    until: times.next ?? parts.clock.now() + .days(1), atMost: PingerParts.longestSleep)
            }
        }
    }

    /// One probe.
    private func probe() async throws {
        let now = parts.clock.now()
        guard let network = parts.network() else { return parts.counters.count("probes", kind: "no-directory") }
        var generator = SystemRandomNumberGenerator()
        let ready = mailboxes.ready
        // A random part of a Poisson process is one too.
        guard Double.random(in: 0..<1, using: &generator) < parts.settings.sendingShare(mailboxes: ready.count) else {
            return parts.counters.count("probes", kind: "spared")
        }
        guard let plan = parts.planner.plan(PlanningView(network: network, mailboxes: ready, at: now)) else {
            return parts.counters.count("probes", kind: "no-path")
        }
        let probe: MadeProbe
        do throws(ProbeMakingError) {
            probe = try ProbeMaker(network: network, identity: parts.identity, now: now).make(plan, using: &generator)
        } catch {
            parts.planner.withdraw(plan)
            return parts.counters.count("probes_not_made", kind: error.rawValue)
        }
        mailboxes.noteSent(plan.path.last, at: now)
        let outcome = try await ProbeHandover(parts: parts, links: links).send(probe, planned: now)
        if let sent = outcome.sent {
            mailboxes.noteSent(plan.path.last, at: sent)
            parts.planner.sent(probe.tag, plan, mailbox: plan.path.last, at: sent)
        } else {
            parts.planner.withdraw(plan)
        }
    }
}

/// Records a probe and gives it to its entry.
struct ProbeHandover: Sendable {
    let parts: PingerParts
    let links: EntryLinks

    /// What became of it.
    struct Outcome: Hashable, Sendable {
        /// When the entry had acknowledged it; nil if it did not.
        var sent: Timestamp?
    }

    /// The probe counts from the entry's acknowledgement on. One that the entry did not take is forgotten; one of which nobody
    /// knows whether it was taken stays as it is, and comes to nothing.
    func send(_ probe: MadeProbe, planned: Timestamp) async throws -> Outcome {
        let row = probe.row(planned: planned)
        guard let id = try await parts.stored({ try $0.add(row) }) else { return Outcome() }
        switch await links.send(probe.packet, to: probe.entry) {
        case .taken:
            let now = parts.clock.now()
            guard try await parts.stored({ try $0.noteSent(id, at: now) }) != nil else { return Outcome() }
            parts.counters.count("probes_sent", kind: probe.kind.rawValue)
            return Outcome(sent: now)
        case .refused(let reason):
            parts.counters.count("probes_refused", kind: "\(reason)")
            _ = try await parts.stored { try $0.noteUnsent(id) }
        case .unreachable(let failure):
            parts.counters.count("probes_unreachable", kind: failure.label)
            // No handshake that counts: those that stand are not counted here either, so it would say that nodes fail more.
            _ = try await parts.stored { try $0.noteUnsent(id) }
        case .unclear: parts.counters.count("probes", kind: "unclear")
        }
        return Outcome()
    }
}
