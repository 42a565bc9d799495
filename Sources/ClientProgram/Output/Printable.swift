// What goes to a terminal: text that came from elsewhere must not be able to steer it.

/// Text made harmless for messages.
enum Printable {
    /// Longest text in a message.
    private static let maximum = 200

    /// At most 200 characters of `text`, control characters and invisible ones as `\x..`.
    static func text(_ text: String) -> String {
        line(String(text.unicodeScalars.prefix(maximum))) + (text.unicodeScalars.count > maximum ? "..." : "")
    }

    /// All of `text`, control characters and invisible ones as `\x..`.
    static func line(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
                result += "\\x\(String(scalar.value, radix: 16))"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Counted nouns.
enum Count {
    /// `1 packet`, `3 packets`.
    static func text(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// `1 packet waits`, `2 of 3 packets wait`; with words between, `1 packet of earlier mails waits`.
    static func waiting(_ count: Int, of total: Int? = nil, _ words: String = "", still: Bool = false) -> String {
        let packets = total.map { "\(count) of \(text($0, "packet"))" } ?? text(count, "packet")
        return packets + words + (still ? " still" : "") + (count == 1 ? " waits" : " wait")
    }
}
