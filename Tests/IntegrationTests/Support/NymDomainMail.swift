// Real mail around a nym domain: Postfix and OpenDKIM as etc/ has them for its operator, and a mail server that stands for
// the rest of the world.

import Foundation
import TestSupport

/// The distribution's Python, with its packages.
enum Python {
    static let path = "/usr/bin/python3"
    /// A script in contrib/lib.
    static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../contrib/lib/\(name)").standardizedFileURL.path
    }

    /// Runs a script to its end.
    static func run(_ name: String, _ arguments: [String], seconds: Double = 60) async throws -> (
        code: Int32, output: String, errors: String
    ) {
        try await Program.run(path, [script(name)] + arguments, seconds: seconds)
    }
}

/// The mail server of outside.example: takes everything besides mail for nobody, and keeps it as it came.
final class OutsideMail: Sendable {
    /// A mail that arrived.
    struct Mail: Sendable {
        /// File with the bytes of DATA.
        let path: String
        let content: String
        /// Of the envelope; `<>` for the null sender.
        let sender: String
        let recipients: [String]
        var subject: String { ArrivedMail(Data(content.utf8)).subject }
    }

    let port: Int
    private let directory: TemporaryDirectory
    private let program: Program

    init() async throws {
        port = try LoopbackSocket.freePort()
        let directory = try TemporaryDirectory("nightjar-outside")
        self.directory = directory
        let program = try Program(
            Python.path, [Python.script("outside.py"), "127.0.0.1", String(port), directory.path])
        self.program = program
        try await eventually("the outside listens; \(program.errors)", seconds: 30) {
            FileManager.default.fileExists(atPath: directory.file("ready"))
        }
    }

    /// What arrived, in order.
    var mails: [Mail] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()
            .filter { $0.hasSuffix(".mail") }
            .compactMap { name in
                let path = directory.file(name)
                guard let content = FileManager.default.contents(atPath: path),
                    let envelope = FileManager.default.contents(atPath: path.dropLast(5) + ".envelope")
                else { return nil }
                let lines = String(decoding: envelope, as: UTF8.self).split(separator: "\n").map(String.init)
                return Mail(
                    path: path, content: String(decoding: content, as: UTF8.self), sender: lines.first ?? "",
                    recipients: Array(lines.dropFirst()))
            }
    }

    /// Waits for a mail with this subject.
    func mail(_ subject: String, seconds: Double = 60, log: @autoclosure () -> String = "") async throws -> Mail {
        var found: Mail?
        do {
            try await eventually("a mail \(subject) outside", seconds: seconds, every: .milliseconds(100)) {
                found = mails.first { $0.subject == subject }
                return found != nil
            }
        } catch { throw TimedOut(description: "\(error); \(log())") }
        guard let found else { throw TimedOut(description: "no mail \(subject)") }
        return found
    }
}

/// Postfix and OpenDKIM of nym.example.
final class NymDomainMail: Sendable {
    /// Of mail from the world, and of what the nymserver hands over.
    let port, submissionPort: Int
    let outside: OutsideMail
    /// Where the nymserver's sockets are to be.
    var sockets: String { directory.file("run") }
    private let directory: TemporaryDirectory
    private let program: Program

    static let isAvailable =
        ["/usr/sbin/postfix", "/usr/sbin/opendkim"].allSatisfy(FileManager.default.isExecutableFile)
        && FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/dkim")
        || ProcessInfo.processInfo.environment["CI"] != nil
    static let needs =
        "these tests need real mail: apt-get install postfix opendkim opendkim-tools python3-dkim python3-aiosmtpd"

    init() async throws {
        outside = try await OutsideMail()
        port = try LoopbackSocket.freePort()
        submissionPort = try LoopbackSocket.freePort()
        let directory = try TemporaryDirectory("nightjar-nym-mail")
        self.directory = directory
        // Postfix's own users must get through.
        for path in [directory.path, directory.file("run")] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let program = try Program(
            Python.path,
            [
                Python.script("nym_domain.py"), directory.file("mail"), "--mx", String(port), "--submission",
                String(submissionPort),
                "--lmtp", directory.file("run/lmtp"), "--policy", directory.file("run/policy"), "--outside",
                String(outside.port),
            ])
        self.program = program
        try await eventually("Postfix and OpenDKIM listen", seconds: 60) {
            if program.poll() != nil { throw Program.Failure(description: "they have ended: \(program.errors) \(log)") }
            return FileManager.default.fileExists(atPath: directory.file("mail/ready"))
        }
    }

    deinit {
        program.write("stop\n")
        for _ in 0..<1000 where program.poll() == nil { usleep(20_000) }
    }

    /// The record for DNS of the key that signs.
    var dkimRecord: String { directory.file("mail/keys/n1.txt") }

    var log: String {
        FileManager.default.contents(atPath: directory.file("mail/log")).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }

    /// Mails that Postfix still holds.
    var held: Int {
        // Names of mails are longer than those of the directories that they are spread over.
        ["active", "deferred", "incoming", "maildrop"].reduce(0) { sum, queue in
            let files = FileManager.default.enumerator(atPath: directory.file("mail/queue/\(queue)"))
            return sum + (files?.allObjects.compactMap { $0 as? String }.filter { $0.count > 5 }.count ?? 0)
        }
    }

    /// Whether the mail is signed as the nym's domain would have it: nil, or what is wrong.
    func signatureFault(_ mail: OutsideMail.Mail) async throws -> String? {
        let check = try await Python.run("dkim_check.py", [mail.path, dkimRecord, "nym.example"])
        return check.code == 0 ? nil : check.errors
    }

    /// What swaks, a client of SMTP, says: exit code, and the dialogue.
    func swaks(
        from sender: String, to recipients: [String], subject: String, body: String = "hello", more: [String] = []
    ) async throws -> (code: Int32, output: String) {
        // An argument has at most 128 KiB.
        let file = try TemporaryDirectory("nightjar-body")
        try Data(body.utf8).write(to: URL(fileURLWithPath: file.file("body")))
        let run = try await Program.run(
            "/usr/bin/swaks",
            [
                "--server", "127.0.0.1:\(port)", "--helo", "mail.outside.example", "--from", sender, "--to",
                recipients.joined(separator: ","),
                "--header", "Subject: \(subject)", "--body", "@" + file.file("body"),
            ] + more)
        return (run.code, run.output + run.errors)
    }
}
