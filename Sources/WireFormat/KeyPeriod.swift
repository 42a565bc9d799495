/// The number of a key period: a node has one packet key for each, made known before it starts and destroyed
/// after the acceptance that follows its end (doc/MIXING.md, key periods).
public struct KeyPeriod: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Count of period lengths since 1970-01-05, as it stands in packets.
    public var number: UInt16

    public init(_ number: UInt16) { self.number = number }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
    public var description: String { String(number) }
    /// The period `count` later; nil past the last number.
    public func advanced(by count: Int) -> KeyPeriod? { UInt16(exactly: Int(number) + count).map(KeyPeriod.init) }
}

/// The calendar of key periods: length and how long a key is accepted after its period's end.
public struct KeyPeriodCalendar: Hashable, Sendable {
    /// Length of a period; default 7 days.
    public var length: Interval
    /// How long after its period's end a key is still accepted; default 14 days.
    public var acceptance: Interval
    /// Periods are counted from here: Monday 1970-01-05.
    public static let origin = Timestamp(seconds: 4 * 86_400)

    public init(length: Interval = .days(7), acceptance: Interval = .days(14)) {
        precondition(length > .zero && acceptance >= .zero, "a key period has a length")
        self.length = length
        self.acceptance = acceptance
    }

    /// The period that `time` lies in; nil outside the 65,536 periods that a packet can name.
    public func period(at time: Timestamp) -> KeyPeriod? {
        let elapsed = (time - Self.origin).milliseconds
        guard elapsed >= 0 else { return nil }
        return UInt16(exactly: elapsed / length.milliseconds).map(KeyPeriod.init)
    }

    /// First moment of `period`.
    public func start(of period: KeyPeriod) -> Timestamp { Self.origin + length * Int64(period.number) }
    /// First moment after `period`.
    public func end(of period: KeyPeriod) -> Timestamp { start(of: period) + length }
    /// When the key of `period` is no longer accepted and is destroyed.
    public func destruction(of period: KeyPeriod) -> Timestamp { end(of: period) + acceptance }
}
