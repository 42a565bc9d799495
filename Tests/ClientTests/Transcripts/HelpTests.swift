// The help of every command is a golden file, has an example, and is in the manual.

import Foundation
import Testing

/// The program's commands, as it tells them to programs.
struct CommandTree: Decodable {
    struct Command: Decodable {
        let commandName: String
        let subcommands: [Command]?
    }
    let command: Command

    static func load() async throws -> CommandTree {
        let dump = try await User().run("--experimental-dump-help")
        return try JSONDecoder().decode(CommandTree.self, from: Data(dump.output.utf8))
    }

    /// The words of every command, `nightjar` itself being none.
    var paths: [[String]] {
        func paths(_ command: Command) -> [[String]] {
            [[]]
                + (command.subcommands ?? []).filter { $0.commandName != "help" }.flatMap { sub in
                    paths(sub).map { [sub.commandName] + $0 }
                }
        }
        return paths(command)
    }

    /// Those that do something.
    var leaves: [[String]] {
        let all = paths
        return all.filter { path in !all.contains { $0.count > path.count && $0.starts(with: path) } }
    }
}

@Suite("Help", .timeLimit(.minutes(5)))
struct HelpTests {
    static let directory = GoldenTranscript.directory.appendingPathComponent("help")
    static let repository = GoldenTranscript.directory.deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("the help of every command is as it is written down, and shows an example")
    func golden() async throws {
        let user = try User()
        let manager = FileManager.default
        var names: Set<String> = []
        if GoldenTranscript.isRecording {
            try manager.createDirectory(at: Self.directory, withIntermediateDirectories: true)
        }
        for path in try await CommandTree.load().paths {
            let name = (["nightjar"] + path).joined(separator: "-") + ".txt"
            names.insert(name)
            let file = Self.directory.appendingPathComponent(name)
            let help = try await user.run(path + ["--help"])
            #expect(help.code == 0 && help.messages.isEmpty, "\(name)")
            #expect(help.output.contains("Example:") || help.output.contains("Examples:"), "\(name) has no examples")
            #expect(
                help.output.contains("\n  nightjar ") || help.output.contains("| nightjar "),
                "\(name): the example does not call the program")
            // The usage line is not ours to break.
            let long = help.output.split(separator: "\n").map(String.init).filter {
                $0.count > 80 && !$0.hasPrefix("USAGE: ")
            }
            #expect(long.isEmpty, "\(name) has lines longer than a terminal's")
            if GoldenTranscript.isRecording {
                try help.output.write(to: file, atomically: true, encoding: .utf8)
            } else {
                let golden = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
                #expect(help.output == golden, "\(name) differs; record it with NIGHTJAR_RECORD_TRANSCRIPTS=1")
            }
        }
        for old in try Set(manager.contentsOfDirectory(atPath: Self.directory.path)).subtracting(names) {
            if GoldenTranscript.isRecording {
                try manager.removeItem(at: Self.directory.appendingPathComponent(old))
            } else {
                Issue.record("\(old) is the help of no command")
            }
        }
    }

    @Test("every command is in the manual page, and doc/CLIENT.md explains its group")
    func manual() async throws {
        let page = try String(
            contentsOf: Self.repository.appendingPathComponent("doc/man/nightjar.1"), encoding: .utf8)
        let doc = try String(contentsOf: Self.repository.appendingPathComponent("doc/CLIENT.md"), encoding: .utf8)
        for path in try await CommandTree.load().leaves {
            let words = path.joined(separator: " ")
            #expect(page.contains(".Cm \(words)\n"), "doc/man/nightjar.1 has no `.Cm \(words)`")
            #expect(doc.contains("nightjar \(path[0])"), "doc/CLIENT.md has nothing about `\(path[0])`")
        }
    }

    @Test("the program's own help names every command")
    func overview() async throws {
        let help = try await User().run("--help").output
        for path in try await CommandTree.load().paths where path.count == 1 {
            #expect(help.contains("\n  \(path[0]) "), "\(path[0])")
        }
    }
}
