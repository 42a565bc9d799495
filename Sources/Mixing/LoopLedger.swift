// What becomes of a node's own loops. They look like any packet, so whoever holds packets back, or lets only his own
// through to single one out (the n-1 attack), holds back loops too, and this node sees that they stay away.
//
// It cannot tell an attack from a broken network. So holding is bounded: after `longestHold` packets flow again for at
// least `rest`, with the alarm still raised, or else nodes that hold would make each other hold for ever.

internal import DequeModule
public import WireFormat

/// When `LoopLedger` calls for holding.
public struct LoopLedgerSettings: Hashable, Sendable {
    /// Holding starts when a smaller share than this came back; zero never holds.
    public var holdBelow = 0.5
    /// Holding and alarm end when at least this share came back.
    public var resumeFrom = 0.7
    /// With fewer outcomes than this in the window nothing is decided.
    public var leastSamples = 30
    /// Outcomes older than this are forgotten.
    public var window = Interval.minutes(60)
    /// Longest that packets are held on one occasion.
    public var longestHold = Interval.minutes(30)
    /// After a hold that ended by its length, none starts for this long.
    public var rest = Interval.minutes(60)
    /// Most loops under way, and most outcomes, that are remembered.
    public var capacity = 4096

    public init() {}
}

/// Remembers the loops that this node sent and judges by those that came back.
public struct LoopLedger<ID: Hashable & Sendable>: Sendable {
    /// What the node should do.
    public enum Verdict: Hashable, Sendable {
        /// Release as the strategy says.
        case release
        /// Release, but tell the operator: loops stay away, and holding has not helped.
        case releaseWithAlarm
        /// Hold what can be held, and tell the operator.
        case hold

        /// Whether the alarm metric is raised.
        public var isAlarm: Bool { self != .release }
    }

    public let settings: LoopLedgerSettings
    /// Loops dropped from memory because there were too many under way; counted neither as back nor as lost.
    public private(set) var forgotten = 0

    private var pending: [ID: Timestamp] = [:]
    private var byDeadline: Deque<(id: ID, deadline: Timestamp)> = []
    private var outcomes: Deque<(at: Timestamp, isBack: Bool)> = []
    private var backCount = 0
    private var current = Verdict.release
    private var holdingSince: Timestamp?
    private var restUntil = Timestamp(milliseconds: .min)

    public init(settings: LoopLedgerSettings = LoopLedgerSettings()) { self.settings = settings }

    /// Loops under way.
    public var pendingCount: Int { pending.count }
    /// Outcomes in the window as of the last call.
    public var sampleCount: Int { outcomes.count }
    /// The share of loops that came back; nil without any outcome.
    public var fraction: Double? { outcomes.isEmpty ? nil : Double(backCount) / Double(outcomes.count) }

    /// A loop was sent. It counts as lost if it is not back by `deadline`, which must leave time for every hop's cap.
    public mutating func sent(_ id: ID, deadline: Timestamp) {
        while pending.count >= settings.capacity || byDeadline.count >= 2 * settings.capacity,
            let oldest = byDeadline.popFirst()
        {
            if pending[oldest.id] == oldest.deadline {
                pending[oldest.id] = nil
                forgotten += 1
            }
        }
        pending[id] = deadline
        byDeadline.append((id, deadline))
    }

    /// A loop came back; returns whether it was one that is waited for (not a stranger, a double, or too late).
    public mutating func returned(_ id: ID, now: Timestamp) -> Bool {
        guard let deadline = pending.removeValue(forKey: id) else { return false }
        record(isBack: deadline >= now, now: now)
        return deadline >= now
    }

    /// Counts what is overdue and says what to do. Called now and then, and at `nextWake`.
    public mutating func verdict(now: Timestamp) -> Verdict {
        while let first = byDeadline.first, first.deadline < now || pending[first.id] != first.deadline {
            byDeadline.removeFirst()
            guard pending[first.id] == first.deadline else { continue }
            pending[first.id] = nil
            record(isBack: false, now: now)
        }
        while let first = outcomes.first, now - first.at > settings.window {
            outcomes.removeFirst()
            if first.isBack { backCount -= 1 }
        }
        current = decide(now: now)
        return current
    }

    /// When the next loop becomes overdue or a hold ends; nil if nothing is waited for.
    public var nextWake: Timestamp? {
        let overdue = byDeadline.first.map { $0.deadline + .milliseconds(1) }
        guard let since = holdingSince else { return overdue }
        let end = since + settings.longestHold
        return overdue.map { min($0, end) } ?? end
    }

    private mutating func decide(now: Timestamp) -> Verdict {
        guard outcomes.count >= settings.leastSamples, let fraction else {
            // Too few to judge: a hold goes on to its end, an alarm stays as it is.
            return current == .hold ? continueHold(now: now) : current
        }
        switch current {
        case .release:
            guard fraction < settings.holdBelow else { return .release }
            return startHold(now: now)
        case .hold:
            guard fraction < settings.resumeFrom else { return endHold(.release) }
            return continueHold(now: now)
        case .releaseWithAlarm:
            if fraction >= settings.resumeFrom { return .release }
            return fraction < settings.holdBelow && now >= restUntil ? startHold(now: now) : .releaseWithAlarm
        }
    }

    private mutating func startHold(now: Timestamp) -> Verdict {
        guard now >= restUntil else { return .releaseWithAlarm }
        holdingSince = now
        return .hold
    }

    private mutating func continueHold(now: Timestamp) -> Verdict {
        guard let since = holdingSince, now - since >= settings.longestHold else { return .hold }
        restUntil = now + settings.rest
        return endHold(.releaseWithAlarm)
    }

    private mutating func endHold(_ verdict: Verdict) -> Verdict {
        holdingSince = nil
        return verdict
    }

    private mutating func record(isBack: Bool, now: Timestamp) {
        if outcomes.count >= settings.capacity, let oldest = outcomes.popFirst(), oldest.isBack { backCount -= 1 }
        outcomes.append((now, isBack))
        if isBack { backCount += 1 }
    }
}
