// A nym with everything real: outside mail by SMTP through Postfix, its answer signed, a Reply by somebody without
// software, a bounce.

import Foundation
import LabProgram
import TestSupport
import Testing

extension Integration {
    @Suite("Nyms and mail", .enabled(if: NymDomainMail.isAvailable, "\(NymDomainMail.needs)"))
    struct NymMailTests {
        @Test(
            "mail comes, the answer goes out signed, the Reply to it and the bounce come back", .timeLimit(.minutes(10))
        )
        func both() async throws {
            let desk = try await NymDesk()
            let alice = try await NymUser(desk)
            try await alice.create("alice@nym.example")

            try await desk.write("a question to alice", to: ["alice@nym.example"], body: "Who are you?")
            try await alice.came("a question to alice")
            try await alice.came("Who are you?", seconds: 5)

            try await alice.send(
                from: "alice@nym.example", to: "b@outside.example", subject: "an answer of alice",
                "Nobody whom you know.\n")
            let answer = try await desk.mail.outside.mail("an answer of alice", log: desk.logs)
            #expect(answer.sender == "alice@nym.example" && answer.recipients == ["b@outside.example"])
            #expect(answer.content.contains("\nFrom: ") && answer.content.contains("alice@nym.example"))
            #expect(answer.content.contains("Nobody whom you know."))
            #expect(try await desk.mail.signatureFault(answer) == nil)
            #expect(!answer.content.contains("Received:") && !answer.content.contains("127.0.0.1"), "\(answer.content)")

            // Reply in an ordinary mail program, to the domain's MX.
            let reply = try await Python.run(
                "answer.py",
                [
                    answer.path, "127.0.0.1:\(desk.mail.port)", "--smtp", "--from", "b@outside.example", "--text",
                    "I thought so.\n",
                ])
            #expect(reply.code == 0 && reply.output == "alice@nym.example\n", "\(reply)")
            try await alice.came("I thought so.")

            try await alice.send(
                from: "alice@nym.example", to: "nobody@outside.example", subject: "lost", "Is anybody there?\n")
            try await alice.came("Undelivered Mail Returned to Sender")

            // Somebody whom nobody knows either writes to the nym.
            let stranger = try await NymUser(desk)
            try await stranger.must(
                [
                    "send", "--to", "nym:alice@nym.example", "--subject", "from nowhere",
                    try stranger.file("mail", "Good evening.\n"),
                ])
            try await alice.came("Good evening.")
            // From one nym to another: by Postfix and back.
            try await stranger.create("carol@nym.example")
            try await alice.send(
                from: "alice@nym.example", to: "carol@nym.example", subject: "nym to nym", "Hello, nym.\n")
            try await stranger.came("Hello, nym.")

            // What Postfix wrote into its queue is gone.
            try await eventually("Postfix holds nothing", seconds: 30) { desk.mail.held == 0 }
            desk.lab.stop()
        }
    }
}
