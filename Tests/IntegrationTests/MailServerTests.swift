// Mail servers as they are: down, busy, refusing, hanging, hanging up. Each behind a whole network.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Mail servers")
    struct MailServerTests {
        /// A relay and an exit that hands mail to `port`; one network second is 1/200 of a real one.
        private static func lab(port: Int, timeout: Interval? = nil) throws -> RunningLab {
            var plan = LabPlan()
            plan.nodes = 2
            plan.exits = 1
            plan.timeScale = 200
            plan.loopsPerMinute = 0
            plan.smarthost = "127.0.0.1:\(port)"
            plan.retryPause = .seconds(60)
            plan.smtpTimeout = timeout
            return try RunningLab(plan)
        }

        private static let exit = "bravo"

        /// Sends one mail for each subject.
        private static func send(_ subjects: [String], _ lab: RunningLab, _ random: inout SeededRandom) async throws {
            let sender = try Correspondent(lab)
            var shipments: [Shipment] = []
            for subject in subjects {
                shipments += try sender.shipments(
                    Array("about \(subject)\r\n".utf8), subject: subject, to: "smtp:someone@outside.example", exit: exit,
                    path: ["alpha", exit], delay: .seconds(10), using: &random)
            }
            try await sender.send(shipments)
        }

        /// Waits until the exit has nothing left to deliver; its counts.
        private static func done(_ lab: RunningLab) async throws -> Metrics {
            let books = try await lab.quiet(seconds: 30)
            for (name, book) in books { #expect(book["packets_missing"] == 0, "the books of \(name)") }
            guard let exit = books[exit] else { throw TimedOut(description: "no books") }
            return exit
        }

        private static let three = ["one", "two", "three"]

        private static func subjects(_ server: MailServer) -> [String] { server.mails.map { ArrivedMail($0).subject }.sorted() }

        @Test("a server that is not there yet gets the mail when it comes", .timeLimit(.minutes(1)))
        func refusingConnections() async throws {
            var random = SeededRandom(name: "refusingConnections")
            let port = try LoopbackSocket.freePort()
            let lab = try Self.lab(port: port)
            try await Self.send(Self.three, lab, &random)
            // One mail may have been tried often before another has come.
            try await eventually("deferred mails, and all three wait") {
                let counts = try lab.metrics(Self.exit)
                return counts["exit_deferred_unreachable_total"] >= 3 && counts["spool_deliveries"] == 3
            }
            let server = try await MailServer(port: port)
            let counts = try await Self.done(lab)
            #expect(Self.subjects(server) == Self.three.sorted())
            #expect(counts["exit_delivered_total"] == 3)
            #expect(counts["exit_ambiguous_retries_total"] == 0)
            lab.stop()
        }

        @Test(
            "4xx is tried again until the server takes the mail", .timeLimit(.minutes(1)),
            arguments: ["RCPT=451 4.3.0 later", "DATA=450 4.2.1 later", "DOT=452 4.3.1 full", "MAIL=421 4.3.2 going down"])
        func temporary(_ reply: String) async throws {
            var random = SeededRandom(name: "temporary")
            let parts = reply.split(separator: "=")
            let server = try await MailServer(["--reply", "\(parts[0])*4=\(parts[1])"])
            let lab = try Self.lab(port: server.port)
            try await Self.send(Self.three, lab, &random)
            try await eventually("the mails are there", seconds: 30) { server.count >= 3 }
            let counts = try await Self.done(lab)
            #expect(Self.subjects(server) == Self.three.sorted())
            #expect(counts["exit_deferred_temporary_total"] == 4)
            #expect(counts["exit_delivered_total"] == 3)
            #expect(counts["exit_ambiguous_retries_total"] == 0)
            lab.stop()
        }

        @Test(
            "5xx ends the mail: refused, counted, not tried again", .timeLimit(.minutes(1)),
            arguments: ["RCPT=550 5.1.1 no such user", "DOT=554 5.7.1 no thanks"])
        func permanent(_ reply: String) async throws {
            var random = SeededRandom(name: "permanent")
            let parts = reply.split(separator: "=")
            // Once only: a second attempt would be taken, and show.
            let server = try await MailServer(["--reply", "\(parts[0])*1=\(parts[1])"])
            let lab = try Self.lab(port: server.port)
            try await Self.send(["refused"], lab, &random)
            try await eventually("the refusal is counted", seconds: 30) {
                try lab.metrics(Self.exit)["deliveries_ended_delivery_refused_total"] == 1
            }
            // Another mail afterwards goes its way; by then the first would have been tried again, if it were.
            try await Self.send(["taken"], lab, &random)
            try await eventually("the second mail is there", seconds: 30) { server.count >= 1 }
            let counts = try await Self.done(lab)
            #expect(Self.subjects(server) == ["taken"])
            #expect(counts.values.filter { $0.key.hasPrefix("exit_refused_") }.values.reduce(0, +) == 1)
            #expect(counts.values.filter { $0.key.hasPrefix("exit_deferred_") }.values.reduce(0, +) == 0)
            lab.stop()
        }

        @Test(
            "a server that hangs is left and asked again", .timeLimit(.minutes(3)), arguments: ["CONNECT", "RCPT", "DATA"])
        func hanging(_ verb: String) async throws {
            var random = SeededRandom(name: "hanging")
            let server = try await MailServer(["--hang", "\(verb)*2"])
            let lab = try Self.lab(port: server.port, timeout: .seconds(3))
            try await Self.send(Self.three, lab, &random)
            try await eventually("the mails are there", seconds: 30) { server.count >= 3 }
            let counts = try await Self.done(lab)
            #expect(Self.subjects(server) == Self.three.sorted())
            #expect(counts["exit_deferred_timeout_total"] >= 2)
            #expect(counts["exit_ambiguous_retries_total"] == 0)
            lab.stop()
        }

        @Test("a server that hangs up after the mail loses none; what may be doubled is counted", .timeLimit(.minutes(3)), arguments: ["close", "hang"])
        func endAfterData(_ kind: String) async throws {
            var random = SeededRandom(name: "endAfterData")
            // This server keeps the mail that it does not answer for: the worst case.
            let server = try await MailServer(["--\(kind)", "DOT*2"])
            let lab = try Self.lab(port: server.port, timeout: .seconds(3))
            try await Self.send(Self.three, lab, &random)
            try await eventually("the mails are there", seconds: 60) { server.count >= 5 }
            let counts = try await Self.done(lab)
            #expect(Set(Self.subjects(server)) == Set(Self.three))
            #expect(server.count == 5)
            #expect(counts["exit_ambiguous_retries_total"] == 2)
            // Whoever reads the mail can tell: a repetition carries the Message-ID of the first attempt.
            #expect(Set(server.mails.map { ArrivedMail($0).messageID }).count == 3)
            lab.stop()
        }
    }
}
