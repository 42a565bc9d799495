// Times, lengths and lists as people read them, in English and UTC.

public import WireFormat

/// Spelling for pages and warnings.
public enum PageText {
    /// `2026-11-21 06:30 UTC`, with seconds only where there are any.
    public static func time(_ time: Timestamp) -> String {
        let text = time.description
        guard text.utf8.count == 20 else { return text }
        let seconds = text.dropFirst(16).prefix(3)
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))\(seconds == ":00" ? "" : String(seconds)) UTC"
    }

    /// `06:30`, with seconds where there are any.
    public static func clock(_ time: Timestamp) -> String {
        let text = time.description
        guard text.utf8.count == 20 else { return text }
        let seconds = text.dropFirst(16).prefix(3)
        return "\(text.dropFirst(11).prefix(5))\(seconds == ":00" ? "" : String(seconds))"
    }

    /// `90 ms`, `4.2 s`, `5 s`, `35 s`, `12 min`, `3 h`, `16 days`: two figures are enough to judge by. Not negative.
    public static func length(_ interval: Interval) -> String {
        let milliseconds = max(interval.milliseconds, 0)
        let seconds = milliseconds / 1000
        switch seconds {
        case 0: return "\(milliseconds) ms"
        case ..<10:
            let tenths = milliseconds % 1000 / 100
            return tenths == 0 ? "\(seconds) s" : "\(seconds).\(tenths) s"
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) days"
        }
    }

    /// `12 min ago`, `in 3 h`, `now`.
    public static func relative(_ time: Timestamp, to now: Timestamp) -> String {
        let difference = time - now
        if difference.milliseconds.magnitude < 1000 { return "now" }
        return difference > .zero ? "in \(length(difference))" : "\(length(difference * -1)) ago"
    }

    /// `12 MB`, in powers of 1000.
    public static func bytes(_ count: Int64) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        var (value, unit) = (max(count, 0), 0)
        while value >= 10_000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        return "\(value) \(units[unit])"
    }

    /// `alpha`, `alpha and beta`, `alpha, beta and gamma`; `nobody` for none.
    public static func list(_ names: some Collection<String>) -> String {
        let names = Array(names)
        switch names.count {
        case 0: return "nobody"
        case 1: return names[0]
        default: return names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
        }
    }
}
