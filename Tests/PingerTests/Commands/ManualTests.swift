import Daemon
import Foundation
import TestSupport
import Testing

@testable import PingerProgram

@Suite("Manual of nightjar-pinger", .timeLimit(.minutes(3)))
struct ManualTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: repository.appendingPathComponent(path), encoding: .utf8)
    }

    private struct Tree: Decodable {
        struct Command: Decodable {
            struct Argument: Decodable {
                struct Name: Decodable { let kind: String, name: String }
                let names: [Name]?
            }
            let commandName: String
            let subcommands: [Command]?
            let arguments: [Argument]?
        }
        let command: Command
    }

    private static func commands() throws -> [Tree.Command] {
        let dump = try PingerUser.run("--experimental-dump-help")
        let tree = try JSONDecoder().decode(Tree.self, from: Data(dump.output.utf8))
        return (tree.command.subcommands ?? []).filter { $0.commandName != "help" }
    }

    @Test("the sample configuration and the manual page have every setting, and no other")
    func settings() throws {
        let differences = ConfigAudit.differences(
            keys: ConfigFile.keys { _ = PingerSettings.read($0) }, sample: try Self.text("etc/nightjar-pinger.toml"),
            manual: try Self.text("doc/man/nightjar-pinger.8"))
        #expect(differences == [])
    }

    @Test("every command and option is in the manual page, and every file of the data directory")
    func commands() throws {
        let page = try Self.text("doc/man/nightjar-pinger.8")
        let commands = try Self.commands()
        #expect(Set(commands.map(\.commandName)).isSuperset(of: ["init", "run", "check-config", "report", "export"]))
        for command in commands {
            #expect(page.contains(".Cm \(command.commandName)\n"), "no `.Cm \(command.commandName)`")
            let options = (command.arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }
            for option in options where !["help", "version"].contains(option.name) {
                #expect(page.contains("Fl -\(option.name)"), "\(command.commandName): no `Fl -\(option.name)`")
            }
        }
        for form in ExportFormat.allCases { #expect(page.contains(form.rawValue)) }
        let files = PingerFiles(directory: "D")
        for path in [
            files.database, files.key, files.identity, files.directoryCache, files.lock, files.running, files.report,
            files.publication, files.outputs,
        ] {
            let name = path.dropFirst(2)
            let lines = page.split(separator: "\n").filter { $0.hasPrefix(".It Pa") }
            #expect(lines.contains { $0.split(separator: " ").contains(name) }, "no file \(name)")
        }
    }

    @Test("every command's help has an example that fits a terminal")
    func help() throws {
        for words in [[]] + (try Self.commands().map { [$0.commandName] }) {
            let help = try PingerUser.run(words + ["--help"])
            #expect(help.code == 0)
            #expect(help.output.contains("Example:") || help.output.contains("Examples:"), "\(words) has no examples")
            #expect(help.output.contains("\n  nightjar-pinger "), "\(words): the example does not call the program")
            let long = help.output.split(separator: "\n").filter { $0.count > 80 && !$0.hasPrefix("USAGE: ") }
            #expect(long.isEmpty, "\(words) has lines longer than a terminal's: \(long)")
        }
    }
}
