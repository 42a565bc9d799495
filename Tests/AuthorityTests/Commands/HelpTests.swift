// The help of every command has an example, and the manual page and doc/AUTHORITY.md name every command.

import Foundation
import Testing

/// The program's commands, as it tells them to programs.
private struct CommandTree: Decodable {
    struct Command: Decodable {
        let commandName: String
        let subcommands: [Command]?
    }
    let command: Command

    static func load() async throws -> CommandTree {
        let dump = try await Operator().must("--experimental-dump-help")
        return try JSONDecoder().decode(CommandTree.self, from: Data(dump.output.utf8))
    }

    /// The words of every command.
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

@Suite("Help of nightjar-authority", .timeLimit(.minutes(3)))
struct HelpTests {
    @Test("every command's help has an example that fits a terminal")
    func examples() async throws {
        let user = try Operator()
        let paths = try await CommandTree.load().paths
        #expect(paths.count > 25)
        for path in paths {
            let name = path.joined(separator: " ")
            let help = try await user.must("\(name) --help")
            #expect(help.output.contains("Example:") || help.output.contains("Examples:"), "\(name) has no examples")
            #expect(help.output.contains("\n  nightjar-authority "), "\(name): the example does not call the program")
            let long = help.output.split(separator: "\n").filter { $0.count > 80 && !$0.hasPrefix("USAGE: ") }
            #expect(long.isEmpty, "\(name) has lines longer than a terminal's: \(long)")
        }
    }

    @Test("every command is in the manual page and in doc/AUTHORITY.md")
    func manual() async throws {
        let page = try SampleTests.text("doc/man/nightjar-authority.1")
        let doc = try SampleTests.text("doc/AUTHORITY.md")
        for path in try await CommandTree.load().leaves {
            let words = path.joined(separator: " ")
            #expect(page.contains(".Cm \(words)\n"), "doc/man/nightjar-authority.1 has no `.Cm \(words)`")
            #expect(doc.contains("nightjar-authority \(words)"), "doc/AUTHORITY.md has nothing about `\(words)`")
        }
    }

    @Test("without a command, and with one that there is not")
    func overview() async throws {
        let user = try Operator()
        let unknown = try await user.run("fly")
        #expect(unknown.code == 2 && unknown.output.isEmpty)
        let version = try await user.must("--version")
        #expect(version.output.hasPrefix("nightjar-authority "))
    }
}
