// JSON whose keys stand in the order in which they are written down and are always there: what is not known is null.
// Lists of objects have a line for each, so that two files can be compared.

/// A value of JSON.
enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case string(String)
    case list([JSONValue])
    /// A list with a line for each element.
    case lines([JSONValue])
    case object([(key: String, value: JSONValue)])

    static func int(_ value: Int?) -> Self { value.map { JSONValue.int($0) } ?? .null }
    static func string(_ value: String?) -> Self { value.map { JSONValue.string($0) } ?? .null }

    /// As a document: the members of the outermost object each on a line of its own.
    var document: String {
        guard case .object(let members) = self else { return text + "\n" }
        let lines = members.map { "  \(Self.quote($0.key)): \($0.value.text)" }
        return "{\n\(lines.joined(separator: ",\n"))\n}\n"
    }

    private var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .string(let value): Self.quote(value)
        case .list(let values): "[\(values.map(\.text).joined(separator: ", "))]"
        case .lines(let values):
            values.isEmpty ? "[]" : "[\n\(values.map { "    \($0.text)" }.joined(separator: ",\n"))\n  ]"
        case .object(let members):
            "{\(members.map { "\(Self.quote($0.key)): \($0.value.text)" }.joined(separator: ", "))}"
        }
    }

    /// ASCII only: whatever a name consists of, the file is the same in every encoding.
    private static func quote(_ text: String) -> String {
        var result = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
        }
        return result + "\""
    }
}
