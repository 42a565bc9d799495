// The refreshes of `nightjar run`: each network on a schedule that only its consensus's age and chance move. Pure.

internal import Directory
internal import DirectoryService
internal import WireFormat

/// When each network is refreshed, and what came of it.
struct DirectoryRounds<Source: RandomNumberGenerator & Sendable> {
    private var schedules: [String: RefreshSchedule<Source>] = [:]
    /// When a source last answered, by network.
    private(set) var answered: [String: Timestamp] = [:]
    /// What went wrong last, by network.
    private var problems: [String: String] = [:]

    /// When to ask `isDue` next.
    var next: Timestamp { schedules.values.map(\.next).min() ?? .distantFuture }

    /// Whether a network is due.
    /// - Parameter source: makes the generator of a network that is new.
    mutating func isDue(_ network: Network, now: Timestamp, source: () -> Source) -> Bool {
        var schedule =
            schedules[network.name]
            ?? RefreshSchedule(
                .client, slots: network.root.slots, freshFor: network.root.parameters.freshFor,
                published: network.consensus?.consensus.published, now: now, source: source())
        defer { schedules[network.name] = schedule }
        return schedule.isDue(now: now)
    }

    /// Takes note of an attempt.
    mutating func note(_ outcome: RefreshOutcome, network name: String, now: Timestamp) {
        schedules[name]?.attempted(published: outcome.consensus?.consensus.published, now: now)
        if outcome.result != .failed { answered[name] = now }
        // While what there is is fresh, that some source fails is nobody's concern.
        let isFresh = outcome.consensus?.age(at: now) == .fresh
        let reasons = outcome.failures.suffix(3).map(\.description).joined(separator: "; ")
        problems[name] =
            outcome.result == .failed && !isFresh
            ? "network \(name): \(outcome.summary)\(reasons.isEmpty ? "" : ": \(reasons)")" : nil
    }

    /// What the user should know.
    var warnings: [String] { problems.sorted { $0.key < $1.key }.map(\.value) }
}
