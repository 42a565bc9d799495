// Polling the user's mailboxes, each by a schedule of its own.

internal import Daemon
internal import Directory
internal import Messages
internal import WireFormat

/// When mailboxes are polled, and how it went.
struct MailboxRounds<Source: RandomNumberGenerator & Sendable>: Sendable {
    private var turns: PollTurns<MailboxID, Source>
    private var failing: [MailboxID: Failure] = [:]
    private let mean: Interval
    /// When a mailbox of a network last answered.
    private(set) var answered: [String: Timestamp] = [:]

    private struct Failure: Sendable {
        let name: String
        let since: Timestamp
        var reason: String
    }

    /// A mailbox that cannot be polled for so long, and for so many mean intervals, is worth a warning.
    private static var patience: Interval { .hours(1) }
    private static var patientPolls: Int64 { 3 }

    init(mean: Interval) {
        self.mean = mean
        turns = PollTurns(mean: mean)
    }

    /// When to ask `due` next.
    var next: Timestamp { turns.next }

    /// Those of `boxes` that are polled now.
    mutating func due(_ boxes: [OwnMailbox], now: Timestamp, source: () -> Source) -> [OwnMailbox] {
        let known = Set(boxes.map(\.id))
        failing = failing.filter { known.contains($0.key) }
        let due = Set(turns.due(boxes.map(\.id), now: now) { _ in source() })
        return boxes.filter { due.contains($0.id) }
    }

    /// A poll has ended; `failure` is nil if it went well.
    mutating func note(_ box: OwnMailbox, failure: (any Error)?, now: Timestamp) {
        guard let failure else {
            failing[box.id] = nil
            answered[box.network] = now
            return
        }
        let since = failing[box.id]?.since ?? now
        failing[box.id] = Failure(name: box.name, since: since, reason: "\(failure)")
    }

    /// What is no secret about a mailbox: the name of a nym's could be tried for any address.
    private static func shown(_ name: String) -> String { NymIdentity.isName(name) ? "of a nym" : name }

    /// What the user should know.
    func warnings(now: Timestamp) -> [String] {
        failing.values.filter { now - $0.since > max(Self.patience, mean * Self.patientPolls) }
            .sorted { ($0.name, $0.since) < ($1.name, $1.since) }
            .map {
                "the mailbox \(Self.shown($0.name)) could not be polled since \(RunStatus.minute($0.since)): "
                    + "\($0.reason)"
            }
    }
}
