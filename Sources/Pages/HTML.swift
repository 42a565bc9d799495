// HTML that cannot be broken by what is put into it. What stands between the braces of `"<td>\(name)</td>"` is escaped,
// because it is a `String`; only other `HTML` goes in as it is, and that is made of literals of this program.

/// A piece of a page.
public struct HTML: ExpressibleByStringInterpolation, Hashable, Sendable {
    /// As it goes to the browser.
    public private(set) var text: String

    public init(stringLiteral text: String) { self.text = text }
    public init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    public static func += (left: inout HTML, right: HTML) { left.text += right.text }
    public static func + (left: HTML, right: HTML) -> HTML {
        var sum = left
        sum += right
        return sum
    }

    /// What is between the braces is escaped unless it is `HTML`.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        public init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

        public mutating func appendLiteral(_ literal: String) { text += literal }
        public mutating func appendInterpolation(_ html: HTML) { text += html.text }
        public mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }
        public mutating func appendInterpolation(_ number: some BinaryInteger) { text += String(number) }
        public mutating func appendInterpolation(_ words: String) { text += HTML.escape(words) }
    }

    /// Longest text of a stranger's on a page, in characters of Unicode.
    public static let maximumText = 400

    /// What strangers wrote (a nickname, a contact): cut if too long, and kept from turning the direction of what is
    /// around it.
    public static func foreign(_ words: String, most: Int = maximumText) -> HTML {
        let cut = String(String.UnicodeScalarView(words.unicodeScalars.prefix(most)))
        return "<bdi>\(cut)\(words.unicodeScalars.count > most ? "..." : "")</bdi>"
    }

    /// `text` as character data and as a quoted attribute: nothing of it is markup, and what could not be seen is
    /// spelled `\x..`, so that two texts that look alike are alike.
    public static func escape(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
                    result += "\\x\(String(scalar.value, radix: 16))"
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}

extension Sequence<HTML> {
    /// One after the other, with `separator` between them.
    public func joined(_ separator: HTML = "") -> HTML {
        var result: HTML = ""
        for (index, part) in enumerated() {
            if index > 0 { result += separator }
            result += part
        }
        return result
    }
}
