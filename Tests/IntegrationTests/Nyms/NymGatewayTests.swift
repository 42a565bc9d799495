// A nym by nothing but a mail program's protocols: its owner submits by SMTP and reads by IMAP from Dovecot; its
// correspondent has an ordinary mail server.

import Foundation
import LabProgram
import TestSupport
import Testing

extension Integration {
    @Suite(
        "Nyms in a mail program",
        .enabled(
            if: NymDomainMail.isAvailable && ImapGateway.isAvailable,
            "\(NymDomainMail.needs) dovecot-core dovecot-imapd"))
    struct NymGatewayTests {
        private static let send = """
            import smtplib, ssl, sys
            ca, port, imap, imaps, password, to, subject = sys.argv[1:8]
            s = smtplib.SMTP("localhost", int(port), timeout=60)
            s.starttls(context=ssl.create_default_context(cafile=ca))
            s.login("nightjar", password)
            text = "From: Alice <alice@nym.example>\\r\\nTo: %s\\r\\nMessage-ID: <%s@laptop>\\r\\nUser-Agent: Laptop\\r\\nSubject: %s\\r\\n\\r\\nHello from the nym\\r\\n"
            print(s.sendmail("alice@nym.example", [to], text % (to, subject, subject)))
            s.quit()
            """

        /// Everything in every folder.
        private static let read = """
            import imaplib, ssl, sys
            ca, port, imap, imaps, password = sys.argv[1:6]
            m = imaplib.IMAP4_SSL("localhost", int(imaps), ssl_context=ssl.create_default_context(cafile=ca))
            m.login("nightjar", password)
            for line in m.list()[1]:
                folder = line.decode().rpartition(' "/" ')[2]
                if m.select(folder, readonly=True)[0] != "OK": continue
                for number in m.search(None, "ALL")[1][0].split():
                    print("folder", folder)
                    print(m.fetch(number, "(BODY.PEEK[])")[1][0][1].decode())
            m.logout()
            """

        @Test("submission and IMAP are all that its owner needs", .timeLimit(.minutes(10)))
        func mailProgram() async throws {
            let desk = try await NymDesk()
            var password = ""
            let gateway = try await ImapGateway(desk.lab) { gateway in
                // A packet of ours every eighth of a second, at this clock.
                let settings = """
                    [run]
                    send-interval = "2m"
                    outbox-interval = "2m"
                    poll-interval = "20m"
                    [gateway]
                    listen = ["127.0.0.1:\(gateway.submission)"]

                    """
                try Data(settings.utf8).write(to: URL(fileURLWithPath: "\(gateway.home)/client.toml"))
                _ = try await gateway.command(["network", "add"] + desk.lab.networkArguments)
                let made = try await gateway.command("gateway", "init")
                let line = made.split(separator: "\n").first { $0.hasPrefix("password") }
                password = line?.split(separator: " ").last.map(String.init) ?? ""
                let asked = try Program(
                    "\(Program.built)/nightjar", ["nym", "create", "alice@nym.example"],
                    environment: gateway.environment)
                let code = try await asked.end(seconds: 120)
                #expect(code == 0 || code == 3, "\(asked.errors)")
                _ = try await gateway.command("queue", "flush")
            }
            let running = try await gateway.startGateway()
            let dovecot = try await gateway.startDovecot()

            var sent = ""
            try await eventually("the nym may send; \(running.errors)", seconds: 90, every: .seconds(1)) {
                do { sent = try await gateway.python(Self.send, password, "b@outside.example", "by submission") } catch
                {
                    sent = "\(error)"
                }
                return sent == "{}\n"
            }
            let mail = try await desk.mail.outside.mail("by submission", seconds: 90, log: desk.logs)
            #expect(mail.sender == "alice@nym.example" && mail.content.contains("Hello from the nym"))
            #expect(!mail.content.contains("laptop") && !mail.content.contains("Laptop"), "\(mail.content)")
            #expect(try await desk.mail.signatureFault(mail) == nil)

            let reply = try await Python.run(
                "answer.py",
                [
                    mail.path, "127.0.0.1:\(desk.mail.port)", "--smtp", "--from", "b@outside.example", "--text",
                    "By Reply.\n",
                ])
            #expect(reply.code == 0, "\(reply)")
            var seen = ""
            try await eventually("the Reply is read by IMAP; \(running.errors)", seconds: 90, every: .milliseconds(500))
            {
                seen = try await gateway.python(Self.read, password)
                return seen.contains("By Reply.")
            }
            #expect(
                seen.contains("folder \"alice@nym_example\"") || seen.contains("folder alice@nym_example"), "\(seen)")
            #expect(seen.contains("Subject: Re: by submission"), "\(seen)")
            for program in [running, dovecot] {
                program.signal(SIGTERM)
                _ = try await program.end(seconds: 60)
            }
            desk.lab.stop()
        }
    }
}
