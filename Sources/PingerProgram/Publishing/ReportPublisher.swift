// Makes the signed report and gives it to every authority until each has it, or it is too old. Whether there may be one is
// decided by ReportDecision, and who is tried when by PublicationPlan; here are the clock, the disk and the uploads.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Logging
internal import Measurement
internal import MixCrypto
internal import Synchronization
internal import WireFormat

/// Publishes the pinger's reports.
final class ReportPublisher: Sendable {
    /// Gives a report to an authority and says what became of it.
    typealias Upload = @Sendable (_ authority: Authority, _ report: [UInt8]) async -> PublicationOutcome

    private struct State {
        var current: MeasurementReport?
        /// Whether the report of an earlier run was looked for.
        var isTakenOver = false
        var plan = PublicationPlan(refusalsStand: true)
        var silence: PublicationRecord.Silent?
        var saved: PublicationRecord?
        var generator = SystemRandomNumberGenerator()
    }

    private let settings: PingerSettings
    private let file: LastReport
    private let recordPath: String
    private let key: HybridSigningKey
    private let network: @Sendable () -> Network
    private let clock: any WallClock
    private let logger: Logger
    private let health: Health
    private let upload: Upload
    private let state = Mutex(State())

    /// How often it is looked whether something is due, on the network's clock; in real time at least `shortestTurn`.
    private static let turn = Interval.seconds(10)
    private static let shortestTurn = Duration.milliseconds(200)

    init(
        settings: PingerSettings, files: PingerFiles, key: HybridSigningKey,
        network: @escaping @Sendable () -> Network,
        clock: any WallClock, logger: Logger, health: Health, upload: @escaping Upload
    ) {
        self.settings = settings
        file = LastReport(path: files.report)
        recordPath = files.publication
        self.key = key
        self.network = network
        self.clock = clock
        self.logger = logger
        self.health = health
        self.upload = upload
    }

    /// The last report.
    var current: MeasurementReport? { state.withLock { $0.current } }

    /// How it stands.
    var record: PublicationRecord { state.withLock { Self.record($0) } }

    /// The time from one report to the next.
    static func times(_ settings: PingerSettings, _ network: Network) -> RoundTimes {
        RoundTimes(interval: settings.reportInterval ?? min(network.root.parameters.slotLength, .hours(1)))
    }

    // MARK: Making

    /// Makes a report of `analysis`, if none was made in this slot.
    /// - Returns: the new report; nil if none is due, or nothing can be said of any node.
    func publish(_ analysis: Analysis, network: Network, at now: Timestamp) throws -> MeasurementReport? {
        takeOver(network, at: now)
        let times = Self.times(settings, network)
        // One from the future, of a clock that was wrong, is nobody's any more.
        if let last = current, last.published <= now + ReportTally.maximumAhead,
            times.slot(at: last.published) == times.slot(at: now) || now - last.published < times.shortest
        {
            return nil
        }
        guard
            let contents = ReportDecision.contents(
                analysis, pinger: settings.name, deadline: settings.deadline, at: now)
        else { return nil }
        let report = try MeasurementReport.make(contents, network: network.root, key: key)
        // Before it is given to anybody, so that there are never two of one time.
        try file.write(report)
        state.withLock { state in
            state.current = report
            aim(&state, network, at: now)
        }
        save()
        logger.info("made a report on \(report.nodes.count) nodes")
        return report
    }

    /// Takes the report of an earlier run over, if it can still be used.
    private func takeOver(_ network: Network, at now: Timestamp) {
        state.withLock { state in
            guard !state.isTakenOver else { return }
            state.isTakenOver = true
            guard let old = file.read(key: key.verificationKey, network: network.root),
                LastReport.isUsable(old, at: now)
            else { return }
            state.current = old
            aim(&state, network, at: now)
        }
    }

    /// Nothing is said from now on, or again. What was made before is not given away meanwhile: it ages out.
    func note(_ silence: Silence?, since: Timestamp) {
        state.withLock { state in
            state.silence = silence.map {
                PublicationRecord.Silent(kind: $0.kind, words: $0.description, since: since.description)
            }
        }
        save()
    }

    // MARK: Giving

    /// Gives reports away until the task is cancelled.
    func run() async throws {
        guard settings.publishesReports else { return }
        try await withThrowingDiscardingTaskGroup { tasks in
            while true {
                let now = clock.now()
                let network = network()
                takeOver(network, at: now)
                for (authority, report) in starting(network, at: now) {
                    tasks.addTask { await self.give(report, to: authority) }
                }
                save()
                let wake = state.withLock { $0.plan.wakeUp } ?? now + Self.turn
                try await Task.sleep(
                    for: max(Self.shortestTurn, clock.realDelay(until: min(max(wake, now), now + Self.turn))))
            }
        }
    }

    private func starting(_ network: Network, at now: Timestamp) -> [(Authority, MeasurementReport)] {
        state.withLock { state in
            aim(&state, network, at: now)
            guard let current = state.current, state.silence == nil, LastReport.isUsable(current, at: now) else {
                return []
            }
            return state.plan.start(at: now).compactMap { target in
                network.root.authority(id: target.id).map { ($0, current) }
            }
        }
    }

    private func aim(_ state: inout State, _ network: Network, at now: Timestamp) {
        guard settings.publishesReports else { return }
        let authorities = network.root.authorities.filter { !$0.urls.isEmpty }
        state.plan.setAuthorities(authorities.map(PublicationTarget.init), at: now, using: &state.generator)
        if let current = state.current { state.plan.publish(current.digest, at: now, using: &state.generator) }
    }

    private func give(_ report: MeasurementReport, to authority: Authority) async {
        let target = PublicationTarget(authority)
        let before = state.withLock { $0.plan.outcome(of: target) }
        let outcome = await upload(authority, report.bytes)
        let now = clock.now()
        state.withLock {
            $0.plan.ended(target, sent: report.digest, outcome, at: now, using: &$0.generator)
        }
        save()
        let (told, trouble) = state.withLock { ($0.plan.outcome(of: target), Self.trouble($0.plan)) }
        health.set("reports", trouble: trouble)
        // Told when it changes, not each time.
        guard let told, told != before else { return }
        logger.log(level: outcome.level, "authority \(authority.name) \(told.words)")
    }

    /// One of several authorities that is away is no trouble of ours; that none takes reports is.
    private static func trouble(_ plan: PublicationPlan) -> String? {
        guard !plan.entries.isEmpty, plan.entries.allSatisfy({ $0.outcome != nil && $0.outcome != .taken }) else {
            return nil
        }
        return "no authority takes the reports; see nightjar-pinger report --upload"
    }

    /// Writes how things stand, when that has changed.
    private func save() {
        state.withLock { state in
            let record = Self.record(state)
            guard record != state.saved else { return }
            // Only for people: the next change writes it again.
            guard (try? AtomicFile.write(record.encoded, to: recordPath)) != nil else { return }
            state.saved = record
        }
    }

    private static func record(_ state: State) -> PublicationRecord {
        PublicationRecord(
            report: state.current?.digest.hex, published: state.current?.published, silence: state.silence,
            plan: state.plan)
    }
}

extension PingerFiles {
    /// What became of the last report, or why there is none (`PublicationRecord`).
    var publication: String { "\(directory)/publication" }
    /// Names of the files that were written into the output directory.
    var outputs: String { "\(directory)/outputs" }
}

extension PublicationOutcome {
    fileprivate var level: Logger.Level {
        switch self {
        case .taken: .info
        case .refused: .error
        case .later, .unreachable: .warning
        }
    }
}
