public import WireFormat

/// Which part of what was sent has arrived by when, from arrivals and from probes that were only watched for some time
/// (Kaplan and Meier 1958, in groups of similar times).
///
/// A lost probe is one that was watched until the deadline, so the curve ends below 1, and nothing is known beyond it.
public struct KaplanMeier: Sendable {
    private var arrivals: [Double]
    private var ends: [Double]
    /// Probes that were added, each once whatever its weight.
    public private(set) var samples = 0

    public init() {
        arrivals = Array(repeating: 0, count: Self.groups)
        ends = arrivals
    }

    /// A probe was there this long after it was sent.
    public mutating func arrived(after time: Interval, weight: Double = 1) {
        add(milliseconds: time.milliseconds, weight: weight, arrived: true)
    }

    /// A probe was not there this long after it was sent; nothing is known of later.
    public mutating func watched(until time: Interval, weight: Double = 1) {
        add(milliseconds: time.milliseconds, weight: weight, arrived: false)
    }

    @inline(__always)
    mutating func add(milliseconds: Int64, weight: Double, arrived: Bool) {
        let group = Self.group(milliseconds)
        if arrived { arrivals[group] += weight } else { ends[group] += weight }
        samples += 1
    }

    /// The shares at several times, ascending: the part of all sent that is there within each.
    public func shares(within times: [Interval]) -> [Double] {
        var atRisk = 0.0
        for group in 0..<Self.groups { atRisk += arrivals[group] + ends[group] }
        var (missing, group) = (1.0, 0)
        return times.map { time in
            // A group ends where a time that is asked for begins: see `group`.
            let end = Self.group(time.milliseconds)
            while group <= end {
                let arrived = arrivals[group]
                if arrived > 0, atRisk > 0 { missing *= max(0, 1 - arrived / atRisk) }
                atRisk -= arrived + ends[group]
                group += 1
            }
            return 1 - missing
        }
    }

    /// The shares that are published.
    public var shares: ArrivalShares? {
        guard samples > 0 else { return nil }
        let shares = shares(within: [.minutes(10), .hours(1), .hours(6), .days(1)])
        return ArrivalShares(
            tenMinutes: shares[0], hour: shares[1], sixHours: shares[2], day: shares[3], samples: samples)
    }

    /// 10 seconds each to 10 minutes, a minute each to 6 hours, 10 minutes each to a day, and one for what is later.
    /// Each holds the times after its begin up to and with its end.
    private static let groups = 60 + 350 + 108 + 1
    private static func group(_ milliseconds: Int64) -> Int {
        let before = max(0, milliseconds - 1)
        return switch before {
        case ..<600_000: Int(before / 10_000)
        case ..<21_600_000: 60 + Int((before - 600_000) / 60_000)
        case ..<86_400_000: 410 + Int((before - 21_600_000) / 600_000)
        default: 518
        }
    }
}
