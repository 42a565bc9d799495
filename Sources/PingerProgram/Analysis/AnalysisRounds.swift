// Looks at what the probes have shown, at a random moment of every slot, and tells: the database its days, the planner what to
// look at next, the authorities their report, everybody the pages. Whether anything may be said at all is decided by
// ReportDecision; as long as it may not, this says why, once, and everything else stays as it was.

internal import Daemon
internal import Directory
internal import Dispatch
internal import Logging
internal import Measurement
internal import Spool
internal import Synchronization
internal import WireFormat

/// The rounds of a running pinger.
final class AnalysisRounds: Sendable {
    /// What they work with.
    struct Surroundings: Sendable {
        var settings: PingerSettings
        var files: PingerFiles
        var clock: any WallClock
        var logger: Logger
        var health: Health
        var store: PingStore
        /// The network with the newest consensus that was seen, however old.
        var network: @Sendable () -> Network
        var watch: @Sendable () -> WatchState
        /// Told of every new analysis.
        var onAnalysis: @Sendable (Analysis) -> Void = { _ in }
    }

    private struct State {
        var analysis: Analysis?
        var probes: AnalysisInput.ProbeState?
        var facts: PingerFacts?
        /// Why nothing is said, and since when.
        var silence: (reason: Silence, since: Timestamp)?
        /// The last time that the watch did not watch, as seen from here: the database may not have it yet.
        var ownGap: PastGap?
        var hasSavedDays = false
        /// Whether a round is on, and whether none is to come of it: the pinger stops.
        var isAtWork = false
        var isLeft = false
        var generator = SystemRandomNumberGenerator()
    }

    private let surroundings: Surroundings
    private let publisher: ReportPublisher
    private let investigation: Investigation
    /// Reads, computes and writes files, which takes seconds.
    private let queue = DispatchQueue(label: "nightjar.pinger.analysis", qos: .utility)
    private let state = Mutex(State())
    /// Held while it is told why nothing is said: rounds and glances come from different tasks, and the last word must be the
    /// newest.
    private let telling = Mutex(())

    /// The first round comes so long after the start: by then the watch has told of the time when the pinger was off.
    static let firstAfter = Interval.minutes(1)
    /// While nothing may be said it is looked again after this time.
    static let patience = Interval.minutes(5)
    /// How often it is looked at the watch, on the network's clock; in real time at least `shortestTurn`.
    private static let turn = Interval.seconds(10)
    private static let shortestTurn = Duration.milliseconds(200)

    init(_ surroundings: Surroundings, publisher: ReportPublisher) {
        self.surroundings = surroundings
        self.publisher = publisher
        investigation = Investigation(settings: surroundings.settings, store: surroundings.store)
    }

    /// What was found last; nil before the first round.
    var last: PingerFacts? { state.withLock { $0.facts } }

    /// Why nothing is said, and since when; nil if something is.
    var silence: (reason: Silence, since: Timestamp)? { state.withLock { $0.silence } }

    /// Works until the task is cancelled.
    func run() async throws {
        let clock = surroundings.clock
        var next = clock.now() + Self.firstAfter
        while true {
            let now = clock.now()
            glance(at: now)
            if now >= next {
                try await roundOrStop()
                next = nextRound(at: clock.now())
            }
            // A clock that was set back far would make it wait for ever.
            next = min(next, now + times.interval * 2)
            try await Task.sleep(for: max(Self.shortestTurn, clock.realDelay(until: min(next, now + Self.turn))))
        }
    }

    private var times: RoundTimes { ReportPublisher.times(surroundings.settings, surroundings.network()) }

    private func nextRound(at now: Timestamp) -> Timestamp {
        let times = times
        return state.withLock { state in
            let next = times.next(after: now, using: &state.generator)
            return state.silence == nil ? next : min(next, now + Self.patience)
        }
    }

    /// Looks at the watch alone: a pinger that cannot see falls silent at once and not at the next round. May be called while a
    /// round is on.
    func glance(at now: Timestamp) {
        if let unwatched = Silence(surroundings.watch()) {
            note(unwatched, at: now)
        } else {
            // What follows is for the next round to say: it stays silent until then.
            state.withLock { state in
                guard let (reason, since) = state.silence else { return }
                switch reason {
                case .blind, .clockWrong:
                    let gap = PastGap(from: min(since, now), to: now, reason: reason.kind)
                    state.ownGap = gap
                    state.silence = (.settling(after: gap), since)
                default: break
                }
            }
        }
    }

    /// One round, for which a pinger that stops does not wait long: it reads, and what it would write can wait for the next
    /// run.
    private func roundOrStop() async throws {
        if await TimeLimited.run(Self.longestRound, { await self.round() }) != nil { return }
        state.withLock { $0.isLeft = true }
        let start = ContinuousClock.now
        while state.withLock({ $0.isAtWork }), ContinuousClock.now - start < Self.farewell {
            // Sleeping in the cancelled task itself would not take any time.
            await Task.detached { try? await Task.sleep(for: .milliseconds(20)) }.value
        }
        try Task.checkCancellation()
    }
    private static let longestRound = Duration.seconds(7 * 86_400)
    /// How long a pinger that stops waits for its analysis, real time.
    static let farewell = Duration.seconds(1)

    /// One round, on a thread of its own.
    func round() async {
        state.withLock { $0.isAtWork = true }
        await withCheckedContinuation { continuation in
            queue.async {
                self.roundNow()
                continuation.resume()
            }
        }
    }

    /// One round; blocks.
    func roundNow() {
        defer { state.withLock { $0.isAtWork = false } }
        guard !isLeft else { return }
        let now = surroundings.clock.now()
        let network = surroundings.network()
        var storeTrouble: String?
        do throws(PingStoreError) { try investigate(network, at: now) } catch { storeTrouble = error.description }
        if let storeTrouble, !isLeft { note(.store(storeTrouble), at: now) }
        guard !isLeft else { return }
        writeOutputs(network, at: now)
    }

    private var isLeft: Bool { state.withLock { $0.isLeft } }

    private func investigate(_ network: Network, at now: Timestamp) throws(PingStoreError) {
        let settings = surroundings.settings
        let gap = try [investigation.lastGap(at: now), state.withLock { $0.ownGap }].compactMap { $0 }
            .max { $0.end(at: now) < $1.end(at: now) }
        var situation = ReportSituation(
            now: now, unwatched: Silence(surroundings.watch()), lastGap: gap,
            consensus: network.consensus.map { ($0.consensus.published, $0.consensus.validUntil) },
            deadline: settings.deadline)
        // What needs no probes to be known: if only this keeps us from speaking, reading a million of them can be spared.
        situation.hasSeenReturn = true
        let early = ReportDecision.silence(situation)
        let (known, isFirst) = state.withLock { ($0.analysis != nil, !$0.hasSavedDays) }
        if let early, known { return try finish(nil, early, network, at: now) }

        let asOf = early?.asOf(now) ?? now
        let days = DayResults.open(at: now, deadline: settings.deadline, kept: settings.keepProbes, isFirst: isFirst)
        let input = try investigation.read(at: asOf, days: early == nil ? days : [])
        situation.counts = input.counts
        situation.hasSeenReturn = gap.map { gap in input.lastReturned.map { $0 > gap.end(at: now) } ?? false } ?? true
        guard !isLeft else { return }
        let silence = ReportDecision.silence(situation)
        let isNews = state.withLock { $0.probes != input.state || $0.analysis == nil }
        guard isNews, silence == nil || !known else { return try finish(nil, silence, network, at: now) }
        let analysis = try investigation.analyse(input, at: silence?.asOf(now) ?? now)
        guard !isLeft else { return }
        if silence == nil { try investigation.saveDays(input, at: now) }
        guard !isLeft else { return }
        state.withLock { state in
            state.probes = silence == nil ? input.state : nil
            state.hasSavedDays = state.hasSavedDays || silence == nil
        }
        try finish(analysis, silence, network, at: now)
    }

    /// Tells everybody what there is to tell.
    private func finish(
        _ new: Analysis?, _ silence: Silence?, _ network: Network, at now: Timestamp
    ) throws(PingStoreError) {
        let silence = note(silence, at: now)
        let analysis = state.withLock { state in
            if let new { state.analysis = new }
            return state.analysis
        }
        if let new, silence == nil {
            surroundings.onAnalysis(new)
            do {
                _ = try publisher.publish(new, network: network, at: now)
                surroundings.health.set("report", trouble: nil)
            } catch {
                let before = surroundings.health.current["report"]
                surroundings.health.set("report", trouble: "cannot make the report: \(error)")
                if before == nil { surroundings.logger.error("cannot make the report: \(error)") }
            }
        }
        guard let analysis else { return }
        let facts = try investigation.facts(analysis, network: network, at: now)
        state.withLock { $0.facts = facts }
    }

    /// Remembers why nothing is said, and tells it when it changes: once in the log, and for as long as it lasts in the health.
    /// - Returns: why nothing is said now: a round that began while the pinger saw may end when it sees no more.
    @discardableResult
    private func note(_ silence: Silence?, at now: Timestamp) -> Silence? {
        telling.withLock { _ in
            let silence = Silence(surroundings.watch()) ?? silence
            tell(silence, at: now)
            return silence
        }
    }

    private func tell(_ silence: Silence?, at now: Timestamp) {
        enum News {
            case none
            case silent(Silence, Timestamp)
            case speaking(Timestamp)
        }
        let (news, current) = state.withLock { state -> (News, (reason: Silence, since: Timestamp)?) in
            let before = state.silence
            guard let silence else {
                state.silence = nil
                return (before.map { .speaking($0.since) } ?? .none, nil)
            }
            let since = before?.since ?? silence.beginning(now)
            state.silence = (silence, since)
            let isNews = !(before?.reason.isSameKind(as: silence) ?? false)
            return (isNews ? .silent(silence, since) : .none, (silence, since))
        }
        surroundings.health.set("measurement", trouble: current.map { "nothing is said of the nodes: \($0.reason)" })
        switch news {
        case .none: break
        case .silent(let reason, let since):
            publisher.note(reason, since: since)
            // What the watch sees it says itself.
            if Silence(surroundings.watch()) == nil {
                surroundings.logger.warning("nothing is said of the nodes since \(since): \(reason)")
            }
        case .speaking(let since):
            publisher.note(nil, since: since)
            surroundings.logger.notice("the nodes are reported on again, after a silence since \(since)")
        }
    }

    // MARK: Files

    private func writeOutputs(_ network: Network, at now: Timestamp) {
        guard let path = surroundings.settings.outputDirectory else { return }
        let (known, silence) = state.withLock { ($0.facts, $0.silence) }
        guard var facts = known else { return }
        facts.made = now
        facts.silence = silence.map { "since \($0.since) \($0.reason)" }
        facts.problems = surroundings.health.current.filter { $0.key != "measurement" }
            .sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        var files = OutputFiles.all(facts)
        if let report = publisher.current { files.append(("report", report.bytes)) }
        let before = surroundings.health.current["output-directory"]
        do throws(CommandFailure) {
            try OutputDirectory(path: path, manifest: surroundings.files.outputs).replace(with: files)
            surroundings.health.set("output-directory", trouble: nil)
        } catch {
            surroundings.health.set("output-directory", trouble: error.message)
            if before == nil { surroundings.logger.error("cannot write the output-directory: \(error)") }
        }
    }
}

extension Silence {
    /// Since when it holds, if it is new at `now`.
    fileprivate func beginning(_ now: Timestamp) -> Timestamp {
        switch self {
        case .blind(let since), .clockWrong(let since): min(since, now)
        case .settling(let gap): min(gap.from, now)
        case .voided, .noConsensus, .clockBehind, .consensusExpired, .store: now
        }
    }
}
