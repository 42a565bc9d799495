internal import Foundation

/// Results as JSON for programs: keys sorted, so that the same result is the same text.
enum JSONText {
    /// `value` over several lines, without the last line's end.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
