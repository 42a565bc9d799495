// With which keys a reply block is made, and until when it may be used (doc/CLIENT.md, reply blocks).
//
// A block made in a period's first days lives three weeks with that period's keys, one made at its end two. What the
// answer may need for its way is taken off: it has to arrive while its keys are accepted. In the last hours of a period too
// little would be left, and the next period's keys are taken, which nodes have published and accept already. Not
// earlier: a packet that names a period to come shows that it is an answer, while one of the current period is like all
// others.

internal import Directory
internal import WireFormat

/// Chooses the period of a reply block.
struct ReplyBlockPeriods: Hashable, Sendable {
    let calendar: KeyPeriodCalendar
    /// What an answer may take from its sender to its last node.
    let journey: Interval

    /// No block lives longer, however long the network accepts keys: secrets are kept for this and a month more.
    static let longestLife = Interval.days(60)

    init(_ parameters: NetworkParameters, hops: Int) {
        calendar = parameters.calendar
        // Every hop at its longest delay, and half a day during which one of them is down (in networks with short periods
        // as large a part of them).
        let patience = min(parameters.retryDeadline, .milliseconds(parameters.acceptance.milliseconds / 28))
        journey = parameters.delayCap * Int64(hops) + patience
    }

    /// How long a block should live at least: as long as keys are accepted after their period, two weeks.
    var wantedLife: Interval { calendar.acceptance }

    /// When blocks with keys of `period` are no longer to be used, seen from `now`.
    func expiry(of period: KeyPeriod, at now: Timestamp) -> Timestamp {
        min(calendar.destruction(of: period) - min(journey, calendar.acceptance), now + Self.longestLife)
    }

    /// The period whose keys to use; nil if this machine's clock is in none.
    /// - Parameter hasKeys: whether all nodes of the path have published a period's keys.
    func choose(at now: Timestamp, hasKeys: (KeyPeriod) -> Bool) -> (period: KeyPeriod, expiry: Timestamp)? {
        guard let current = calendar.period(at: now) else { return nil }
        let expiry = expiry(of: current, at: now)
        if expiry < now + min(wantedLife, Self.longestLife), let next = current.advanced(by: 1), hasKeys(next) {
            return (next, self.expiry(of: next, at: now))
        }
        return (current, expiry)
    }
}
