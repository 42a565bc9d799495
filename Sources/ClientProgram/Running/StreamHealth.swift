// Whether a stream does what it is for, in words for people. Pure.

internal import Directory
internal import MMTP
internal import Mixing
internal import WireFormat

/// What has been seen of a stream.
struct StreamHealth: Sendable {
    /// When the program began to send.
    var started = Timestamp(milliseconds: 0)
    /// When a node last took a packet.
    var lastHandOver: Timestamp?
    /// Why packets were given up, cover among them, and when that last happened.
    var dropped: [DropReason: Timestamp] = [:]
    /// When packets of the user's were last given up.
    var lastLoss: Timestamp?
    /// Why connections fail; none once one does not.
    var failures: [DialFailure] = []
    /// Why no packet of cover can be made.
    var coverProblem: String?

    /// Nothing handed over for so long is worth a warning, and for so many mean intervals.
    static let patience = Interval.minutes(30)
    static let patientTicks: Int64 = 30
    /// What has happened to packets is told for so long.
    static let memory = Interval.hours(24)

    /// Takes note of what has happened up to `now`.
    mutating func note(_ news: StreamLink.News, now: Timestamp) {
        if news.handedOver { lastHandOver = now }
        if news.connected || news.handedOver { failures = [] }
        for failure in news.failures where !failures.contains(failure) { failures.append(failure) }
        for reason in news.dropped { dropped[reason] = now }
    }

    /// What the user should know, each with what to do; empty if all is well.
    func warnings(network: Network, mean: Interval, now: Timestamp) -> [String] {
        var warnings: [String] = []
        let name = network.name
        if let consensus = network.consensus {
            if consensus.age(at: now) != .fresh {
                let rest = network.validUntil - now
                let age = Self.rough(now - network.published)
                if rest <= .zero {
                    warnings.append(
                        "what is known of network \(name) is \(age) old and has expired (\(network.validUntil)); it is used "
                            + "because of --stale")
                } else {
                    warnings.append(
                        "what is known of network \(name) is \(age) old, and nothing can be sent any more from "
                            + "\(network.validUntil) on; see that this machine is online")
                }
            }
            if let coverProblem { warnings.append("nothing is sent to network \(name): \(coverProblem)") }
        } else {
            warnings.append(
                "nothing can be sent to network \(name): its consensus has expired or was never fetched; see that this "
                    + "machine is online, or give a source with `nightjar network update \(name) --from PLACE`")
        }
        if let dates = failures.first(where: { if case .certificateDates = $0 { true } else { false } }) {
            warnings.append(dates.description)
        }
        let since = lastHandOver ?? started
        if now - since > max(Self.patience, mean * Self.patientTicks) {
            let why = failures.first.map { " (\($0))" } ?? ""
            warnings.append(
                "no node of network \(name) has taken a packet for \(Self.rough(now - since))\(why); "
                    + "see that this machine is online")
        }
        if Self.isRecent(dropped[.periodRefused], now: now) {
            warnings.append(
                "nodes of network \(name) have refused packets as too old; check this machine's clock, and see "
                    + "`nightjar network show`")
        }
        if Self.isRecent(lastLoss, now: now) || Self.isRecent(dropped[.storage], now: now) {
            warnings.append(
                "packets for network \(name) could not be handed over in time or were damaged on disk, and were given up; "
                    + "see `nightjar sent` for mails that have not arrived")
        }
        return warnings
    }

    private static func isRecent(_ time: Timestamp?, now: Timestamp) -> Bool {
        time.map { now - $0 < memory } ?? false
    }

    /// Whole hours or minutes.
    private static func rough(_ interval: Interval) -> String {
        let minutes = interval.milliseconds / 60_000
        return minutes >= 120 ? "\(minutes / 60) hours" : "\(minutes) minutes"
    }
}
