// What a TOML file holds, as values of our own, so that one file alone knows the library that reads it.

internal import TOMLKit

/// A value of a configuration file.
public indirect enum ConfigValue: Hashable, Sendable {
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)
    /// A date or a time, which no setting of ours takes.
    case date
    case array([ConfigValue])
    case table([String: ConfigValue])

    /// The kind of value in words, for messages.
    var kind: String {
        switch self {
        case .string: "a text"
        case .int: "a whole number"
        case .double: "a number with a point"
        case .bool: "true or false"
        case .date: "a date"
        case .array: "a list"
        case .table: "a table"
        }
    }
}

/// Where and why a text is not TOML.
struct ConfigSyntaxError: Error {
    var line: Int
    var message: String
}

extension ConfigValue {
    /// Deeper nesting than this is refused.
    private static let deepest = 8

    /// The table that `text` holds.
    static func parse(_ text: String) throws(ConfigSyntaxError) -> [String: ConfigValue] {
        // The library hands texts over as C strings: a zero byte would cut them short.
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isLineEnd).enumerated()
        where line.contains("\0") || line.contains("\\u0000") || line.contains("\\U00000000") {
            throw ConfigSyntaxError(line: number + 1, message: "a zero byte has no place in a configuration file")
        }
        do {
            return try table(TOMLTable(string: text), depth: 0)
        } catch let error as TOMLParseError {
            let message = error.description.prefix(1).lowercased() + error.description.dropFirst()
            throw ConfigSyntaxError(line: error.source.begin.line, message: message)
        } catch let error as ConfigSyntaxError {
            throw error
        } catch {
            throw ConfigSyntaxError(line: 1, message: "\(error)")
        }
    }

    private static func table(_ table: TOMLTable, depth: Int) throws(ConfigSyntaxError) -> [String: ConfigValue] {
        var values: [String: ConfigValue] = [:]
        for key in table.keys { if let node = table[key] { values[key] = try value(node, depth: depth + 1) } }
        return values
    }

    private static func value(_ node: any TOMLValueConvertible, depth: Int) throws(ConfigSyntaxError) -> ConfigValue {
        guard depth <= deepest else { throw ConfigSyntaxError(line: 1, message: "tables are nested too deeply") }
        if let string = node.string { return .string(string) }
        if let bool = node.bool { return .bool(bool) }
        if let int = node.int { return .int(int) }
        if let double = node.double { return .double(double) }
        if let array = node.array {
            var values: [ConfigValue] = []
            for element in array { values.append(try value(element, depth: depth + 1)) }
            return .array(values)
        }
        if let inner = node.table { return .table(try table(inner, depth: depth)) }
        return .date
    }
}
