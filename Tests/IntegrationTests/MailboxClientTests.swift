// A person with a mailbox at a node of a lab, with nothing but the program `nightjar`.

import Foundation
import LabProgram
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("The client's mailboxes")
    struct MailboxClientTests {
        /// A user of `nightjar` in a lab.
        private final class Person: Sendable {
            let directory: TemporaryDirectory
            let lab: RunningLab

            init(_ lab: RunningLab) async throws {
                self.lab = lab
                directory = try TemporaryDirectory("nightjar-person")
                let added = try await run(["network", "add"] + lab.networkArguments)
                guard added.code == 0 else { throw Program.Failure(description: added.errors) }
            }

            func run(_ arguments: String...) async throws -> (code: Int32, output: String, errors: String) {
                try await run(arguments)
            }

            func run(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
                let program = try Program(
                    "\(Program.built)/nightjar", arguments,
                    environment: [
                        "NIGHTJAR_HOME": directory.file("home"), "NIGHTJAR_TIME_SCALE": "\(lab.timeScale)",
                        "NIGHTJAR_TIME_ORIGIN": "\(lab.timeOrigin.milliseconds)",
                    ])
                let code = try await program.end(seconds: 120)
                return (code, program.output, program.errors)
            }

            func file(_ name: String, _ text: String) throws -> String {
                try Data(text.utf8).write(to: URL(fileURLWithPath: directory.file(name)))
                return directory.file(name)
            }
        }

        private static var plan: LabPlan {
            var plan = LabPlan()
            plan.timeScale = 60
            plan.loopsPerMinute = 0
            return plan
        }

        private static func mails(_ maildir: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: "\(maildir)/new")) ?? []
        }

        @Test("answers and messages come to a mailbox, once each; deleted, it is gone")
        func mailbox() async throws {
            let lab = try RunningLab(Self.plan)
            let (owner, writer) = (try await Person(lab), try await Person(lab))
            let made = try await owner.run("mailbox", "create")
            let address = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(made.code == 0 && address.hasPrefix("box:"), "\(made)")
            let empty = try await owner.run("receive")
            #expect(empty.code == 0 && empty.output.isEmpty && empty.errors.contains("no new messages"), "\(empty)")

            // An answer through a reply block by way of a crossover, and a message to the address.
            let blocks = try await owner.run("surb", "new", "-n", "2", "--identity", "ludwig")
            #expect(blocks.code == 0, "\(blocks)")
            let file = try owner.file("blocks", blocks.output)
            let reply = try await writer.run(
                "reply", "--surb", file, "--subject", "Answer", try writer.file("answer", "To the unknown.\n"))
            #expect(reply.code == 0, "\(reply)")
            let noise = (0..<4000).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }
            let long = noise.joined(separator: "\n") + "\n"
            let sent = try await writer.run(
                "send", "--to", address, "--subject", "Message", try writer.file("long", long))
            #expect(sent.code == 0, "\(sent)")

            let out = owner.directory.file("out")
            var received = (code: Int32(0), output: "", errors: "")
            let deadline = ContinuousClock.now + .seconds(180)
            repeat {
                received = try await owner.run("receive", "--all", "--to-maildir", out)
                #expect(received.code == 0, "\(received)")
            } while Self.mails(out).count < 2 && ContinuousClock.now < deadline
            let mails = try Self.mails(out)
                .map { try String(contentsOfFile: "\(out)/new/\($0)", encoding: .utf8) }
                .sorted { $0.utf8.count < $1.utf8.count }
            #expect(mails.count == 2, "\(received)")
            #expect(
                mails.first?.contains("\nX-Nightjar-Identity: ludwig\n") == true
                    && mails.first?.hasSuffix("\n\nTo the unknown.\n") == true, "\(mails.first ?? "")")
            #expect(
                mails.last?.contains("\nSubject: Message\n") == true && mails.last?.hasSuffix("\n\n\(long)") == true)

            // Everything was acknowledged, and nothing comes twice.
            let again = try await owner.run("receive", "--json")
            #expect(again.code == 0 && again.output.contains("\"messages\" : [\n]"), "\(again)")
            let status = try await owner.run("mailbox", "status", "--json")
            #expect(status.code == 0 && status.output.contains("\"used\" : 0"), "\(status)")

            // Only who was introduced may write, and the node is told.
            let closed = try await owner.run("mailbox", "configure", "--introduced-only")
            #expect(closed.code == 0 && closed.output.contains("introduced only"), "\(closed)")
            let list = try await owner.run("mailbox", "list")
            #expect(list.output.contains("introduced only (0)") && !list.output.contains("not told"), "\(list)")

            let deleted = try await owner.run("mailbox", "delete", "default", "--yes")
            #expect(deleted.code == 0, "\(deleted)")
            let none = try await owner.run("receive")
            #expect(none.code == 1 && none.errors.contains("you have no mailbox"), "\(none)")
            lab.stop()
        }

        @Test("a node that is away is a temporary failure, and what is here is shown")
        func away() async throws {
            let lab = try RunningLab(Self.plan)
            let owner = try await Person(lab)
            let made = try await owner.run("mailbox", "create", "--json")
            #expect(made.code == 0, "\(made)")
            let json = try JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [String: Any]
            let node = try #require(json?["node"] as? String)
            try await lab.stop(node)
            let run = try await owner.run("receive")
            #expect(run.code == 3 && run.errors.contains("nothing listens on the node's port"), "\(run)")
            let delete = try await owner.run("mailbox", "delete", "default", "--yes")
            #expect(delete.code == 3, "\(delete)")
            let local = try await owner.run("mailbox", "delete", "default", "--local", "--yes")
            #expect(local.code == 0 && local.errors.contains("forgotten here"), "\(local)")
            lab.stop()
        }
    }
}
