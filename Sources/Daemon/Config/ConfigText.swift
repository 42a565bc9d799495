// Durations and sizes as people write them, and texts as TOML quotes them.

public import WireFormat

/// Spelling of values in configuration files and on command lines.
public enum ConfigText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    private static let sizes: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("KB", 1000), ("B", 1), ("", 1),
    ]

    /// A whole number and a unit, nothing else; nil for any other text.
    public static func duration(_ text: String) -> Interval? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }.count
        guard (1...15).contains(digits), let count = Int64(text.prefix(digits)) else { return nil }
        let unit = String(text.dropFirst(digits))
        guard let match = units.first(where: { $0.name == unit }) else { return nil }
        return .milliseconds(match.milliseconds) * count
    }

    /// In the largest unit that divides it.
    public static func duration(_ interval: Interval) -> String {
        guard interval != .zero else { return "0s" }
        for unit in units where interval.milliseconds % unit.milliseconds == 0 {
            return "\(interval.milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(interval.milliseconds)ms"
    }

    /// A number, perhaps with a point, perhaps a blank, and a unit of bytes; nil for any other text.
    public static func size(_ text: String) -> Int? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = String(text.dropFirst(number.count).drop { $0 == " " })
        guard let match = sizes.first(where: { $0.name == unit }) else { return nil }
        if let whole = Int(number) {
            let (bytes, overflow) = whole.multipliedReportingOverflow(by: match.bytes)
            return overflow ? nil : bytes
        }
        guard let value = Double(number), value >= 0, number.last != ".", number.first != "." else { return nil }
        return Int(exactly: (value * Double(match.bytes)).rounded())
    }

    /// In the largest binary unit that divides it.
    public static func size(_ bytes: Int) -> String {
        for unit in sizes.prefix(4) where bytes != 0 && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes) \(unit.name)"
        }
        return "\(bytes) B"
    }

    /// `text` with the first line of `key`, commented out or not, replaced by one that sets it.
    public static func setting(_ key: String, to value: String, in text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = lines.firstIndex(where: { $0.hasPrefix("#\(key) = ") || $0.hasPrefix("\(key) = ") }) {
            lines[index] = "\(key) = \(quoted(value))"
        }
        return lines.joined(separator: "\n")
    }

    /// As a TOML basic string.
    public static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 32 || scalar.value == 127:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
