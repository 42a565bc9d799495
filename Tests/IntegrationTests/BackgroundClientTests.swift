// `nightjar run` in a network of real nodes: what is given to it arrives, once, however often it is killed.

import Daemon
import Foundation
import Glibc
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("The background client")
    struct BackgroundClientTests {
        @Test("what is sent arrives once, with the background client killed again and again", .timeLimit(.minutes(8)))
        func killed() async throws {
            var generator = SeededRandom(name: "killed")
            var plan = LabPlan()
            plan.nodes = 5
            plan.exits = 1
            plan.timeScale = 60
            plan.meanDelay = .seconds(20)
            let lab = try RunningLab(plan)
            let exit = lab.exits[0].name
            let home = try TemporaryDirectory("nightjar-home")
            chmod(home.path, 0o700)
            try Data("[run]\nsend-interval = \"10s\"\noutbox-interval = \"20s\"\npoll-interval = \"2m\"\n".utf8)
                .write(to: URL(fileURLWithPath: home.file("client.toml")))
            chmod(home.file("client.toml"), 0o600)
            let environment = [
                "NIGHTJAR_HOME": home.path, "NIGHTJAR_TIME_SCALE": "\(lab.timeScale)",
                "NIGHTJAR_TIME_ORIGIN": "\(lab.timeOrigin.milliseconds)",
            ]
            let nightjar = "\(Program.built)/nightjar"
            func command(_ arguments: String...) async throws -> String { try await command(arguments) }
            func command(_ arguments: [String]) async throws -> String {
                let program = try Program(nightjar, arguments, environment: environment)
                let code = try await program.end(seconds: 120)
                guard code == 0 else { throw TimedOut(description: "\(arguments): code \(code), \(program.errors)") }
                return program.output + program.errors
            }
            func background() async throws -> Program {
                let program = try Program(nightjar, ["run"], environment: environment)
                try await eventually("the background client is there: \(program.errors)", seconds: 120) {
                    (try? await command("status"))?.contains("network ") == true
                }
                return program
            }
            _ = try await command(["network", "add"] + lab.networkArguments)
            _ = try await command("mailbox", "create")

            var logs = ""
            for number in 0..<6 {
                let run = try await background()
                let text = String(repeating: "line \(number)\n", count: Int.random(in: 1...9000, using: &generator))
                let letter = home.file("letter-\(number)")
                try Data(text.utf8).write(to: URL(fileURLWithPath: letter))
                let said = try await command(
                    "send", "--to", "mbox:postmaster@\(exit)", "--subject", "number \(number)", letter)
                #expect(said.contains("handed to `nightjar run`"), "\(said)")
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...2000, using: &generator)))
                run.signal(SIGKILL)
                _ = try await run.end()
                logs += run.errors
            }
            let run = try await background()
            func subjects() -> [String] { lab.mails(exit).map { ArrivedMail($0).subject } }
            try await eventually("all mails arrive: \(subjects())", seconds: 180) { Set(subjects()).count == 6 }
            // Their receipts come through the mailbox, which the background client polls.
            try await eventually("receipts come", seconds: 120) {
                try await command("sent", "--json").components(separatedBy: "delivered").count > 6
            }
            run.signal(SIGTERM)
            #expect(try await run.end(seconds: 60) == 0, "\(run.errors)")
            logs += run.errors
            #expect(subjects().count == 6)
            #expect(LogSafety.findings(in: logs, secrets: ["number", "postmaster"], allowed: [home.path]) == [])
            lab.stop()
        }
    }
}
