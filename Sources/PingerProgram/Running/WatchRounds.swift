// Whether the pinger sees, by its two clocks and by the contacts of all other parts; and what follows from that: gaps, in which
// probes are void, and probes that are lost, which are judged only while it sees.

internal import Daemon
internal import Directory
internal import Logging
internal import Measurement
internal import Spool
internal import WireFormat

/// The pinger's heartbeat.
struct WatchRounds: Sendable {
    let parts: PingerParts
    /// Called before it is said that the pinger does not see any more: who reads that finds it true of everything it shows.
    var onSilence: @Sendable () -> Void = {}

    /// Between two looks at the clocks, by the network's clock; at least `shortestTurn` of real time.
    static let turn = Interval.seconds(30)
    static let shortestTurn = Duration.milliseconds(250)
    /// Between two judgements, in looks.
    static let judgedEvery = 4
    /// Between two removals of what is old.
    static let retention = Interval.days(1)

    /// What a test network's fast clock does to a pinger that stands still for a moment: the same moment is longer there.
    static func settings(scale: Double) -> WatchSettings {
        var settings = WatchSettings()
        guard scale > 1 else { return settings }
        settings.harmlessGap = max(settings.harmlessGap, .seconds(fraction: 10 * scale))
        settings.clockJump = max(settings.clockJump, .seconds(fraction: 5 * scale))
        settings.blindAfter = max(settings.blindAfter, .seconds(fraction: 20 * scale))
        return settings
    }

    /// Watches until the task is cancelled.
    func run() async throws {
        var said = WatchState.watching
        var turns = 0
        var swept: Timestamp?
        var height: UInt64?
        while true {
            parts.watch.tick(now: parts.clock.now(), uptime: parts.uptime())
            let sees = try await record()
            said = tell(before: said)
            if sees, turns.isMultiple(of: Self.judgedEvery) { try await judge() }
            if let network = parts.network(), network.height != height {
                height = network.height
                try await noteNicknames(network)
            }
            let now = parts.clock.now()
            if swept.map({ now - $0 >= Self.retention || now < $0 }) ?? true, parts.watch.current == .watching {
                swept = now
                try await sweep(now)
            }
            turns &+= 1
            try await Task.sleep(for: max(Self.shortestTurn, parts.clock.realDelay(until: now + Self.turn)))
        }
    }

    /// Writes down gaps and that the pinger lives. False if something may not be judged now.
    func record() async throws -> Bool {
        let (gaps, aliveUntil) = parts.watch.take()
        let watch = parts.watch
        let voiding = gaps.filter { watch.isVoiding($0) }
        // No gap ends later, but those of a clock that has been set back.
        let now = parts.clock.now()
        let voided = try await parts.stored { store in
            var voided = 0
            for gap in gaps {
                voided += try store.addGap(
                    from: gap.from, to: gap.to, reason: gap.reason.rawValue, voiding: watch.isVoiding(gap))
            }
            // After the gaps: what is killed in between finds them again.
            try store.noteAlive(aliveUntil, now: now)
            return voided
        }
        guard let voided else {
            parts.watch.giveBack(gaps)
            return false
        }
        for gap in voiding { parts.counters.count("gaps", kind: gap.reason.rawValue) }
        if !voiding.isEmpty {
            parts.planner.forgetUnderway()
            parts.counters.count("probes_void", by: voided)
        }
        return parts.watch.current == .watching
    }

    /// A line when it changes what the pinger sees.
    private func tell(before said: WatchState) -> WatchState {
        let state = parts.watch.current
        parts.counters.health.set("watch", trouble: parts.watch.silence)
        switch (said, state) {
        case (.watching, .watching), (.blind, .blind), (.clockWrong, .clockWrong): break
        case (_, .watching):
            parts.logger.notice("measuring again; probes that were under way meanwhile are void")
        default:
            onSilence()
            parts.logger.error("\(state.description)")
        }
        return state
    }

    private func judge() async throws {
        let (deadline, now) = (parts.settings.deadline, parts.clock.now())
        guard let judged = try await parts.stored({ try $0.judge(deadline: deadline, at: now) }) else { return }
        parts.counters.count("probes_lost", by: judged.lost)
        parts.counters.count("probes_void", by: judged.void)
    }

    /// The names by which people know the nodes, for those that will have left.
    private func noteNicknames(_ network: Network) async throws {
        let names = network.nodes.map { ($0.id, $0.fields.nickname.text) }
        _ = try await parts.stored { for (id, name) in names { try $0.noteNickname(id, name) } }
    }

    private func sweep(_ now: Timestamp) async throws {
        let (pings, days) = (now - parts.settings.keepProbes, now - parts.settings.keepDays)
        _ = try await parts.stored { try $0.expire(pingsBefore: pings, daysBefore: days) }
    }
}

extension PingerParts {
    /// Monotonic time, at the rate of the network's clock. Time in which the machine sleeps counts too.
    func uptime() -> Interval { .seconds(fraction: Uptime.seconds() * clock.scale) }
}
