// What is wrong with a configuration file, all of it at once.

/// One thing that is wrong.
public struct ConfigProblem: Hashable, Sendable {
    /// Line in the file, from 1; nil for what is missing.
    public var line: Int?
    public var message: String
}

/// Everything that is wrong with a configuration file.
public struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible, ExitCodeProviding {
    /// The file as messages call it.
    public let file: String
    /// In the order of lines.
    public let problems: [ConfigProblem]

    init(file: String, problems: [ConfigProblem]) {
        self.file = file
        self.problems = problems.enumerated().sorted {
            ($0.element.line ?? .max, $0.offset) < ($1.element.line ?? .max, $1.offset)
        }.map(\.element)
    }

    /// One line for each problem: `node.toml:12: ...`.
    public var description: String {
        problems.map { problem in
            "\(file)\(problem.line.map { ":\($0)" } ?? ""): \(problem.message)"
        }.joined(separator: "\n")
    }

    public var exitCode: ExitCode { .usage }
}

/// Finds what somebody meant.
enum Suggestion {
    /// The candidate that is nearest to `word`, if it is near.
    static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let allowed = max(1, min(3, word.count / 3))
        return candidates.map { (distance($0, word), $0) }.filter { $0.0 <= allowed }.min { $0 < $1 }?.1
    }

    /// Fewest insertions, removals, replacements and swaps of neighbours between two words.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.lowercased().map { $0 == "_" ? "-" : $0 })
        let b = Array(right.lowercased().map { $0 == "_" ? "-" : $0 })
        var rows = [Array(0...b.count)]
        for i in 1...max(a.count, 1) where i <= a.count {
            var row = [i]
            for j in 1...max(b.count, 1) where j <= b.count {
                var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
