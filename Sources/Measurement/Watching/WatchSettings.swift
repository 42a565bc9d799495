public import WireFormat

/// When a pinger must doubt what it sees.
public struct WatchSettings: Hashable, Sendable {
    /// Gaps up to this length change no result, but for those of the clock.
    public var harmlessGap: Interval = .minutes(2)
    /// Without a contact that worked for this time the pinger is cut off,
    public var blindAfter: Interval = .minutes(10)
    /// if at least this many were tried meanwhile, of as many different nodes, or of all nodes where there are fewer: one
    /// node that is down, or refuses, proves nothing.
    public var blindTries = 3
    /// A node that was not tried for this time is none.
    public var knownFor: Interval = .days(1)
    /// The clock has jumped if it moves away from monotonic time by more than this.
    public var clockJump: Interval = .seconds(30)
    /// It is right again when it has not jumped for this time.
    public var clockRest: Interval = .minutes(10)

    public init() {}

    /// Whether probes under way in a gap are void.
    public func isVoiding(_ gap: Gap) -> Bool { gap.reason == .clock || gap.to - gap.from > harmlessGap }
}

/// Whether a pinger can tell what becomes of its probes.
public enum WatchState: Hashable, Sendable, CustomStringConvertible {
    case watching
    /// No contact has worked since then.
    case blind(since: Timestamp)
    /// The clock jumped at that time by the clock.
    case clockWrong(since: Timestamp)

    /// A sentence for people, with what to do.
    public var description: String {
        switch self {
        case .watching: "measuring"
        case .blind(let since):
            "no node could be reached since \(since); probes under way do not count; see to this machine's network, proxy and "
                + "firewall"
        case .clockWrong(let since):
            "this machine's clock jumped at \(since); probes under way do not count; measuring goes on when the clock has been "
                + "steady for 10 minutes; let a time service (NTP) keep it"
        }
    }
}
