// When `nightjar run` looks after nyms. Refills come at the times of a Poisson process for each nym, which neither mail
// nor anything that the user does moves; in between there are looks at what else is due. Pure.

internal import WireFormat

/// What is due.
struct NymRoundsDue: Equatable, Sendable {
    /// Nyms that are looked after.
    var looks: Set<String> = []
    /// Of these, those whose first look it is, or the first after a pause: what has come meanwhile was not fetched yet.
    var resting: Set<String> = []
    /// Nyms whose refill is due.
    var refills: Set<String> = []
}

/// The schedules of all nyms: each has its own, so that no two do something at one moment again and again.
struct NymRounds<Source: RandomNumberGenerator & Sendable>: Sendable {
    private struct Schedules {
        var looks: StreamSchedule<Source>
        var refills: StreamSchedule<Source>
        var last: Timestamp?
        /// A refill was due while the nym rested.
        var owes = false
    }

    private var nyms: [String: Schedules] = [:]
    private let lookMean: Interval
    private let refillMean: Interval

    /// After so many times the mean pause between looks the machine has slept.
    private static var sleep: Int64 { 12 }

    /// - Parameters:
    ///   - looks: mean time between two looks.
    ///   - refills: mean time between two refills of a nym.
    init(looks: Interval, refills: Interval) {
        lookMean = looks
        refillMean = refills
    }

    /// When to ask `due` next.
    var next: Timestamp { nyms.values.map { min($0.looks.next, $0.refills.next) }.min() ?? .distantFuture }

    /// What is due now; nil if nothing is.
    /// - Parameters:
    ///   - nyms: all that there are; schedules of others are forgotten.
    ///   - source: makes the generator of a nym that is new.
    mutating func due(_ nyms: [String], now: Timestamp, source: () -> Source) -> NymRoundsDue? {
        let known = Set(nyms)
        self.nyms = self.nyms.filter { known.contains($0.key) }
        var due = NymRoundsDue()
        for nym in nyms {
            var own =
                self.nyms[nym]
                ?? Schedules(
                    looks: StreamSchedule(mean: lookMean, now: now, source: source()),
                    refills: StreamSchedule(mean: refillMean, now: now, source: source()))
            let isRefill = own.refills.isDue(now: now)
            own.owes = own.owes || isRefill
            if own.looks.isDue(now: now) || isRefill {
                due.looks.insert(nym)
                let pause = Interval(milliseconds: lookMean.milliseconds * Self.sleep)
                if own.last.map({ $0 + pause <= now }) ?? true {
                    due.resting.insert(nym)
                } else if own.owes {
                    due.refills.insert(nym)
                    own.owes = false
                }
                own.last = now
            }
            self.nyms[nym] = own
        }
        return due.looks.isEmpty ? nil : due
    }
}
