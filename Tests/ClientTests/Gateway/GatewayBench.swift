// A user's gateway as a process of its own, and a mail program that talks to it: Python's smtplib.

import Foundation
import Glibc
import TestSupport
import Testing

@testable import ClientProgram

/// A gateway of a user.
final class GatewayBench {
    let user: User
    let password: String
    private(set) var run: User.Run
    /// Of STARTTLS, and of TLS from the first byte.
    private(set) var port = 0, portTLS = 0

    static let settings = """
        [run]
        send-interval = "100ms"
        outbox-interval = "1s"
        refresh-interval = "1s"
        [gateway]
        listen = ["127.0.0.1:0"]
        listen-tls = ["127.0.0.1:0"]

        """

    var certificate: String { "\(user.home)/gateway/certificate.pem" }
    var maildir: String { "\(user.home)/gateway/maildir" }

    /// Makes the gateway's files and starts it.
    init(_ user: User, settings: String = GatewayBench.settings, arguments: [String] = []) async throws {
        self.user = user
        try user.configure(settings)
        let made = try await user.run("gateway", "init")
        let line = made.output.split(separator: "\n").first { $0.hasPrefix("password ") } ?? ""
        password = line.split(separator: " ").last.map(String.init) ?? ""
        guard made.code == 0, password.count == 29 else { throw User.Failure(text: "\(made)") }
        run = try user.start(["gateway"] + arguments)
        try await listening()
    }

    /// Starts it again after its end.
    func restart(_ arguments: String...) async throws {
        run = try user.start(["gateway"] + arguments)
        try await listening()
    }

    private func listening() async throws {
        do {
            try await eventually(seconds: 120) { run.said.contains("started") }
        } catch {
            kill(run.pid, SIGKILL)
            throw User.Failure(text: "\(error): \(run.said)")
        }
        func port(_ mark: String) -> Int {
            run.said.split(separator: " ").enumerated().lazy.compactMap { index, word -> Int? in
                let words = self.run.said.split(separator: " ")
                guard index + 1 < words.count, words[index + 1].hasPrefix(mark) else { return nil }
                return word.split(separator: ":").last.flatMap { Int($0) }
            }.first ?? 0
        }
        (self.port, portTLS) = (port("(STARTTLS)"), port("(TLS)"))
    }

    func stop() async throws {
        kill(run.pid, SIGTERM)
        let end = try await run.end()
        #expect(end.code == 0, "\(end)")
    }

    func killHard() async throws {
        kill(run.pid, SIGKILL)
        _ = try await run.end()
    }

    /// Files of a folder of the Maildir.
    func mails(_ folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(maildir)/\(folder)/new").map {
            try String(contentsOfFile: "\(maildir)/\(folder)/new/\($0)", encoding: .utf8)
        }
    }

    /// Lets Python submit `mail`; prints the reply, or what was refused with which code.
    func submit(
        _ mail: String, from: String = "anonymous@nightjar.invalid", to: [String] = ["bob@example.org"],
        password: String? = nil, mode: Mode = .startTLS, hangsUp: Bool = false
    ) async throws -> String {
        let file = try user.file("submitted-\(UUID().uuidString)", mail.replacing("\n", with: "\r\n"))
        let run = try user.start(
            [],
            command: [
                "/usr/bin/env", "python3", "-c", Self.script, mode.rawValue,
                String(mode == .implicit ? portTLS : port), certificate, password ?? self.password, from,
                to.joined(separator: ","), file, hangsUp ? "hang" : "",
            ])
        let end = try await run.end()
        #expect(end.code == 0, "\(end)")
        return end.output
    }

    enum Mode: String { case startTLS, implicit, clear, login }

    private static let script = """
        import smtplib, ssl, sys
        mode, port, ca, password, sender, to, path, hang = sys.argv[1:9]
        context = ssl.create_default_context(cafile=ca)
        if mode == "implicit":
            s = smtplib.SMTP_SSL("localhost", int(port), local_hostname="localhost", context=context, timeout=60)
        else:
            s = smtplib.SMTP("localhost", int(port), local_hostname="localhost", timeout=60)
            if mode != "clear": s.starttls(context=context)
        try:
            s.ehlo()
            if mode == "clear":
                print(sorted(s.esmtp_features))
            else:
                if mode == "login":
                    s.user, s.password = "nightjar", password
                    s.auth("LOGIN", s.auth_login)
                else:
                    s.login("nightjar", password)
            print(s.mail(sender, ["SIZE=%d" % len(open(path, "rb").read())]))
            for one in to.split(","): print(s.rcpt(one))
            if hang:
                import os
                s.docmd("DATA")
                s.send(open(path, "rb").read() + b".\\r\\n")
                os._exit(0)
            print(s.data(open(path, "rb").read()))
        except smtplib.SMTPResponseException as e:
            print("refused", e.smtp_code, e.smtp_error.decode())
        s.close()
        """
}
