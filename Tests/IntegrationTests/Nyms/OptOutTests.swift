// Somebody outside wants no anonymous mail: through a real Postfix in front of one exit, as etc/ has it, and for all exits.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite(
        "Opting out", .enabled(if: Postfix.isAvailable, "these tests need a real mail server: apt-get install postfix"))
    struct OptOutTests {
        /// What SMTP says to a mail with this sender in the envelope and in From.
        private static func smtp(
            _ postfix: Postfix, envelope: String, from: String, to recipient: String, text: String = "no more"
        ) async throws
            -> (code: Int32, output: String)
        {
            let run = try await Program.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(postfix.port)", "--helo", "mail.outside.example", "--from", envelope,
                    "--header", "From: \(from)",
                    "--header", "Subject: \(text)", "--to", recipient, "--body", text,
                ])
            return (run.code, run.output + run.errors)
        }

        /// Subjects of what arrived outside; Postfix delivers all of outside.example into one Maildir.
        private static func subjects(_ postfix: Postfix) -> [String] { postfix.mails.map { ArrivedMail($0).subject } }

        @Test(
            "forged requests change nothing; a confirmed one stops mail at every exit, and the sender is told",
            .timeLimit(.minutes(8)))
        func optOut() async throws {
            let port = try LoopbackSocket.freePort()
            let postfix = try await Postfix(
                lines: Postfix.gatewayLines(domain: "reply.echo.lab.example", port: port))
            var plan = LabPlan()
            plan.nodes = 6
            plan.exits = 2
            plan.authorities = 3
            // A slot is six seconds of ours.
            plan.timeScale = 120
            let slot = Interval.seconds(720)
            plan.slot = slot
            plan.loopsPerMinute = 0
            plan.meanDelay = .seconds(20)
            plan.smarthost = "127.0.0.1:\(postfix.port)"
            plan.retryPause = .seconds(60)
            let lab = try RunningLab(plan) { node, text in
                guard node.name == "echo", let own = node.gatewayPort else { return }
                text = text.replacing("127.0.0.1:\(own)", with: "127.0.0.1:\(port)")
            }
            let exits = lab.exits.map(\.name)
            #expect(exits == ["echo", "foxtrot"])
            let user = try await NymUser(lab) {
                "\(exits.map { lab.log($0).suffix(600) })\n\(postfix.log.suffix(1500))"
            }
            try await user.must(["mailbox", "create"])
            func send(_ subject: String, _ exit: String) async throws {
                let path = "?,?,\(exit)"
                try await user.must([
                    "send", "--to", "smtp:bob@outside.example", "--reliable", "--path", path, "--subject", subject,
                    try user.file("m", "Hello.\n"),
                ])
            }

            try await send("first", "echo")
            try await eventually("the first mail; \(postfix.log.suffix(500))", seconds: 60) {
                Self.subjects(postfix).contains("first")
            }
            let first = try #require(postfix.mails.map(ArrivedMail.init).first { $0.subject == "first" })
            #expect(
                first.body.contains("optout") || first.headers.values.contains { $0.contains("optout") }, "\(first)")

            // Forged: another sender in the envelope; both forged, which only asks bob; a guess at what he would answer.
            let door = "optout@reply.echo.lab.example"
            _ = try await Self.smtp(postfix, envelope: "eve@outside.example", from: "bob@outside.example", to: door)
            _ = try await Self.smtp(postfix, envelope: "bob@outside.example", from: "bob@outside.example", to: door)
            try await eventually("bob is asked; \(postfix.log.suffix(1500))", seconds: 60) {
                Self.subjects(postfix).contains { $0.contains("confirm") }
            }
            let guess = "confirm+\(String(repeating: "a", count: 26))@reply.echo.lab.example"
            _ = try await Self.smtp(postfix, envelope: "bob@outside.example", from: "bob@outside.example", to: guess)
            for exit in exits {
                try await send("after forgeries by \(exit)", exit)
                try await eventually("mail goes on by \(exit); \(postfix.log.suffix(500))", seconds: 60) {
                    Self.subjects(postfix).contains("after forgeries by \(exit)")
                }
            }

            // Bob confirms. The exit that he asked has it at once; the other one by a statement that the consensus names.
            let sign = ["echo": "opt_out_taken_total", "foxtrot": "opt_out_statements_fetched_total"]
            let before = try Dictionary(uniqueKeysWithValues: sign.map { ($0, try lab.metrics($0)[$1]) })
            let question = try #require(postfix.mails.first { ArrivedMail($0).subject.contains("confirm") })
            let file = try TemporaryDirectory("question")
            try question.write(to: URL(fileURLWithPath: file.file("mail")))
            let answer = try await Python.run(
                "answer.py",
                [
                    file.file("mail"), "127.0.0.1:\(postfix.port)", "--smtp", "--from", "bob@outside.example", "--text",
                    "Yes.\n",
                ])
            #expect(answer.code == 0, "\(answer) \(postfix.log.suffix(1500))")
            let confirmed = lab.now
            var knows: [String: Double] = [:]
            try await eventually("both exits have it; \(exits.map { lab.log($0).suffix(800) })", seconds: 60) {
                for (exit, name) in sign where knows[exit] == nil {
                    if try lab.metrics(exit)[name] > before[exit] ?? 0 {
                        knows[exit] = Double((lab.now - confirmed).milliseconds) / Double(slot.milliseconds)
                    }
                }
                return knows.count == exits.count
            }
            print("slots until an exit knew: \(knows)")
            for (exit, slots) in knows { #expect(slots <= 4.5, "\(exit) knew after \(slots) slots") }

            for exit in exits { try await send("declined by \(exit)", exit) }
            try await eventually("both are declined", seconds: 90, every: .seconds(1)) {
                _ = try await user.run(["receive", "--quiet"])
                let sent = try await user.must(["sent"])
                return sent.components(separatedBy: "declined").count > 2
            }
            #expect(!Self.subjects(postfix).contains { $0.hasPrefix("declined by") })
            lab.stop()
            try await postfix.stop()
        }
    }
}
