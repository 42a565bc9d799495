internal import Mixing
public import WireFormat

/// Values as people write them on the command line.
public enum ClientArgument {
    /// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`, or a number of seconds. Nil for anything else and
    /// for over a hundred years.
    public static func interval(_ text: String) -> Interval? {
        let interval =
            Interval(shortText: text) ?? Double(text).flatMap { $0.isFinite ? Interval.seconds(fraction: $0) : nil }
        return interval.flatMap { (.zero ... .days(36_500)).contains($0) ? $0 : nil }
    }
}
