// Sending until it has arrived, in a lab: real processes that lose packets, a client that does not know which.

import Foundation
import Glibc
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Reliable sending")
    struct ReliableTests {
        /// Somebody who sends, with `nightjar run` at work.
        private final class Sender: Sendable {
            let directory: TemporaryDirectory
            let lab: RunningLab

            init(_ lab: RunningLab) async throws {
                self.lab = lab
                directory = try TemporaryDirectory("nightjar-sender")
                try FileManager.default.createDirectory(
                    atPath: directory.file("home"), withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
                let settings = directory.file("home/client.toml")
                try Data(
                    """
                    blocks-per-poll = 32
                    [run]
                    send-interval = "8s"
                    poll-interval = "5m"
                    outbox-interval = "2m"

                    """.utf8
                ).write(to: URL(fileURLWithPath: settings))
                chmod(settings, 0o600)
                for arguments in [["network", "add"] + lab.networkArguments, ["mailbox", "create"]] {
                    let run = try await run(arguments)
                    guard run.code == 0 else { throw Program.Failure(description: run.errors) }
                }
            }

            private func program(_ arguments: [String]) throws -> Program {
                try Program(
                    "\(Program.built)/nightjar", arguments,
                    environment: [
                        "NIGHTJAR_HOME": directory.file("home"), "NIGHTJAR_TIME_SCALE": "\(lab.timeScale)",
                        "NIGHTJAR_TIME_ORIGIN": "\(lab.timeOrigin.milliseconds)",
                    ])
            }

            func run(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
                let program = try program(arguments)
                let code = try await program.end(seconds: 120)
                return (code, program.output, program.errors)
            }

            func startInBackground() throws -> Program { try program(["run"]) }

            func sent() async throws -> [Entry] {
                let run = try await run(["sent", "--json"])
                guard run.code == 0 else { throw Program.Failure(description: run.errors) }
                return try JSONDecoder().decode([Entry].self, from: Data(run.output.utf8))
            }
        }

        private struct Entry: Decodable {
            struct Recipient: Decodable { var status: String }
            var parts, packets: Int
            var recipients: [Recipient]
            var isDelivered: Bool { recipients.allSatisfy { $0.status == "delivered" } }
        }

        private static let messages = 200

        private static var plan: LabPlan {
            var plan = LabPlan()
            plan.nodes = 6
            plan.exits = 2
            // Debug builds on two cores keep up with this; faster time makes queues, and with them repetitions.
            plan.timeScale = 120
            plan.loopsPerMinute = 0.2
            plan.hasGateways = false
            return plan
        }

        /// Sends 200 messages of 1 to 40 parts and waits until the sender knows that all have arrived, and all have, once.
        private func sendAll(_ name: String, _ lab: RunningLab, to exits: [String]) async throws {
            var random = SeededRandom(name: name)
            let sender = try await Sender(lab)
            let background = try sender.startInBackground()
            let begin = Date()
            var bodies: [String: Int] = [:]
            for number in 0..<Self.messages {
                // Log-uniform by doublings, 0.5 KB to 0.9 MB: up to 29 data shares, which make 40 parts.
                let doublings = Double.random(in: 0..<10.8, using: &random)
                let size = Int(500 * pow(2, doublings))
                let text = Array(Base64.encode(random.bytes(size * 3 / 4)).utf8)
                let lines = stride(from: 0, to: text.count, by: 76).flatMap {
                    text[$0..<min($0 + 76, text.count)] + [10]
                }
                let file = sender.directory.file("mail-\(number)")
                try Data(lines).write(to: URL(fileURLWithPath: file))
                bodies["\(name) \(number)"] = text.count
                let run = try await sender.run([
                    "send", "--reliable", "--to", "mbox:postmaster@\(exits[number % exits.count])", "--subject",
                    "\(name) \(number)", file,
                ])
                #expect(run.code == 0, "\(run)")
                try FileManager.default.removeItem(atPath: file)
            }
            print("\(name): \(Self.messages) messages given in \(Int(Date().timeIntervalSince(begin))) s")

            var entries: [Entry] = []
            let deadline = begin.addingTimeInterval(1200)
            repeat {
                try await Task.sleep(for: .seconds(2))
                entries = try await sender.sent()
            } while entries.contains { !$0.isDelivered } && Date() < deadline && background.poll() == nil
            let seconds = Int(Date().timeIntervalSince(begin))
            let parts = entries.reduce(0) { $0 + $1.parts }
            let packets = entries.reduce(0) { $0 + $1.packets }
            print(
                "\(name): \(entries.count(where: \.isDelivered)) of \(Self.messages) known to have arrived after \(seconds) s; "
                    + "\(parts) parts, largest \(entries.map(\.parts).max() ?? 0), \(packets) packets")
            #expect(entries.count == Self.messages)
            for entry in entries where !entry.isDelivered { Issue.record("\(entry)") }
            let mails = exits.flatMap { lab.mails($0).map { ArrivedMail($0) } }
            let subjects = mails.map(\.subject).sorted()
            #expect(subjects == bodies.keys.sorted())
            #expect(packets < 5 * parts)
            #expect(background.poll() == nil, "\(background.errors)")
            kill(background.pid, SIGTERM)
            #expect(try await background.end(seconds: 60) == 0)
            lab.stop()
        }

        @Test(
            "with a tenth of all packets lost at every node, 200 messages arrive, once each", .timeLimit(.minutes(25)))
        func lossyNodes() async throws {
            var plan = Self.plan
            plan.dropFraction = 0.1
            let lab = try RunningLab(plan)
            try await sendAll("lossy", lab, to: lab.exits.map(\.name))
        }

        @Test("with one of six nodes dead, 200 messages arrive, once each", .timeLimit(.minutes(25)))
        func deadNode() async throws {
            let lab = try RunningLab(Self.plan)
            // A relay that has no mailbox: answers would have nowhere to come to.
            let relay = try #require(lab.nodes.first { !$0.isExit && !$0.offersMailboxes })
            try lab.kill(relay.name)
            try await sendAll("dead", lab, to: lab.exits.map(\.name))
        }
    }
}
