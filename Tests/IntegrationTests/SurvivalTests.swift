// Nodes that are killed at any moment, with 500 messages on the way.

import Daemon
import Foundation
import Glibc
import LabProgram
import Synchronization
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Survival")
    struct SurvivalTests {
        static let messages = 500
        static let kills = 20

        /// What killing came to.
        private struct Killings {
            var victims: [String] = []
            /// Attempts whose outcome a crash left open, by the nodes' own counts.
            var ambiguous = 0
        }

        @Test("SIGKILL at random moments, 500 messages under way: none lost, none doubled", .timeLimit(.minutes(5)))
        func killedNodes() async throws {
            var generator = SeededRandom(name: "killedNodes")
            let server = try await MailServer()
            var plan = LabPlan()
            plan.timeScale = 300
            plan.loopsPerMinute = 0
            plan.smarthost = "127.0.0.1:\(server.port)"
            plan.retryPause = .seconds(60)
            let lab = try RunningLab(plan) { _, text in text += "\n[log]\nlevel = \"trace\"\n" }
            let sender = try Correspondent(lab)
            let exits = lab.exits.map(\.name)
            let begin = Date()

            // Odd messages leave by SMTP, even ones into a Maildir; every 25th has several parts.
            var senderRandom = SeededRandom(seed: generator.next())
            let killerRandom = SeededRandom(seed: generator.next())
            let sent = Progress()
            async let killings = kill(lab, sent, killerRandom)
            let again = try await withThrowingTaskGroup(of: Int.self) { sending in
                for start in stride(from: 1, through: Self.messages, by: 10) {
                    var batch: [Shipment] = []
                    for number in start..<start + 10 {
                        let exit = exits[number / 2 % exits.count]
                        let body = number % 25 == 0 ? RandomText.base64(60_000, using: &senderRandom) : Array("message \(number)\r\n".utf8)
                        batch += try sender.shipments(
                            body, subject: "message \(number)",
                            to: number % 2 == 1 ? "smtp:someone\(number)@outside.example" : "mbox:postmaster@\(exit)", exit: exit,
                            using: &senderRandom)
                    }
                    sending.addTask { [batch] in try await sender.send(batch) }
                    sent.set(start + 9)
                }
                return try await sending.reduce(0, +)
            }
            let killed = try await killings
            print("killed \(killed.victims.joined(separator: " ")); \(again) times a packet had to wait and be sent again; all sent after \(Int(Date().timeIntervalSince(begin))) s")

            func arrived() -> (bySMTP: [String], byMaildir: [String]) {
                (server.mails.map { ArrivedMail($0).subject }, exits.flatMap { lab.mails($0).map { ArrivedMail($0).subject } })
            }
            let wanted = Set((1...Self.messages).map { "message \($0)" })
            do {
                try await eventually("all messages have arrived", seconds: 120) {
                    server.count + exits.reduce(0) { $0 + lab.mails($1).count } >= Self.messages
                        && Set(arrived().bySMTP + arrived().byMaildir) == wanted
                }
            } catch {
                let missing = wanted.subtracting(arrived().bySMTP + arrived().byMaildir)
                Issue.record("\(error); missing: \(missing.sorted())")
                for name in lab.names { print(name, try lab.metrics(name).values.filter { $0.value != 0 }) }
            }
            let books = try await lab.quiet()
            for (name, book) in books {
                #expect(book["packets_missing"] == 0, "the books of \(name)")
                #expect(book["packets_held"] == book["spool_packets"] + book["spool_shares"])
            }
            let (bySMTP, byMaildir) = arrived()
            let doubles = bySMTP.count - Set(bySMTP).count
            let messageIDs = Set(server.mails.map { ArrivedMail($0).messageID })
            print("doubled by SMTP: \(doubles), attempts that crashes left open: \(killed.ambiguous), \(Int(Date().timeIntervalSince(begin))) s in all")
            #expect(Set(bySMTP + byMaildir) == wanted)
            #expect(byMaildir.count == Set(byMaildir).count, "a Maildir never gets a mail twice")
            #expect(bySMTP.count + byMaildir.count == Self.messages + doubles)
            // Between the server's 250 and the commit of it there is no way to know: such attempts are repeated and counted.
            #expect(doubles <= killed.ambiguous)
            // A repetition carries the same Message-ID, so that receivers can tell.
            #expect(messageIDs.count == Set(bySMTP).count)
            #expect(killed.victims.count == Self.kills)
            lab.stop()
            // Nor do the logs of nodes that died and came back say whose mail it was.
            let secrets = ["outside.example", "someone", "message "] + messageIDs.map { String($0.dropFirst().prefix { $0 != "@" }) }
            let allowed = lab.nodes.map(\.id) + lab.names.map(lab.dataDirectory) + [lab.networkFile]
            for name in lab.names {
                let findings = LogSafety.findings(in: lab.log(name), secrets: secrets, allowed: allowed)
                #expect(findings.isEmpty, "\(name): \(findings)")
            }
        }

        /// How many messages have been sent.
        private final class Progress: Sendable {
            private let count = Mutex(0)
            var value: Int { count.withLock { $0 } }
            func set(_ value: Int) { count.withLock { $0 = value } }
        }

        private func kill(_ lab: RunningLab, _ sent: Progress, _ random: SeededRandom) async throws -> Killings {
            var random = random
            var killings = Killings()
            let moments = (0..<Self.kills).map { _ in Int.random(in: 20...Self.messages, using: &random) }.sorted()
            for moment in moments {
                try await eventually("\(moment) messages are sent", seconds: 240) { sent.value >= moment }
                let victim = lab.names[Int.random(in: 0..<lab.names.count, using: &random)]
                // Some time later: the moment is drawn, nothing is waited for.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
                try lab.kill(victim)
                killings.victims.append(victim)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...500, using: &random)))
                try lab.start(victim, waits: false)
                // Counts are of one run of a process: those of an exit are read before it may be killed again. A middle node
                // may as well die while it starts.
                let isExit = lab.exits.contains { $0.name == victim }
                if isExit || Bool.random(using: &random) { try lab.waitUntilReady() }
                if isExit { killings.ambiguous += try lab.metrics(victim)["exit_ambiguous_retries_total"] }
            }
            try lab.waitUntilReady()
            return killings
        }
    }
}
