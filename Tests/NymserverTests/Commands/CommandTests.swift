import Daemon
import Foundation
import TestSupport
import Testing

@testable import NymserverProgram

@Suite("Commands of nightjar-nymserver", .timeLimit(.minutes(3)))
struct CommandTests {
    static func run(_ words: [String]) throws -> BuiltProgram.Answer {
        try BuiltProgram.run("nightjar-nymserver", words)
    }

    @Test("the sample configuration and the manual page have every setting, and no other")
    func settings() throws {
        let differences = ConfigAudit.differences(
            keys: ConfigFile.keys { _ = NymserverSettings.read($0) },
            sample: try SourceFile.text("etc/nightjar-nymserver.toml"),
            manual: try SourceFile.text("doc/man/nightjar-nymserver.8"))
        #expect(differences == [])
    }

    @Test("every command's help has an example, and the manual page every command and file")
    func help() throws {
        let page = try SourceFile.text("doc/man/nightjar-nymserver.8")
        for words in [[], ["init"], ["check-config"], ["run"], ["status"], ["close"]] {
            let help = try Self.run(words + ["--help"])
            #expect(help.code == 0)
            #expect(help.output.contains("\n  nightjar-nymserver "), "\(words): the example does not call the program")
            if let word = words.first { #expect(page.contains(".Cm \(word)\n")) }
        }
        let files = NymserverFiles(directory: "D")
        for path in [
            files.database, files.key, files.publicKey, files.spool, files.directoryCache, files.lock, files.running,
            files.packetKeys, files.unusedKey,
        ] {
            let lines = page.split(separator: "\n").filter { $0.hasPrefix(".It Pa") }
            #expect(lines.contains { $0.split(separator: " ").contains(path.dropFirst(2)) }, "no file \(path)")
        }
    }

    @Test("init makes what is not there and changes nothing that is; status says what is missing")
    func initialize() throws {
        let directory = try TemporaryDirectory("nymserver-init")
        let config = directory.file("nym.toml")
        #expect(try Self.run(["init", "--config", config]).code == 2)
        let words = [
            "init", "--config", config, "--domain", "nym.example", "--operator", "you@example.org", "--network", "none",
            "--data-directory", directory.file("data"),
        ]
        let made = try Self.run(words)
        #expect(made.code == 0 && made.output.contains("domain nym.example\nkey njk1-"), "\(made)")
        let key = directory.file("data/server.key")
        let public1 = try String(contentsOfFile: key, encoding: .utf8)
        #expect(public1.hasPrefix("-----BEGIN NIGHTJAR PUBLIC KEY-----\n"))
        #expect(try Self.run(["init", "--config", config]).output == made.output)
        #expect(try String(contentsOfFile: key, encoding: .utf8) == public1)
        #expect(try Self.run(["init", "--config", config, "--domain", "other.example"]).code == 2)
        let status = try Self.run(["status", "--config", config])
        #expect(status.code == 3 && status.messages.contains("nightjar-nymserver run"))
        #expect(try Self.run(["check-config", "--config", config]).messages.contains("network file"))
    }
}
