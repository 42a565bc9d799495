// Time as the formats see it. Nothing in the formats or the pure machines reads a clock: a `Timestamp` is passed in.

/// A point in time: milliseconds since 1970-01-01 UTC.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01 UTC.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    /// Whole seconds since 1970-01-01 UTC, saturating.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        milliseconds = overflow ? (seconds > 0 ? .max : .min) : product
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    public var seconds: Int64 {
        milliseconds >= 0 ? milliseconds / 1000 : -((999 - milliseconds) / 1000)
    }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    /// Saturating, so that a hostile far-off time cannot trap.
    public static func + (time: Self, interval: Interval) -> Self {
        let (sum, overflow) = time.milliseconds.addingReportingOverflow(interval.milliseconds)
        return Self(milliseconds: overflow ? (interval.milliseconds > 0 ? .max : .min) : sum)
    }
    public static func - (time: Self, interval: Interval) -> Self { time + interval * -1 }
    public static func - (left: Self, right: Self) -> Interval {
        let (difference, overflow) = left.milliseconds.subtractingReportingOverflow(right.milliseconds)
        return Interval(milliseconds: overflow ? (left > right ? .max : -.max) : difference)
    }

    /// `2026-11-21T06:30:00Z`, as documents and messages for people spell it.
    public var description: String {
        let days = seconds >= 0 ? seconds / 86_400 : -((86_399 - seconds) / 86_400)
        let rest = seconds - days * 86_400
        let (year, month, day) = Self.civil(days: days)
        func pad(_ value: Int64, _ width: Int = 2) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(pad(year, 4))-\(pad(month))-\(pad(day))T\(pad(rest / 3600)):\(pad(rest / 60 % 60)):\(pad(rest % 60))Z"
    }

    /// Reads the form that `description` writes; nil for any other.
    public init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8)
        let pattern = Array("dddd-dd-ddTdd:dd:ddZ".utf8)
        guard characters.count == pattern.count else { return nil }
        var fields: [Int64] = [0]
        for (character, wanted) in zip(characters, pattern) {
            if wanted == UInt8(ascii: "d") {
                guard (0x30...0x39).contains(character) else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int64(character - 0x30)
            } else {
                guard character == wanted else { return nil }
                fields.append(0)
            }
        }
        let days = Self.days(year: fields[0], month: fields[1], day: fields[2])
        self.init(seconds: days * 86_400 + fields[3] * 3600 + fields[4] * 60 + fields[5])
        guard description == text else { return nil }
    }

    // Howard Hinnant's days-and-civil algorithms for the proleptic Gregorian calendar.
    private static func civil(days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// A length of time in milliseconds.
public struct Interval: Hashable, Comparable, Sendable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public static let zero = Interval(milliseconds: 0)
    public static func milliseconds(_ count: Int64) -> Self { Self(milliseconds: count) }
    public static func seconds(_ count: Int64) -> Self { Self(milliseconds: Timestamp(seconds: count).milliseconds) }
    public static func minutes(_ count: Int64) -> Self { seconds(60) * count }
    public static func hours(_ count: Int64) -> Self { seconds(3600) * count }
    public static func days(_ count: Int64) -> Self { seconds(86_400) * count }
    /// The nearest interval of `value` seconds, saturating; not-a-number counts as zero.
    public static func seconds(fraction value: Double) -> Self {
        guard value.isFinite else { return value > 0 ? Self(milliseconds: .max) : .zero }
        return Self(milliseconds: Int64(exactly: (value * 1000).rounded()) ?? (value > 0 ? .max : -.max))
    }

    /// Seconds with their fraction.
    public var inSeconds: Double { Double(milliseconds) / 1000 }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    public static func + (left: Self, right: Self) -> Self {
        let (sum, overflow) = left.milliseconds.addingReportingOverflow(right.milliseconds)
        return Self(milliseconds: overflow ? (left.milliseconds > 0 ? .max : -.max) : sum)
    }
    public static func - (left: Self, right: Self) -> Self { left + right * -1 }
    public static func * (interval: Self, factor: Int64) -> Self {
        let (product, overflow) = interval.milliseconds.multipliedReportingOverflow(by: factor)
        return Self(milliseconds: overflow ? ((interval.milliseconds > 0) == (factor > 0) ? .max : -.max) : product)
    }
}
