// A user who has the gateway and a Dovecot of his own: the one of etc/dovecot/nightjar.conf, with other paths and ports. Both
// run without rights; as root the test gives them to nobody.

import Foundation
import Glibc
import TestSupport
import WireFormat

final class ImapGateway: Sendable {
    static let isAvailable =
        FileManager.default.isExecutableFile(atPath: "/usr/sbin/dovecot")
        || ProcessInfo.processInfo.environment["CI"] != nil

    let directory: TemporaryDirectory
    let environment: [String: String]
    let imap, imaps, submission: Int

    var home: String { directory.file(".local/share/nightjar") }
    private var client: String { directory.file("nightjar") }
    private var configuration: String { directory.file("dovecot.conf") }

    /// Makes the directories; whoever `prepare` needs then belongs to the user.
    init(_ lab: RunningLab, prepare: (ImapGateway) async throws -> Void) async throws {
        directory = try TemporaryDirectory("nightjar-imap")
        imap = try LoopbackSocket.freePort()
        imaps = try LoopbackSocket.freePort()
        submission = try LoopbackSocket.freePort()
        environment = [
            "NIGHTJAR_HOME": directory.file(".local/share/nightjar"), "NIGHTJAR_TIME_SCALE": "\(lab.timeScale)",
            "NIGHTJAR_TIME_ORIGIN": "\(lab.timeOrigin.milliseconds)",
        ]
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        chmod(home, 0o700)
        let settings = """
            [run]
            send-interval = "5s"
            outbox-interval = "10s"
            poll-interval = "1m"
            [gateway]
            listen = ["127.0.0.1:\(submission)"]

            """
        try write(settings, to: "\(home)/client.toml")
        try await prepare(self)
        // Nobody may not be allowed into the place where it was built.
        try FileManager.default.copyItem(atPath: "\(Program.built)/nightjar", toPath: client)
        let sample = try String(
            contentsOfFile: Self.repository.appendingPathComponent("etc/dovecot/nightjar.conf").path, encoding: .utf8)
        try write(
            sample.replacing("/home/USER", with: directory.path).replacing("USER", with: user.name)
                .replacing("GROUP", with: user.group).replacing("10143", with: "\(imap)")
                .replacing("10993", with: "\(imaps)"),
            to: configuration)
        if geteuid() == 0 {
            let given = try await Program.run("/bin/chown", ["-R", "nobody:nogroup", directory.path])
            guard given.code == 0 else { throw Program.Failure(description: given.errors) }
        }
    }

    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o600)
    }

    private var user: (name: String, group: String) {
        geteuid() == 0 ? ("nobody", "nogroup") : (NSUserName(), String(cString: getgrgid(getegid()).pointee.gr_name))
    }

    /// Runs a program of the user's to its end, before the directory is given away.
    func command(_ arguments: String...) async throws -> String { try await command(arguments) }
    func command(_ arguments: [String]) async throws -> String {
        let program = try Program("\(Program.built)/nightjar", arguments, environment: environment)
        let code = try await program.end(seconds: 120)
        guard code == 0 else { throw Program.Failure(description: "\(arguments): code \(code), \(program.errors)") }
        return program.output
    }

    /// Starts a program as the user.
    func start(_ path: String, _ arguments: [String]) throws -> Program {
        guard geteuid() == 0 else { return try Program(path, arguments, environment: environment) }
        return try Program(
            "/usr/bin/setpriv", ["--reuid=nobody", "--regid=nogroup", "--clear-groups", path] + arguments,
            environment: environment)
    }

    func startGateway() async throws -> Program {
        let program = try start(client, ["gateway"])
        try await eventually("the gateway is there: \(program.errors)", seconds: 120) {
            guard program.poll() == nil else { throw Program.Failure(description: program.errors) }
            return program.errors.contains("started")
        }
        return program
    }

    func startDovecot() async throws -> Program {
        let program = try start("/usr/sbin/dovecot", ["-F", "-c", configuration])
        try await eventually("Dovecot listens", seconds: 60) {
            guard program.poll() == nil else { throw Program.Failure(description: "\(program.errors)\(dovecotLog)") }
            return (try? LoopbackSocket.connects(to: imaps)) ?? false
        }
        return program
    }

    var dovecotLog: String {
        (try? String(contentsOfFile: "\(home)/gateway/dovecot.log", encoding: .utf8)) ?? ""
    }

    /// Runs Python with the certificate, ports and more as `argv`.
    func python(_ script: String, _ arguments: String...) async throws -> String {
        let run = try await Program.run(
            "/usr/bin/env",
            ["python3", "-c", script, "\(home)/gateway/certificate.pem", "\(submission)", "\(imap)", "\(imaps)"]
                + arguments, seconds: 120)
        guard run.code == 0 else { throw Program.Failure(description: run.errors) }
        return run.output
    }
}

extension LoopbackSocket {
    /// Whether somebody listens on `port` of this machine.
    static func connects(to port: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
