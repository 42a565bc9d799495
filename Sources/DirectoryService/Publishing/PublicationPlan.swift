// Which authority is given a descriptor or a report when: each of them, again and again until it has it, with pauses that grow
// and are drawn at random, so that those who publish do not come all at once. A value; the shell posts and says what came of
// it.

public import Directory
public import WireFormat

/// What became of an upload to one authority.
public enum PublicationOutcome: Hashable, Sendable {
    /// The authority has the document.
    case taken
    /// It does not want it, in its words; the document or the authority's mind must change.
    case refused(String)
    /// It wants it later: there were too many, or it is busy.
    case later(Interval)
    /// It was not reached, or it could not take it now.
    case unreachable(String)

    /// - Parameter scale: how many times faster than real time the network's clock runs: authorities name pauses in real time.
    public init(_ outcome: PeerOutcome, scale: Double) {
        self =
            switch outcome {
            case .accepted: .taken
            case .refused(let words): .refused(words)
            case .busy(let pause): .later(.seconds(fraction: pause.inSeconds * scale))
            case .unreachable(let error): .unreachable(error.description)
            }
    }
}

/// An authority, told apart by its identity key: one that takes another's name over has none of its descriptors.
public struct PublicationTarget: Hashable, Sendable {
    public let name: Nickname
    /// Digest of the identity key.
    public let id: Digest

    public init(name: Nickname, id: Digest) {
        self.name = name
        self.id = id
    }

    public init(_ authority: Authority) { self.init(name: authority.name, id: authority.id) }
}

/// The uploads of one document, and of those that come in its place.
public struct PublicationPlan: Sendable {
    /// How things stand with one authority.
    public struct Entry: Hashable, Sendable {
        public internal(set) var authority: PublicationTarget
        /// Nil before the first answer or failure.
        public internal(set) var outcome: PublicationOutcome?
        /// When that was.
        public internal(set) var at: Timestamp?
        /// Attempts with this document that did not succeed.
        public internal(set) var failures = 0
        /// When the next attempt is due; nil if none is.
        public internal(set) var next: Timestamp?
        var isUnderWay = false
        /// The last document that the authority took.
        public internal(set) var taken: Digest?
    }

    /// The first attempts are spread over this time.
    static let spread = Interval.seconds(30)
    /// The pause after the first failure, doubled with each further one up to the longest.
    static let unreachablePauses = (first: Interval.minutes(1), longest: Interval.hours(1))
    /// The same after a refusal: something has to change first.
    static let refusedPauses = (first: Interval.minutes(30), longest: Interval.hours(6))
    /// The same when the authority wants to be spared; at least as long as it says.
    static let laterPauses = (first: Interval.minutes(5), longest: Interval.hours(2))
    /// Most characters kept of an authority's words.
    static let words = 200

    /// The document to be published; nil before there is one.
    public private(set) var digest: Digest?
    public private(set) var entries: [Entry] = []
    /// Whether an authority that has refused one document is spared the next until its pause is over: it refuses who
    /// publishes, not what.
    private let refusalsStand: Bool

    public init(refusalsStand: Bool = false) { self.refusalsStand = refusalsStand }

    /// Takes the authorities of the network's root; those that stay keep their state.
    public mutating func setAuthorities(
        _ authorities: [PublicationTarget], at now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard authorities != entries.map(\.authority) else { return }
        entries = authorities.map { authority in
            entries.first { $0.authority == authority }
                ?? Entry(authority: authority, next: digest.map { _ in Self.soon(now, &generator) })
        }
    }

    /// A document to be published. One that is the same again is not sent again to those who have it.
    public mutating func publish(
        _ new: Digest, at now: Timestamp, using generator: inout some RandomNumberGenerator
    ) {
        guard new != digest else { return }
        digest = new
        for index in entries.indices where entries[index].taken != new {
            entries[index].failures = 0
            if refusalsStand, case .refused = entries[index].outcome, entries[index].next != nil { continue }
            entries[index].next = Self.soon(now, &generator)
        }
    }

    /// The authorities that are to be tried now. They count as under way until `ended`.
    public mutating func start(at now: Timestamp) -> [PublicationTarget] {
        var started: [PublicationTarget] = []
        for index in entries.indices where !entries[index].isUnderWay {
            guard let next = entries[index].next, next <= now else { continue }
            entries[index].isUnderWay = true
            started.append(entries[index].authority)
        }
        return started
    }

    /// What became of an attempt with the document `sent`.
    public mutating func ended(
        _ authority: PublicationTarget, sent: Digest, _ outcome: PublicationOutcome, at now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let index = entries.firstIndex(where: { $0.authority == authority }) else { return }
        entries[index].isUnderWay = false
        entries[index].outcome = outcome.shortened
        entries[index].at = now
        if case .taken = outcome { entries[index].taken = sent }
        // A newer document came in between: its turn is planned already.
        guard sent == digest || (refusalsStand && outcome.isRefusal) else { return }
        guard let pauses = outcome.pauses else {
            entries[index].next = nil
            entries[index].failures = 0
            return
        }
        var pause = Self.pause(pauses, after: entries[index].failures, &generator)
        if case .later(let wanted) = outcome { pause = min(max(pause, wanted), pauses.longest) }
        entries[index].next = now + pause
        entries[index].failures += 1
    }

    /// Tries everybody who does not have it at once: the operator has asked, or the way to the authorities has changed.
    public mutating func hurry(at now: Timestamp) {
        for index in entries.indices where entries[index].next != nil { entries[index].next = now }
    }

    /// What came of the last attempt with an authority.
    public func outcome(of authority: PublicationTarget) -> PublicationOutcome? {
        entries.first { $0.authority == authority }?.outcome
    }

    /// When `start` has something to do; nil if never.
    public var wakeUp: Timestamp? { entries.filter { !$0.isUnderWay }.compactMap(\.next).min() }

    private static func soon(_ now: Timestamp, _ generator: inout some RandomNumberGenerator) -> Timestamp {
        now + .milliseconds(Int64.random(in: 0...spread.milliseconds, using: &generator))
    }

    /// Doubled with each failure, drawn from the upper half.
    private static func pause(
        _ pauses: (first: Interval, longest: Interval), after failures: Int,
        _ generator: inout some RandomNumberGenerator
    ) -> Interval {
        let full = min(pauses.longest.milliseconds, pauses.first.milliseconds << min(failures, 12))
        return .milliseconds(Int64.random(in: full / 2...full, using: &generator))
    }
}

extension PublicationOutcome {
    /// One word, for programs.
    public var label: String {
        switch self {
        case .taken: "taken"
        case .refused: "refused"
        case .later: "later"
        case .unreachable: "unreachable"
        }
    }

    /// What an authority says is for the operator's eyes: one line, no control characters, not long.
    fileprivate var shortened: PublicationOutcome {
        func short(_ text: String) -> String {
            String(
                text.unicodeScalars.prefix(PublicationPlan.words).map { scalar in
                    scalar.properties.generalCategory == .control ? " " : Character(scalar)
                })
        }
        return switch self {
        case .taken, .later: self
        case .refused(let words): .refused(short(words))
        case .unreachable(let words): .unreachable(short(words))
        }
    }

    fileprivate var isRefusal: Bool { if case .refused = self { true } else { false } }

    /// Nil when there is nothing more to do.
    fileprivate var pauses: (first: Interval, longest: Interval)? {
        switch self {
        case .taken: nil
        case .refused: PublicationPlan.refusedPauses
        case .later: PublicationPlan.laterPauses
        case .unreachable: PublicationPlan.unreachablePauses
        }
    }
}
