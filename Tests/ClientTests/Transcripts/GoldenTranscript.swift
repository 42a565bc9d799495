// Sessions with the program as text files under Golden: what a person types, and what the program is to answer.
//
//     # A comment.
//     % network                 what the test provides, see `TranscriptStage`
//     $ nightjar nodes          a line of shell; lines after it that begin with "> " go on with it
//     | what it prints
//     ! what it says on the error output
//     exit 2                    left out if 0
//
// With NIGHTJAR_RECORD_TRANSCRIPTS=1 in the environment the answers are written instead of compared; read the difference
// before committing it.

import Foundation
import Testing

/// One session.
struct GoldenTranscript {
    enum Line: Equatable {
        case comment(String)
        /// Words after the percent sign.
        case stage([String])
        case command(String, Transcript)
    }

    static let isRecording = ProcessInfo.processInfo.environment["NIGHTJAR_RECORD_TRANSCRIPTS"] == "1"

    /// The directory of all golden files.
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden")

    var lines: [Line]

    /// Reads a session. A line that is none of the forms is an error, so that no answer is lost to a typing mistake.
    init(_ text: String) throws {
        lines = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let rest = String(line.dropFirst(2))
            if line.isEmpty || line.hasPrefix("#") {
                lines.append(.comment(String(line)))
            } else if line.hasPrefix("% ") {
                lines.append(.stage(rest.split(separator: " ").map(String.init)))
            } else if line.hasPrefix("$ ") {
                lines.append(.command(rest, Transcript()))
            } else if case .command(var command, var answer) = lines.last {
                if line.hasPrefix("> ") || line == ">" {
                    command += "\n" + rest
                } else if line.hasPrefix("| ") || line == "|" {
                    answer.output += rest + "\n"
                } else if line.hasPrefix("! ") || line == "!" {
                    answer.messages += rest + "\n"
                } else if let code = Int32(line.dropFirst(5)), line.hasPrefix("exit ") {
                    answer.code = code
                } else {
                    throw Malformed(line: number + 1)
                }
                lines[lines.count - 1] = .command(command, answer)
            } else {
                throw Malformed(line: number + 1)
            }
        }
        while lines.last == .comment("") { lines.removeLast() }
    }

    /// As in a file.
    var text: String {
        lines.map { line in
            switch line {
            case .comment(let text): text + "\n"
            case .stage(let words): "% \(words.joined(separator: " "))\n"
            case .command(let command, let answer):
                "$ \(command.replacing("\n", with: "\n> "))\n" + Self.marked(answer.output, "|")
                    + Self.marked(answer.messages, "!") + (answer.code == 0 ? "" : "exit \(answer.code)\n")
            }
        }.joined()
    }

    private static func marked(_ text: String, _ mark: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines.map { $0.isEmpty ? "\(mark)\n" : "\(mark) \($0)\n" }.joined()
    }

    /// The names of all sessions.
    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(".session") }.map { String($0.dropLast(".session".count)) }.sorted()
    }

    static func file(_ name: String) -> URL { directory.appendingPathComponent("\(name).session") }

    struct Malformed: Error { let line: Int }
}
