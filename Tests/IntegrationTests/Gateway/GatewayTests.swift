// A mail program at the gateway, in a network of real nodes: it sends by SMTP, and reads by IMAP what comes.

import Foundation
import LabProgram
import TestSupport
import Testing

extension Integration {
    @Suite("The gateway for mail programs")
    struct GatewayTests {
        private static let send = """
            import smtplib, ssl, sys
            ca, port, imap, imaps, password, to, subject = sys.argv[1:8]
            s = smtplib.SMTP("localhost", int(port), timeout=60)
            s.starttls(context=ssl.create_default_context(cafile=ca))
            s.login("nightjar", password)
            text = "From: Me <anonymous@nightjar.invalid>\\r\\nTo: %s\\r\\nMessage-ID: <%s@laptop>\\r\\nSubject: %s\\r\\n\\r\\nHello\\r\\n"
            print(s.sendmail("anonymous@nightjar.invalid", [to], text % (to, subject, subject)))
            s.quit()
            """

        private static let read = """
            import imaplib, ssl, sys
            ca, port, imap, imaps, password = sys.argv[1:6]
            context = ssl.create_default_context(cafile=ca)
            m = imaplib.IMAP4_SSL("localhost", int(imaps), ssl_context=context)
            m.login("nightjar", password)
            m.select("INBOX")
            for number in m.search(None, "ALL")[1][0].split():
                print(m.fetch(number, "(BODY.PEEK[])")[1][0][1].decode())
            print(*[l.decode() for l in m.list()[1]], sep="\\n")
            m.logout()
            n = imaplib.IMAP4("127.0.0.1", int(imap))
            try: n.login("nightjar", "wrong")
            except imaplib.IMAP4.error as e: print("refused", e)
            n.starttls(context)
            print(n.login("nightjar", password)[0])
            n.logout()
            """

        @Test(
            "what is submitted arrives, and what comes is read by IMAP, with Dovecot as the sample configures it",
            .enabled(if: ImapGateway.isAvailable), .timeLimit(.minutes(10)))
        func imap() async throws {
            var plan = LabPlan()
            plan.timeScale = 60
            plan.loopsPerMinute = 0
            let lab = try RunningLab(plan)
            let exit = lab.exits[0].name
            var (box, password) = ("", "")
            let gateway = try await ImapGateway(lab) { gateway in
                _ = try await gateway.command(["network", "add"] + lab.networkArguments)
                box = try await gateway.command("mailbox", "create").trimmingCharacters(in: .whitespacesAndNewlines)
                let made = try await gateway.command("gateway", "init")
                let line = made.split(separator: "\n").first { $0.hasPrefix("password") }
                password = line?.split(separator: " ").last.map(String.init) ?? ""
            }
            // box:ID@NODE as a mail program writes it.
            let mailbox = box.replacing("box:", with: "") + ".box.nightjar.invalid"
            let running = try await gateway.startGateway()
            let dovecot = try await gateway.startDovecot()
            for (to, subject) in [
                ("postmaster@\(exit).mbox.nightjar.invalid", "outside"), (mailbox, "to-myself"),
                ("nobody@\(exit).mbox.nightjar.invalid", "in-vain"),
            ] {
                #expect(try await gateway.python(Self.send, password, to, subject) == "{}\n")
            }
            try await eventually("the mail arrives: \(running.errors)", seconds: 180) {
                lab.mails(exit).map { ArrivedMail($0).subject }.contains("outside")
            }
            var seen = ""
            try await eventually("mail and notice are read by IMAP", seconds: 240, every: .milliseconds(500)) {
                seen = try await gateway.python(Self.read, password)
                return seen.contains("Subject: to-myself") && seen.contains("Subject: Not delivered")
            }
            #expect(seen.contains("X-Nightjar-Mailbox: ") && seen.contains("In-Reply-To: <in-vain@laptop>"), "\(seen)")
            #expect(seen.contains("nobody@\(exit)") && !seen.contains("Message-ID: <to-myself@laptop>"), "\(seen)")
            #expect(seen.contains("refused") && seen.hasSuffix("OK\n"), "\(seen)")
            // Once each, with a new start between.
            running.signal(SIGTERM)
            #expect(try await running.end(seconds: 60) == 0, "\(running.errors)")
            let again = try await gateway.startGateway()
            // When a later mail is there, all that lay here before was looked at again.
            #expect(try await gateway.python(Self.send, password, mailbox, "later") == "{}\n")
            var last = ""
            try await eventually("a later mail is read by IMAP", seconds: 180, every: .milliseconds(500)) {
                last = try await gateway.python(Self.read, password)
                return last.contains("Subject: later")
            }
            #expect(last.components(separatedBy: "Subject: to-myself").count == 2, "\(last)")
            #expect(last.components(separatedBy: "Subject: Not delivered").count == 2, "\(last)")
            again.signal(SIGTERM)
            _ = try await again.end(seconds: 60)
            dovecot.signal(SIGTERM)
            _ = try await dovecot.end(seconds: 60)
            lab.stop()
        }
    }
}
