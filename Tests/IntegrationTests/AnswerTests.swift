// Receipts and the reply gateway with real processes: killed at every step, and with a real Postfix in front.

import Foundation
import LabProgram
import Messages
import TestSupport
import Testing
import WireFormat

extension Integration {
    @Suite("Receipts and answers by mail")
    struct AnswerTests {
        private static func plan() -> LabPlan {
            var plan = LabPlan()
            plan.nodes = 3
            plan.exits = 2
            plan.timeScale = 300
            plan.loopsPerMinute = 0
            return plan
        }

        private static func mail(_ subject: String) -> String {
            "From: someone@outside.example\r\nSubject: \(subject)\r\nMessage-ID: <\(subject)@outside.example>\r\n\r\nan answer\r\n"
        }

        /// A message with a receipt block and two reply blocks, to postmaster at charlie; its id.
        private static func send(_ answers: Answers, _ random: inout SeededRandom, to recipient: String) async throws -> MessageID {
            let envelope = try Envelope(
                recipients: [Address(recipient)], fields: [.subject: "a question"], receiptBlock: answers.block(using: &random),
                replyBlocks: [answers.block(using: &random), answers.block(using: &random)])
            let (id, shipments) = try answers.shipments(envelope, Array("well?\r\n".utf8), path: ["alpha", "charlie"], using: &random)
            try await answers.sender.send(shipments)
            return id
        }

        /// Hands a mail over by LMTP; whether it was taken.
        private static func lmtp(_ mail: String, to address: String, port: Int) -> Bool {
            guard let socket = try? LoopbackSocket(port: port) else { return false }
            let text = "LHLO mta\r\nMAIL FROM:<someone@outside.example>\r\nRCPT TO:<\(address)>\r\nDATA\r\n\(mail).\r\nQUIT\r\n"
            guard socket.send(Array(text.utf8)) else { return false }
            return String(decoding: socket.readToEnd(), as: UTF8.self).contains("250 2.0.0 on its way\r\n")
        }

        @Test(
            "an exit that dies at a step of a receipt or an answer sends each once", .timeLimit(.minutes(2)),
            arguments: ["book-opened", "outcome-noted", "receipt-enqueued", "answer-reserved", "answer-enqueued"])
        func crashes(_ point: String) async throws {
            var random = SeededRandom(name: "answers crash \(point)")
            let lab = try RunningLab(Self.plan())
            let answers = Answers(try Correspondent(lab), path: ["alpha", "bravo"])
            let port = try #require(lab.node("charlie")?.gatewayPort)
            try await lab.stop("charlie")
            try lab.start("charlie", environment: ["NIGHTJAR_KILL_AT": "\(point):1"])
            let id = try await Self.send(answers, &random, to: "mbox:postmaster@charlie")
            let isLate = point.hasPrefix("answer")
            if !isLate {
                try await eventually("charlie dies at \(point)", seconds: 60) { !lab.isRunning("charlie") }
                try lab.start("charlie")
            }
            try await eventually("the mail and the receipt are there", seconds: 30) {
                lab.mails("charlie").count == 1 && lab.mails("bravo").count == 1
            }
            let address = try #require(ArrivedMail(lab.mails("charlie")[0]).headers["reply-to"])
            if isLate {
                #expect(!Self.lmtp(Self.mail("one"), to: address, port: port))
                try await eventually("charlie dies at \(point)", seconds: 60) { !lab.isRunning("charlie") }
                try lab.start("charlie")
            }
            #expect(Self.lmtp(Self.mail("one"), to: address, port: port))
            #expect(Self.lmtp(Self.mail("one"), to: address, port: port))
            try await eventually("the answer is there", seconds: 30) { lab.mails("bravo").count >= 2 }
            let books = try await lab.quiet(seconds: 30)
            #expect(try answers.receipts() == [Receipt(message: id, state: .complete([.init(.delivered, code: 250)]))])
            #expect(try answers.mails() == [Self.mail("one")])
            #expect(lab.mails("charlie").count == 1)
            for (name, book) in books { #expect(book["packets_missing"] == 0, "the books of \(name)") }
            lab.stop()
        }

        @Test(
            "a mail to Reply-To goes through Postfix and the reply blocks", .timeLimit(.minutes(2)),
            .enabled(if: Postfix.isAvailable, "these tests need a real mail server: apt-get install postfix"))
        func throughPostfix() async throws {
            var random = SeededRandom(name: "answers through Postfix")
            let port = try LoopbackSocket.freePort()
            let postfix = try await Postfix(
                lines: """
                    relay_domains = reply.charlie.lab.example
                    transport_maps = inline:{ {reply.charlie.lab.example = lmtp:inet:127.0.0.1:\(port)} }
                    """)
            var plan = Self.plan()
            plan.smarthost = "127.0.0.1:\(postfix.port)"
            let lab = try RunningLab(plan) { node, text in
                guard node.name == "charlie", let own = node.gatewayPort else { return }
                text = text.replacing("127.0.0.1:\(own)", with: "127.0.0.1:\(port)")
            }
            let answers = Answers(try Correspondent(lab), path: ["alpha", "bravo"])
            let id = try await Self.send(answers, &random, to: "smtp:someone@outside.example")
            try await eventually("the mail is there; \(postfix.log.suffix(500))", seconds: 40) { postfix.mails.count == 1 }
            try await eventually("the receipt is there", seconds: 30) { lab.mails("bravo").count == 1 }
            #expect(try answers.receipts() == [Receipt(message: id, state: .complete([.init(.delivered, code: 250)]))])
            let address = try #require(ArrivedMail(postfix.mails[0]).headers["reply-to"])

            let program = "import smtplib,sys\nsmtplib.SMTP('127.0.0.1',int(sys.argv[1])).sendmail('someone@outside.example',[sys.argv[2]],sys.argv[3])"
            let run = try await Program.run("/usr/bin/env", ["python3", "-c", program, String(postfix.port), address, Self.mail("by Postfix")])
            #expect(run.code == 0, "\(run.errors)")
            try await eventually("the answer is there; \(postfix.log.suffix(500))", seconds: 40) { lab.mails("bravo").count == 2 }
            // Postfix gives a mail without Date one.
            let mail = try #require(try answers.mails().first)
            #expect(mail.split(separator: "\r\n").filter { !$0.hasPrefix("Date: ") } == Self.mail("by Postfix").split(separator: "\r\n"))

            // And as the demo does it, by the script.
            let delivered = try TemporaryDirectory("delivered")
            try postfix.mails[0].write(to: URL(fileURLWithPath: delivered.file("mail")))
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../contrib/lib/answer.py").path
            let answered = try await Program.run(
                "/usr/bin/env", ["python3", script, delivered.file("mail"), "127.0.0.1:\(port)", "--text", "by the script"])
            #expect(answered.code == 0 && answered.output == address + "\n", "\(answered.errors)")
            try await eventually("the second answer is there", seconds: 40) { lab.mails("bravo").count == 3 }
            #expect(try answers.mails().contains { $0.contains("Subject: Re: a question\r\n") && $0.contains("by the script") })
            // Both blocks are used: the third answer is refused in the dialogue.
            let refused = try await Program.run(
                "/usr/bin/env", ["python3", script, delivered.file("mail"), "127.0.0.1:\(port)", "--text", "once more"])
            #expect(refused.code == 1 && refused.errors.contains("5.1.1 all reply blocks of this address are used up"))
            lab.stop()
            try await postfix.stop()
        }
    }
}
