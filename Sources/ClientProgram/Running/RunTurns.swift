// All that `nightjar run` does again and again besides the stream. Pure: the shell asks what is due and sleeps until the
// next is.

internal import WireFormat

/// A repeated job.
enum RunJob: Hashable, Sendable, CaseIterable {
    /// Makes packets of what the user has given to be sent, and of what has to be sent once more.
    case outbox
    /// Reads the network file again.
    case refresh
    /// Removes what has expired, replaces what is due.
    case clean
    /// Writes down how things stand.
    case status
}

/// The schedules of all jobs, each with a generator of its own.
struct RunTurns<Source: RandomNumberGenerator & Sendable>: Sendable {
    private var turns: [RunJob: TurnSchedule<Source>]

    /// How often the record of how things stand is written.
    static var statusInterval: Interval { .minutes(1) }

    /// - Parameter source: makes the generator of a job.
    init(_ settings: RunSettings, now: Timestamp, source: (RunJob) -> Source) {
        turns = [:]
        for job in RunJob.allCases {
            turns[job] = TurnSchedule(mean: Self.mean(job, settings), now: now, source: source(job))
        }
    }

    /// When to ask `due` next.
    var next: Timestamp { turns.values.map(\.next).min() ?? .distantFuture }

    /// What is due now.
    mutating func due(now: Timestamp) -> [RunJob] {
        RunJob.allCases.filter { turns[$0]?.isDue(now: now) ?? false }
    }

    private static func mean(_ job: RunJob, _ settings: RunSettings) -> Interval {
        switch job {
        case .outbox: settings.outboxInterval
        case .refresh: settings.refreshInterval
        case .clean: settings.cleanInterval
        case .status: statusInterval
        }
    }
}

/// The schedules of mailbox polls: one for each mailbox, so that nobody sees two of them asked together.
struct PollTurns<Box: Hashable & Sendable, Source: RandomNumberGenerator & Sendable>: Sendable {
    private var turns: [Box: TurnSchedule<Source>] = [:]
    private let mean: Interval

    init(mean: Interval) { self.mean = mean }

    /// When to ask `due` next.
    var next: Timestamp { turns.values.map(\.next).min() ?? .distantFuture }

    /// What is due of `boxes`; others are forgotten.
    /// - Parameter source: makes the generator of a mailbox that is new.
    mutating func due(_ boxes: [Box], now: Timestamp, source: (Box) -> Source) -> [Box] {
        let wanted = Set(boxes)
        turns = turns.filter { wanted.contains($0.key) }
        for box in boxes where turns[box] == nil {
            turns[box] = TurnSchedule(mean: mean, now: now, source: source(box))
        }
        return boxes.filter { turns[$0]?.isDue(now: now) ?? false }
    }
}
