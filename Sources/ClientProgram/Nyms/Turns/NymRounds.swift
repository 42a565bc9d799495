// When `nightjar run` looks after nyms. Refills come at the times of a Poisson process for each nym, which neither mail nor
// anything that the user does moves; in between there are looks at what else is due. Pure.

internal import WireFormat

/// The schedules of all nyms.
struct NymRounds<Source: RandomNumberGenerator & Sendable>: Sendable {
    private var looks: TurnSchedule<Source>
    private var refills: [String: StreamSchedule<Source>] = [:]
    private let mean: Interval

    /// - Parameters:
    ///   - looks: mean time between two looks.
    ///   - refills: mean time between two refills of a nym.
    init(looks: Interval, refills: Interval, now: Timestamp, source: Source) {
        self.looks = TurnSchedule(mean: looks, now: now, source: source)
        mean = refills
    }

    /// When to ask `due` next.
    var next: Timestamp { refills.values.map(\.next).reduce(looks.next, min) }

    /// What is due now: nil if nothing is, else the nyms whose refill is due.
    /// - Parameters:
    ///   - nyms: all that there are; schedules of others are forgotten.
    ///   - source: makes the generator of a nym that is new.
    mutating func due(_ nyms: [String], now: Timestamp, source: () -> Source) -> Set<String>? {
        let known = Set(nyms)
        refills = refills.filter { known.contains($0.key) }
        var due: Set<String> = []
        for nym in nyms {
            var schedule = refills[nym] ?? StreamSchedule(mean: mean, now: now, source: source())
            if schedule.isDue(now: now) { due.insert(nym) }
            refills[nym] = schedule
        }
        let isLook = looks.isDue(now: now)
        return isLook || !due.isEmpty ? due : nil
    }
}
