// Makes the node's descriptor when one is due and gives it to every authority. What is due when is decided by DescriptorMaker
// and PublicationPlan; here are the clock, the disk and the uploads.

internal import Daemon
internal import Directory
internal import DirectoryService
internal import Foundation
internal import Logging
internal import MixCrypto
internal import Synchronization
internal import WireFormat

final class DescriptorPublisher: Sendable {
    /// Gives a descriptor to an authority and says what became of it.
    typealias Upload = @Sendable (_ authority: Authority, _ descriptor: [UInt8]) async -> PublicationOutcome

    private struct State {
        var current: Descriptor?
        var plan = PublicationPlan()
        var saved: PublicationRecord?
        var saidMayStop = false
        var generator = SystemRandomNumberGenerator()
    }

    private let settings: NodeSettings
    private let files: NodeFiles
    private let identity: SigningKey
    private let keys: KeyRing
    private let network: NetworkView
    private let clock: ScaledTime
    private let logger: Logger
    private let optOuts: @Sendable () -> Digest?
    private let upload: Upload
    private let state: Mutex<State>

    /// How often it is looked whether something is due, on the network's clock.
    private static let turn = Interval.seconds(10)

    /// Takes the descriptor of an earlier run over if it is good.
    /// - Parameter optOuts: the digest of the statement of opt-outs that the descriptor is to name.
    init(
        settings: NodeSettings, files: NodeFiles, identity: SigningKey, keys: KeyRing, network: NetworkView,
        clock: ScaledTime, logger: Logger, optOuts: @escaping @Sendable () -> Digest? = { nil },
        upload: @escaping Upload
    ) {
        self.settings = settings
        self.files = files
        self.identity = identity
        self.keys = keys
        self.network = network
        self.clock = clock
        self.logger = logger
        self.optOuts = optOuts
        self.upload = upload
        let old = try? UnverifiedDescriptor(AtomicFile.read(files.descriptor, limit: Descriptor.maximumSize))
            .verify(network: network.current.name)
        state = Mutex(State(current: old?.identity == identity.verificationKey ? old : nil))
    }

    /// The descriptor that stands for the node now.
    var current: Descriptor? { state.withLock { $0.current } }

    /// Whether the operator has said that the node leaves.
    var isLeaving: Bool { FileManager.default.fileExists(atPath: files.leaving) }

    /// Tries every authority that does not have the descriptor again at once.
    func hurry() {
        let now = clock.now()
        state.withLock { $0.plan.hurry(at: now) }
    }

    /// Makes and publishes until the task is cancelled.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            while true {
                let now = clock.now()
                try refresh(at: now)
                for (authority, descriptor) in starting(at: now) {
                    tasks.addTask { await self.give(descriptor, to: authority) }
                }
                save()
                sayMayStop(at: now)
                let wake = state.withLock { $0.plan.wakeUp } ?? now + Self.turn
                try await clock.sleep(until: max(min(wake, now + Self.turn), now + clock.shortestTurn))
            }
        }
    }

    /// Makes a new descriptor if one is due.
    func refresh(at now: Timestamp) throws {
        let root = network.current.root
        let maker = DescriptorMaker(settings: settings, root: root)
        guard let period = maker.calendar.period(at: now) else { return }
        let wanted = maker.fields(
            keys: keys.current.published(from: period), isLeaving: isLeaving, optOuts: optOuts(), at: now)
        let isNew = try state.withLock { state in
            var isNew = false
            if maker.isDue(state.current, wanted: wanted, at: now) {
                let made = try Descriptor.make(wanted, identity: identity)
                try AtomicFile.write(made.bytes, to: files.descriptor)
                state.current = made
                isNew = true
            }
            let authorities = settings.directory.publishes ? root.authorities.filter { !$0.urls.isEmpty } : []
            state.plan.setAuthorities(authorities.map(PublicationTarget.init), at: now, using: &state.generator)
            if let current = state.current { state.plan.publish(current.digest, at: now, using: &state.generator) }
            return isNew
        }
        guard isNew else { return }
        if wanted.isLeaving {
            logger.notice("made a descriptor that says that the node leaves")
        } else {
            logger.notice("made a new descriptor, valid until \(wanted.validUntil)")
        }
        if root.directoryURLs.isEmpty {
            logger.notice("no authority of this network can be reached by HTTP; give the descriptor to whoever runs it")
        }
    }

    private func starting(at now: Timestamp) -> [(Authority, Descriptor)] {
        let root = network.current.root
        return state.withLock { state in
            guard let current = state.current else { return [] }
            return state.plan.start(at: now).compactMap { target in
                root.authority(id: target.id).map { ($0, current) }
            }
        }
    }

    private func give(_ descriptor: Descriptor, to authority: Authority) async {
        let target = PublicationTarget(authority)
        let before = state.withLock { $0.plan.outcome(of: target) }
        let outcome = await upload(authority, descriptor.bytes)
        let now = clock.now()
        state.withLock {
            $0.plan.ended(target, sent: descriptor.digest, outcome, at: now, using: &$0.generator)
        }
        save()
        // Told when it changes, not each time.
        let (told, level) = state.withLock { ($0.plan.outcome(of: target), outcome.level) }
        guard let told, told != before || outcome == .taken else { return }
        logger.log(level: level, "authority \(authority.name) \(told.words)")
    }

    /// Writes how things stand for `nightjar-node status`, when that has changed.
    private func save() {
        state.withLock { state in
            let record = PublicationRecord(descriptor: state.current, plan: state.plan)
            guard record != state.saved else { return }
            // Only a report: the next change writes it again.
            guard (try? AtomicFile.write(record.encoded, to: files.publication)) != nil else { return }
            state.saved = record
        }
    }

    /// Whether nobody can have chosen the node any more: it leaves, and no valid consensus names it.
    func mayStop(at now: Timestamp) -> Bool {
        let network = self.network.current
        let id = identity.verificationKey.nodeID
        guard isLeaving, let consensus = network.consensus, consensus.age(at: now) != .expired else { return false }
        return network.standing(of: id) == nil && (self.network.listedUntil(id) ?? now) <= now
    }

    private func sayMayStop(at now: Timestamp) {
        guard mayStop(at: now) else { return }
        let isNews = state.withLock { state in
            defer { state.saidMayStop = true }
            return !state.saidMayStop
        }
        if isNews { logger.notice("no valid consensus names this node any more: it may be stopped for good") }
    }
}

extension PublicationOutcome {
    /// What follows the name of the authority.
    var words: String {
        switch self {
        case .taken: "has the descriptor"
        case .refused(let words): "refuses the descriptor: \(words)"
        case .later(let pause): "takes no more descriptors for now, for \(max(1, pause.milliseconds / 60_000)) min"
        case .unreachable(let words): "was not reached: \(words)"
        }
    }

    fileprivate var level: Logger.Level {
        switch self {
        case .taken: .info
        case .refused: .error
        case .later, .unreachable: .warning
        }
    }
}
