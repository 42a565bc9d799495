// The sample files of a nym domain's mail servers as they are in etc/, with the policy service and an LMTP server of ours
// behind them, without a network: what is refused is refused in the dialogue, what leaves is signed.

import Exits
import Foundation
import NymserverProgram
import Synchronization
import TestSupport
import Testing

extension Integration {
    @Suite("Mail servers of a nym domain", .enabled(if: NymDomainMail.isAvailable, "\(NymDomainMail.needs)"))
    struct PostfixDoorTests {
        /// alice and carol are there, bob is full; 100,000 bytes are taken.
        private struct Door: NymDoor {
            func verdict(recipient: String, size: Int?) -> NymVerdict {
                guard recipient.hasSuffix("@nym.example") else { return .elsewhere }
                switch recipient.split(separator: "@").first {
                case "bob": return .overQuota
                case "alice", "carol": return (size ?? 0) > 100_000 ? .tooLarge(limit: 100_000) : .welcome
                default: return .unknown
                }
            }
        }

        /// Takes everything.
        private final class Receiver: LMTPReceiver, Sendable {
            let mails = Mutex<[LMTPMail]>([])
            func check(recipient: String) -> LMTPReply { LMTPReply(250, "2.1.5", "ok") }
            func deliver(_ mail: LMTPMail) -> [LMTPReply] {
                mails.withLock { $0.append(mail) }
                return mail.recipients.map { _ in LMTPReply(250, "2.0.0", "kept") }
            }
        }

        private static let smuggle = """
            import smtplib, sys
            s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]))
            s.ehlo("mail.outside.example")
            s.mail("eve@outside.example"); s.rcpt("alice@nym.example"); s.docmd("DATA")
            inner = "MAIL FROM:<admin@bank.example>\\r\\nRCPT TO:<alice@nym.example>\\r\\nDATA\\r\\nFrom: admin@bank.example\\r\\n\\r\\npay"
            for end in ("\\n.\\n", "\\n.\\r\\n", "\\r\\n.\\n"):
                s.send("Subject: outer\\r\\n\\r\\nhello" + end + inner)
            s.send("\\r\\n.\\r\\n")
            print(s.getreply())
            """

        @Test("Postfix asks at RCPT and at the end, and bounces nothing", .timeLimit(.minutes(5)))
        func theDoor() async throws {
            let mail = try await NymDomainMail()
            let receiver = Receiver()
            let lmtp = try await LMTPServer.bind(
                LMTPServerSettings(
                    address: .socket("\(mail.sockets)/lmtp"), name: "nym.example", limits: LMTPLimits(mail: 1_000_000)),
                receiver: receiver)

            // Without the service nobody is told that his mail is taken, and nobody that there is no such address.
            let early = try await mail.swaks(from: "b@outside.example", to: ["alice@nym.example"], subject: "early")
            #expect(early.code != 0 && early.output.contains("<** 4"), "\(early.output)")
            let policy = try await PolicyServer.bind(.socket("\(mail.sockets)/policy"), door: Door())

            for (recipient, words) in [
                ("nobody@nym.example", "<** 550 5.1.1"), ("bob@nym.example", "<** 452 4.2.2"),
                ("alice@elsewhere.example", "<** 554 5.7.1"),
            ] {
                let refused = try await mail.swaks(from: "b@outside.example", to: [recipient], subject: "refused")
                #expect(refused.code != 0 && refused.output.contains(words), "\(refused.output)")
            }
            let large = String(repeating: String(repeating: "x", count: 70) + "\n", count: 2000)
            // At MAIL, where the client says how much comes (swaks does not), and when it is there.
            let announced = try await mail.swaks(
                from: "b@outside.example", to: ["alice@nym.example"], subject: "large", body: large)
            #expect(
                announced.code != 0 && announced.output.contains("<** 552 5.3.4"), "\(announced.output.suffix(600))")
            // Two recipients, of whom the mail is too large for both; Postfix names neither at the end.
            let both = try await mail.swaks(
                from: "b@outside.example", to: ["alice@nym.example", "carol@nym.example"], subject: "large", body: large
            )
            #expect(both.code != 0 && both.output.contains("<** 552 5.3.4"), "\(both.output.suffix(600))")

            // What is good, over TLS too, from the null sender too, and to two of three.
            let good = try await mail.swaks(
                from: "b@outside.example", to: ["alice@nym.example", "carol@nym.example", "nobody@nym.example"],
                subject: "good")
            #expect(good.output.contains("<** 550 5.1.1") && good.output.contains("<-  250 2.0.0"), "\(good.output)")
            let safe = try await mail.swaks(
                from: "b@outside.example", to: ["alice@nym.example"], subject: "safe", more: ["--tls"])
            #expect(safe.code == 0 && safe.output.contains("TLS started"), "\(safe.output)")
            let notice = try await mail.swaks(from: "<>", to: ["alice@nym.example"], subject: "notice")
            #expect(notice.code == 0, "\(notice.output)")
            try await eventually("three mails are handed over; \(mail.log.suffix(800))", seconds: 20) {
                receiver.mails.withLock { $0.count } == 3
            }
            let subjects = receiver.mails.withLock { mails in
                mails.map { ArrivedMail(Data($0.content)).subject + " for \($0.recipients.count) from \($0.sender)" }
            }
            #expect(
                Set(subjects) == [
                    "good for 2 from b@outside.example", "safe for 1 from b@outside.example", "notice for 1 from ",
                ])

            // A mail in a mail: what a bare newline seems to end goes on, and is one mail.
            let smuggle = try await Program.run(Python.path, ["-c", Self.smuggle, String(mail.port)])
            #expect(smuggle.code == 0, "\(smuggle)")
            try await eventually("the smuggler's mail; \(mail.log.suffix(800))", seconds: 20) {
                receiver.mails.withLock { $0.count } == 4
            }
            #expect(
                receiver.mails.withLock { String(decoding: $0[3].content, as: UTF8.self).contains("MAIL FROM:<admin@") }
            )

            // What the nymserver would submit. Only as the domain, or from the null sender.
            let forged = try await Self.submit(
                mail, from: "eve@other.example", to: "b@outside.example", subject: "forged")
            #expect(forged.code != 0 && forged.output.contains("<** 554 5.7.1"), "\(forged.output)")
            let sent = try await Self.submit(
                mail, from: "alice@nym.example", to: "b@outside.example", subject: "signed")
            #expect(sent.code == 0, "\(sent.output)")
            let arrived = try await mail.outside.mail("signed", seconds: 20, log: mail.log)
            #expect(arrived.sender == "alice@nym.example")
            #expect(try await mail.signatureFault(arrived) == nil)
            // Nothing in it tells where and when it was handed over.
            #expect(
                !arrived.content.contains("127.0.0.1") && !arrived.content.contains("Received:"), "\(arrived.content)")
            let altered = arrived.content.replacingOccurrences(of: "hello", with: "hallo")
            try Data(altered.utf8).write(to: URL(fileURLWithPath: arrived.path + ".altered"))
            let check = try await Python.run("dkim_check.py", [arrived.path + ".altered", mail.dkimRecord])
            #expect(check.code == 1 && check.errors.contains("wrong"), "\(check)")

            // Somebody outside who does not exist: the bounce comes to the nym, and to nobody else.
            let lost = try await Self.submit(
                mail, from: "alice@nym.example", to: "nobody@outside.example", subject: "lost")
            #expect(lost.code == 0, "\(lost.output)")
            try await eventually("the bounce; \(mail.log.suffix(800))", seconds: 20) {
                receiver.mails.withLock { $0.count } == 5
            }
            let bounce = receiver.mails.withLock { $0[4] }
            #expect(bounce.sender.isEmpty && bounce.recipients == ["alice@nym.example"])
            #expect(ArrivedMail(Data(bounce.content)).subject == "Undelivered Mail Returned to Sender")
            #expect(mail.outside.mails.map(\.subject) == ["signed"])
            try await eventually("Postfix holds nothing; \(mail.log.suffix(800))", seconds: 30) { mail.held == 0 }
            #expect(
                !mail.log.contains("warning:") || mail.log.components(separatedBy: "\n").allSatisfy(Self.isExpected),
                "\(mail.log)")
            await policy.close()
            await lmtp.close()
        }

        /// The questions before the service was there.
        private static func isExpected(_ line: String) -> Bool {
            !line.contains("warning:") || line.contains("/policy")
        }

        private static func submit(_ mail: NymDomainMail, from sender: String, to recipient: String, subject: String)
            async throws -> (
                code: Int32, output: String
            )
        {
            let run = try await Program.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(mail.submissionPort)", "--from", sender, "--to", recipient, "--header",
                    "Subject: \(subject)",
                    "--body", "hello",
                ])
            return (run.code, run.output + run.errors)
        }
    }
}
