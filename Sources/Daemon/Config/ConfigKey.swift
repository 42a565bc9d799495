// The settings that a program knows, gathered while it reads its configuration: so what the program reads, the sample under
// etc/ and the manual page can be held against each other.

/// One setting.
public struct ConfigKey: Hashable, Sendable {
    /// `mix.strategy`, or `exit[].address` in a table that may be there several times.
    public var path: String
    /// What it takes, in words.
    public var kind: String
    /// The value that it has when it is not set, as the file would spell it; nil if it then has none.
    public var standard: String?
    /// Whether it must be set.
    public var isRequired: Bool
    /// What it does: a sentence or two.
    public var doc: String

    /// The last part of the path.
    public var name: Substring { path.split(separator: ".").last ?? "" }
    /// What stands before: the table, or nothing.
    public var table: Substring { path.dropLast(name.count).dropLast() }
}

/// Sample files and manual pages against what a program reads.
public enum ConfigAudit {
    /// Every disagreement, in words; empty if there is none.
    /// - Parameters:
    ///   - sample: a sample file. Settings in it may be commented out as `#key = value`, without a blank.
    ///   - manual: the manual page's source; every setting's name must occur in it. Nil checks no manual page.
    public static func differences(keys: [ConfigKey], sample: String, manual: String? = nil) -> [String] {
        let known = Set(keys.map(\.path))
        let tables = Set(keys.map { String($0.table) })
        let inSample = ConfigLines(sample, includingSamples: true).keys
        var found: [String] = []
        for key in inSample where !known.contains(key) && !tables.contains(key) && !isAbove(key, tables) {
            found.append("the sample has '\(key)', which the program does not read")
        }
        for key in keys where !inSample.contains(key.path) { found.append("the sample lacks '\(key.path)'") }
        if let manual {
            // Manual pages spell a hyphen `\-`.
            let plain = manual.replacing("\\-", with: "-")
            for key in keys where !plain.contains(key.name) { found.append("the manual page lacks '\(key.path)'") }
        }
        return found
    }

    /// A sample file with every setting at its default, commented out, under its explanation; required ones are not.
    public static func sample(_ keys: [ConfigKey], width: Int = 100) -> String {
        var text = ""
        var table: Substring = ""
        // A table's own settings must stand before those of the tables in it.
        for key in keys.filter({ $0.table.isEmpty }) + keys.filter({ !$0.table.isEmpty }) {
            if key.table != table {
                table = key.table
                let isArray = table.hasSuffix("[]")
                text += "\n\(isArray ? "#" : "")\(isArray ? "[[\(table.dropLast(2))]]" : "[\(table)]")\n"
            }
            text += "\n"
            var line = "#"
            for word in key.doc.split(separator: " ") {
                if line.count + 1 + word.count > width {
                    text += line + "\n"
                    line = "#"
                }
                line += " \(word)"
            }
            text +=
                "\(line)\n\(key.isRequired && !key.path.contains("[]") ? "" : "#")\(key.name) = \(key.standard ?? "\"\"")\n"
        }
        return text
    }

    private static func isAbove(_ key: String, _ tables: Set<String>) -> Bool {
        tables.contains { $0.hasPrefix(key + ".") || $0 == key + "[]" }
    }
}
