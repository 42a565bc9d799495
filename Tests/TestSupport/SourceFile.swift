import Foundation

/// Files of the source tree that tests hold the programs against.
public enum SourceFile {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The text of the file at this path below the tree's top.
    public static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The lines of a sample configuration, with those that it shows as an example or a default taken for settings.
    public static func unmarked(_ sample: String) -> [String] {
        sample.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && line.count > 1 ? String(line.dropFirst()) : String(line)
        }
    }
}
