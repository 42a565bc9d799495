internal import WireFormat

/// Days since 1970-01-01, in UTC.
enum Day {
    static func number(_ time: Timestamp) -> Int {
        Int((Double(time.milliseconds) / 86_400_000).rounded(.down))
    }

    /// `2026-11-21`.
    static func text(_ number: Int) -> String {
        String(Timestamp(seconds: Int64(min(max(number, -700_000), 2_900_000)) * 86_400).description.prefix(10))
    }

    /// `11-21`.
    static func short(_ number: Int) -> String { String(text(number).suffix(5)) }

    private static let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sat 21 Nov 2026 04:00:01 GMT`, as in the lists of remailers.
    static func stamp(_ time: Timestamp) -> String {
        let text = time.description
        let number = number(time)
        guard text.utf8.count == 20, let month = Int(text.dropFirst(5).prefix(2)), (1...12).contains(month) else {
            return text
        }
        let weekday = names[((number % 7) + 7) % 7]
        return "\(weekday) \(text.dropFirst(8).prefix(2)) \(months[month - 1]) \(text.prefix(4)) "
            + "\(text.dropFirst(11).prefix(8)) GMT"
    }
}
