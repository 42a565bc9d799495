// The Date header: RFC 5322 section 3.3, always in UTC, rounded down.

public import WireFormat

/// Writes dates for mail.
public enum MailDate {
    /// `Sat, 21 Nov 2026 06:00:00 +0000` for `time` rounded down to a whole number of `step` since 1970.
    public static func text(_ time: Timestamp, step: Interval) -> String {
        let step = max(step.milliseconds / 1000, 1)
        let seconds = max(time.seconds, 0)
        let rounded = seconds - seconds % step
        // 2026-11-21T06:00:00Z
        let iso = Timestamp(seconds: rounded).description.split(separator: "T")
        let date = iso[0].split(separator: "-")
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let weekday = weekdays[Int(rounded / 86_400 % 7)]
        let month = months[(Int(date[1]) ?? 1) - 1]
        return "\(weekday), \(date[2]) \(month) \(date[0]) \(iso[1].dropLast()) +0000"
    }
}
