// What an exit reports to be counted. The counters themselves, their rounding and their publication are the daemon's;
// an event never carries an address, an id or a time.

/// Something countable that happened at an exit.
public enum ExitEvent: Hashable, Sendable, CaseIterable {
    /// A recipient's mail was handed over.
    case delivered
    /// An attempt for a recipient is to be repeated.
    case deferred(DeferralReason)
    /// A recipient's mail was given up on a permanent answer or by the exit's own rules.
    case refused(RefusalReason)
    /// A mail is tried again although the last server may already have it.
    case ambiguousRetry
    /// The delivery deadline passed.
    case expired
    /// A local mailbox already had this mail.
    case alreadyDelivered
    /// A connection to the server was opened.
    case connectionOpened
    /// A connection was used again for another mail.
    case connectionReused

    public static var allCases: [ExitEvent] {
        [.delivered] + DeferralReason.allCases.map(Self.deferred) + RefusalReason.allCases.map(Self.refused)
            + [.ambiguousRetry, .expired, .alreadyDelivered, .connectionOpened, .connectionReused]
    }

    /// A metric's name: lower-case letters and underscores, without the program's prefix.
    public var metricName: String {
        switch self {
        case .delivered: "exit_delivered"
        case .deferred: "exit_deferred"
        case .refused: "exit_refused"
        case .ambiguousRetry: "exit_ambiguous_retries"
        case .expired: "exit_expired"
        case .alreadyDelivered: "exit_already_delivered"
        case .connectionOpened: "exit_connections_opened"
        case .connectionReused: "exit_connections_reused"
        }
    }

    /// The value of the metric's `reason` label; nil for metrics without one.
    public var reason: String? {
        switch self {
        case .deferred(let reason): reason.rawValue
        case .refused(let reason): reason.rawValue
        default: nil
        }
    }
}
