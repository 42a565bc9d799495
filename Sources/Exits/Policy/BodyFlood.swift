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
    /// Bytes without white space that a body has at least to have a fingerprint: "subscribe" or no text at all is what many
    /// write who know nothing of each other.
    public static let least = 256
    private var hasher = Hasher()
    private var length = 0

    /// - Parameter salt: of the day (`BodyFlood.salt`).
    public init(salt: UInt64) { hasher.combine(salt) }

    public mutating func update(_ piece: [UInt8]) {
        var text: [UInt8] = []
        text.reserveCapacity(piece.count)
        for byte in piece where byte > 0x20 { text.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) }
        // One at a time: where a body is cut into pieces is no part of it.
        for byte in text { hasher.combine(byte) }
        length += text.count
    }

    /// Nil for a body that is too short to have one.
    public func finish() -> BodyFingerprint? {
        length < Self.least ? nil : BodyFingerprint(value: hasher.finalize())
    }
}

/// How many mails with one body may leave in a day. Bounded in memory whatever the bodies are.
public struct BodyFlood: Sendable {
    /// Bodies remembered at most; an entry takes about 40 bytes.
    public static let capacity = 65_536
    private static let day = Interval.days(1)

    /// Mails with one body at once; one more after each of as many parts of a day.
    public let limit: Int
    private var fullAt: [BodyFingerprint: Timestamp] = [:]
    /// Mails that wait, with the time at which each may go.
    private var places: [Int64: Timestamp] = [:]
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

    /// Takes one mail's worth; nil if it may go, else when to ask again. To be asked until it is nil. Who waits has a place of
    /// his own, so that nobody who comes later goes first; there are as many places as mails go in a day.
    /// - Parameter mail: names the mail; with the same one it gets no second place.
    public mutating func take(_ body: BodyFingerprint, mail: Int64, now: Timestamp) -> Timestamp? {
        if let place = places[mail] {
            if place <= now { places[mail] = nil }
            return place <= now ? nil : place
        }
        let interval = Interval.milliseconds(Self.day.milliseconds / Int64(limit))
        let most = now + interval * Int64(limit)
        let known = fullAt[body]
        if known == nil, fullAt.count >= Self.capacity {
            fullAt = fullAt.filter { $0.value > now }
            // A full table: what is new passes, as nobody could fill it but with so many different bodies.
            guard fullAt.count < Self.capacity else { return nil }
        }
        let full = max(known ?? now, now) + interval
        guard full > most else {
            fullAt[body] = full
            return nil
        }
        let place = now + (full - most)
        if place <= now + Self.day, places.count < Self.capacity {
            fullAt[body] = full
            places[mail] = place
        }
        return place
    }

    /// A mail has ended, however.
    public mutating func forget(_ mail: Int64) { places[mail] = nil }
}
