// How much anonymous mail one recipient and one domain get in a time. Pure, and bounded in memory whatever the
// addresses are: token buckets in a table of fixed capacity.

public import WireFormat

/// A rate: `burst` at once, and one more for each `interval`.
public struct MailRate: Hashable, Sendable {
    public var burst: Int
    public var interval: Interval

    public init(burst: Int, interval: Interval) {
        self.burst = max(burst, 1)
        self.interval = max(interval, .milliseconds(1))
    }
}

/// Token buckets by recipient and by domain.
public struct RecipientRates: Sendable {
    /// The rate of one recipient.
    public let perRecipient: MailRate
    /// The rate of all recipients of one host together.
    public let perDomain: MailRate
    /// Buckets kept at most; an entry takes about 40 bytes.
    public let capacity: Int

    /// When each bucket will be full again: all there is to know of a bucket, and one in the past need not be kept.
    /// The key is a hash under the process's own random seed, so that a memory image names no recipient.
    private var fullAt: [Int: Timestamp] = [:]
    private var nextSweep = Timestamp(milliseconds: .min)
    /// Shared by all newcomers while the table is full. They get less, those already known are not hurt.
    private var overflowFullAt = Timestamp(milliseconds: .min)

    public init(
        perRecipient: MailRate = MailRate(burst: 10, interval: .minutes(10)),
        perDomain: MailRate = MailRate(burst: 200, interval: .seconds(20)), capacity: Int = 65_536
    ) {
        self.perRecipient = perRecipient
        self.perDomain = perDomain
        self.capacity = max(capacity, 2)
    }

    /// The answer to `take`.
    public enum Answer: Hashable, Sendable {
        case allowed
        /// Not now; not before this time.
        case wait(until: Timestamp)
    }

    /// Buckets in use, at most `capacity`.
    public var count: Int { fullAt.count }

    /// Takes one mail's worth from the recipient's and the domain's bucket, or from neither. To be asked once for each
    /// mail and recipient, not for every attempt.
    public mutating func take(_ recipient: MailRecipient, now: Timestamp) -> Answer {
        let keys = [
            (key: Self.key("r", recipient.plainUser, recipient.host), rate: perRecipient),
            (key: Self.key("d", "", recipient.host), rate: perDomain),
        ]
        makeRoom(for: keys.count { fullAt[$0.key] == nil }, now: now)
        var newcomers = capacity - fullAt.count
        var filled: [(key: Int?, fullAt: Timestamp)] = []
        for (key, rate) in keys {
            let known = fullAt[key]
            let hasEntry = known != nil || newcomers > 0
            if known == nil, newcomers > 0 { newcomers -= 1 }
            // What the overflow bucket has given in this very call counts as well.
            let inCall = hasEntry ? nil : filled.last { $0.key == nil }?.fullAt
            // The bucket holds `burst` when it is full: it may lag that much behind, and no more, even if the clock was
            // set back.
            let limit = now + rate.interval * Int64(rate.burst)
            let from = min(max(inCall ?? (hasEntry ? known ?? now : overflowFullAt), now), limit)
            let full = from + rate.interval
            guard full <= limit else { return .wait(until: now + (full - limit)) }
            filled.append((hasEntry ? key : nil, full))
        }
        for entry in filled {
            if let key = entry.key { fullAt[key] = entry.fullAt } else { overflowFullAt = entry.fullAt }
        }
        return .allowed
    }

    /// Forgets full buckets when the table is full; a sweep costs the whole table, so it is not made more often than
    /// the shorter interval, in which at least one bucket may have filled.
    private mutating func makeRoom(for newcomers: Int, now: Timestamp) {
        guard fullAt.count + newcomers > capacity, now >= nextSweep else { return }
        fullAt = fullAt.filter { $0.value > now }
        nextSweep = now + min(perRecipient.interval, perDomain.interval)
    }

    private static func key(_ kind: String, _ user: String, _ host: String) -> Int {
        var hasher = Hasher()
        hasher.combine(kind)
        hasher.combine(user)
        hasher.combine(host)
        return hasher.finalize()
    }
}
