// One body for many recipients is what advertising looks like, and all that an exit can know of it. What is over the limit is
// not refused: it waits, and goes out at the rate.

public import WireFormat

/// The fingerprint of a body. It means something inside of one process and one day alone: its key is the process's random seed
/// and a value of the day.
public struct BodyFingerprint: Hashable, Sendable {
    fileprivate let value: Int
}

/// Makes a fingerprint from the pieces of a body. What differs in white space or in the case of ASCII letters is the same.
public struct BodyFingerprinting {
    private var hasher = Hasher()

    /// - Parameter salt: of the day (`BodyFlood.salt`).
    public init(salt: UInt64) { hasher.combine(salt) }

    public mutating func update(_ piece: [UInt8]) {
        var text: [UInt8] = []
        text.reserveCapacity(piece.count)
        for byte in piece where byte > 0x20 { text.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) }
        // One at a time: where a body is cut into pieces is no part of it.
        for byte in text { hasher.combine(byte) }
    }

    public func finish() -> BodyFingerprint { BodyFingerprint(value: hasher.finalize()) }
}

/// How many mails with one body may leave in a day. Bounded in memory whatever the bodies are.
public struct BodyFlood: Sendable {
    /// Bodies remembered at most; an entry takes about 40 bytes.
    public static let capacity = 65_536
    private static let day = Interval.days(1)

    /// Mails with one body at once; one more after each of as many parts of a day.
    public let limit: Int
    private var fullAt: [BodyFingerprint: Timestamp] = [:]
    private var dayNumber: Int64 = .min
    private var daySalt: UInt64 = 0

    public init(limit: Int) { self.limit = max(limit, 1) }

    /// Bodies remembered.
    public var count: Int { fullAt.count }

    /// The key of the day; with a new one all is forgotten.
    public mutating func salt(now: Timestamp, using generator: inout some RandomNumberGenerator) -> UInt64 {
        let number = now.milliseconds / Self.day.milliseconds
        if number != dayNumber {
            dayNumber = number
            daySalt = generator.next()
            fullAt = [:]
        }
        return daySalt
    }

    /// Takes one mail's worth; nil if it may go, else when to ask again. To be asked until it is nil, once for each mail.
    public mutating func take(_ body: BodyFingerprint, now: Timestamp) -> Timestamp? {
        let interval = Interval.milliseconds(Self.day.milliseconds / Int64(limit))
        let most = now + interval * Int64(limit)
        let known = fullAt[body]
        if known == nil, fullAt.count >= Self.capacity {
            fullAt = fullAt.filter { $0.value > now }
            // A full table: what is new passes, as nobody could fill it but with so many different bodies.
            guard fullAt.count < Self.capacity else { return nil }
        }
        let full = min(max(known ?? now, now), most) + interval
        guard full <= most else { return now + (full - most) }
        fullAt[body] = full
        return nil
    }
}
