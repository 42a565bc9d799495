// The kinds of values that settings take: how each is written, checked, and spelled back.

public import WireFormat

/// A kind of value.
public struct ConfigKind<Value: Sendable>: Sendable {
    /// What it takes, in words: `a duration such as "10s"`.
    public let wanted: String
    /// Stands in for a value that is missing or wrong, until `finish` throws.
    let placeholder: Value
    /// Reads a value; nil if it is of another kind or out of range.
    let read: @Sendable (ConfigValue, ConfigContext) -> Value?
    /// Spells a value as the file would.
    let spell: @Sendable (Value) -> String
    /// What a default stands for in a file of this directory.
    var resolve: @Sendable (Value, ConfigContext) -> Value = { value, _ in value }

    /// A kind of one's own.
    public init(
        wanted: String, placeholder: Value, read: @escaping @Sendable (ConfigValue) -> Value?,
        spell: @escaping @Sendable (Value) -> String
    ) {
        self.init(wanted: wanted, placeholder: placeholder, spell: spell) { value, _ in read(value) }
    }

    init(
        wanted: String, placeholder: Value, spell: @escaping @Sendable (Value) -> String,
        read: @escaping @Sendable (ConfigValue, ConfigContext) -> Value?
    ) {
        self.wanted = wanted
        self.placeholder = placeholder
        self.read = read
        self.spell = spell
    }
}

/// What a kind may know about the file.
struct ConfigContext: Sendable {
    /// The directory that relative paths start from.
    var directory: String
}

extension ConfigKind where Value == String {
    /// Any text without control characters.
    public static var string: Self {
        Self(wanted: "a text", placeholder: "", spell: ConfigText.quoted) { value, _ in
            guard case .string(let text) = value, text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
            else { return nil }
            return text
        }
    }

    /// A path; one that is not absolute starts from the directory of the configuration file.
    public static var path: Self {
        let absolute: @Sendable (String, ConfigContext) -> String = { path, context in
            path.hasPrefix("/") ? path : "\(context.directory)/\(path)"
        }
        var kind = Self(wanted: "a path", placeholder: "", spell: ConfigText.quoted) { value, context in
            guard case .string(let text) = value, !text.isEmpty, !text.contains("\0") else { return nil }
            return absolute(text, context)
        }
        kind.resolve = absolute
        return kind
    }
}

extension ConfigKind where Value == [String] {
    /// A list of texts.
    public static var strings: Self {
        Self(
            wanted: "a list of texts such as [\"a\", \"b\"]", placeholder: [],
            spell: { "[\($0.map(ConfigText.quoted).joined(separator: ", "))]" },
            read: { value, context in
                guard case .array(let elements) = value else { return nil }
                let texts = elements.compactMap { ConfigKind<String>.string.read($0, context) }
                return texts.count == elements.count ? texts : nil
            })
    }
}

extension ConfigKind where Value == Bool {
    public static var bool: Self {
        Self(
            wanted: "true or false", placeholder: false, spell: { "\($0)" },
            read: { value, _ in if case .bool(let bool) = value { bool } else { nil } })
    }
}

extension ConfigKind where Value == Int {
    /// A whole number in `range`.
    public static func int(_ range: ClosedRange<Int>) -> Self {
        Self(
            wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)", placeholder: range.lowerBound,
            spell: { "\($0)" },
            read: { value, _ in
                if case .int(let number) = value, range.contains(number) { number } else { nil }
            })
    }

    /// A number of bytes: `"64 MiB"`, `"1.5 GB"`, or a plain number of bytes.
    public static func size(_ range: ClosedRange<Int> = 0 ... .max) -> Self {
        let limits =
            (range.lowerBound > 0 ? ", at least \(ConfigText.size(range.lowerBound))" : "")
            + (range.upperBound < .max ? ", at most \(ConfigText.size(range.upperBound))" : "")
        return Self(
            wanted: "a size such as \"64 MiB\"\(limits)", placeholder: range.lowerBound,
            spell: { "\"\(ConfigText.size($0))\"" },
            read: { value, _ in
                let bytes: Int? =
                    switch value {
                    case .int(let number): number
                    case .string(let text): ConfigText.size(text)
                    default: nil
                    }
                return bytes.flatMap { range.contains($0) ? $0 : nil }
            })
    }
}

extension ConfigKind where Value == Double {
    /// A number in `range`, with or without a point.
    public static func double(_ range: ClosedRange<Double>) -> Self {
        Self(
            wanted: "a number from \(range.lowerBound) to \(range.upperBound)", placeholder: range.lowerBound,
            spell: { "\($0)" },
            read: { value, _ in
                switch value {
                case .double(let number) where range.contains(number): number
                case .int(let number) where range.contains(Double(number)): Double(number)
                default: nil
                }
            })
    }
}

extension ConfigKind where Value == Interval {
    /// A length of time with its unit: `"500ms"`, `"10s"`, `"5m"`, `"48h"`, `"7d"`.
    public static func duration(_ range: ClosedRange<Interval> = .zero ... .days(36_500)) -> Self {
        let limits =
            (range.lowerBound > .zero ? ", at least \(ConfigText.duration(range.lowerBound))" : "")
            + (range.upperBound < .days(36_500) ? ", at most \(ConfigText.duration(range.upperBound))" : "")
        return Self(
            wanted: "a duration such as \"500ms\", \"10s\", \"5m\", \"48h\" or \"7d\"\(limits)",
            placeholder: range.lowerBound, spell: { "\"\(ConfigText.duration($0))\"" },
            read: { value, _ in
                guard case .string(let text) = value, let interval = ConfigText.duration(text), range.contains(interval)
                else { return nil }
                return interval
            })
    }
}

extension ConfigKind where Value: RawRepresentable<String> & CaseIterable {
    /// One of the words that the type's cases are called.
    public static func choice(_ placeholder: Value) -> Self {
        Self(
            wanted: "one of " + Value.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "),
            placeholder: placeholder, spell: { ConfigText.quoted($0.rawValue) },
            read: { value, _ in
                if case .string(let text) = value { Value(rawValue: text) } else { nil }
            })
    }
}
