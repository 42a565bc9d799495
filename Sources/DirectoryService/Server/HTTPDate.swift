internal import WireFormat

/// Times as HTTP writes them (RFC 9110 section 5.6.7).
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`; nil for times before 1970 or after 9999.
    static func text(_ time: Timestamp) -> String? {
        // `1994-11-06T08:49:37Z`
        let text = Array(String(describing: time).utf8)
        guard time.seconds >= 0, text.count == 20, let month = Int(String(decoding: text[5..<7], as: UTF8.self)),
            months.indices.contains(month - 1)
        else { return nil }
        func part(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
        let day = days[Int(time.seconds / 86_400 % 7)]
        return "\(day), \(part(8..<10)) \(months[month - 1]) \(part(0..<4)) \(part(11..<19)) GMT"
    }
}
