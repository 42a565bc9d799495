// A Postfix of the test's own: its configuration, queue and data in a temporary directory, one loopback port, delivery of
// everything for outside.example into one Maildir.

import Foundation
import Glibc
import TestSupport

final class Postfix: Sendable {
    let port: Int
    private let directory: TemporaryDirectory
    private let program: Program

    static let isAvailable = FileManager.default.isExecutableFile(atPath: "/usr/sbin/postfix")
        || ProcessInfo.processInfo.environment["CI"] != nil

    /// Keeps Postfix until its standard input has a line or ends, as it does when this process is killed. The master
    /// leaves the process group of whoever starts it, so that its own id is what ends it; its children follow it.
    private static let keeper = """
        /usr/sbin/postfix -c "$1/etc" start || exit
        master=$(($(cat "$1/queue/pid/master.pid")))
        read -r line
        kill -TERM "$master"
        while kill -0 "$master" 2>/dev/null && ! grep -qs ') Z' "/proc/$master/stat"; do sleep 0.05; done
        """

    /// Needs root, as Postfix does.
    /// - Parameter lines: more for main.cf.
    init(lines: String = "") async throws {
        port = try LoopbackSocket.freePort()
        let directory = try TemporaryDirectory("nightjar-postfix")
        self.directory = directory
        // Postfix's own users must get through to their directories.
        chmod(directory.path, 0o755)
        for name in ["etc", "queue", "data", "mail"] {
            try FileManager.default.createDirectory(atPath: directory.file(name), withIntermediateDirectories: true)
        }
        guard let user = getpwnam("postfix")?.pointee else { throw Program.Failure(description: "there is no user postfix") }
        chown(directory.file("data"), user.pw_uid, user.pw_gid)
        chown(directory.file("mail"), 65_534, 65_534)
        let main = """
            compatibility_level = 3.6
            queue_directory = \(directory.file("queue"))
            data_directory = \(directory.file("data"))
            maillog_file = \(directory.path)/log
            maillog_file_prefixes = \(directory.path)
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            myhostname = outside.example
            mydestination =
            mynetworks = 127.0.0.0/8
            smtpd_relay_restrictions = permit_mynetworks, reject
            virtual_mailbox_domains = outside.example
            virtual_mailbox_base = \(directory.path)
            virtual_mailbox_maps = static:mail/
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            virtual_minimum_uid = 100
            virtual_mailbox_limit = 0
            message_size_limit = 20000000
            alias_maps =
            alias_database =
            local_recipient_maps =
            smtpd_tls_security_level = none
            \(lines.split(separator: "\n").joined(separator: "\n"))

            """
        let master = """
            127.0.0.1:\(port) inet n - n - - smtpd
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            flush unix n - n 1000? 0 flush
            proxymap unix - - n - - proxymap
            error unix - - n - - error
            retry unix - - n - - error
            discard unix - - n - - discard
            virtual unix - n n - - virtual
            lmtp unix - - n - - lmtp
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            tlsmgr unix - - n 1000? 1 tlsmgr
            postlog unix-dgram n - n - 1 postlogd

            """
        try Data(main.utf8).write(to: URL(fileURLWithPath: directory.file("etc/main.cf")))
        try Data(master.utf8).write(to: URL(fileURLWithPath: directory.file("etc/master.cf")))
        program = try Program("/bin/sh", ["-c", Self.keeper, "keeper", directory.path])
        try await eventually("Postfix listens; \(program.errors)", seconds: 30) {
            if program.poll() != nil { throw Program.Failure(description: "Postfix has ended: \(program.errors) \(log)") }
            return (try? LoopbackSocket(port: port)) != nil
        }
    }

    /// The lines for an exit's reply gateway as etc/ has them for its operator, with another domain and port.
    static func gatewayLines(domain: String, port: Int) throws -> String {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../etc/postfix/main.cf.gateway").path
        let sample = try String(contentsOfFile: path, encoding: .utf8)
        guard sample.contains("reply.alpha.example.org"), sample.contains("127.0.0.1:48024") else {
            throw Program.Failure(description: "main.cf.gateway has other names than its test")
        }
        return sample.replacing("reply.alpha.example.org", with: domain).replacing("127.0.0.1:48024", with: "127.0.0.1:\(port)")
    }

    /// Ends all its processes.
    func stop() async throws {
        program.write("stop\n")
        _ = try await program.end(seconds: 20)
    }

    deinit {
        // A failed test has not stopped it.
        program.write("stop\n")
        for _ in 0..<500 where program.poll() == nil { usleep(20_000) }
    }

    var log: String { FileManager.default.contents(atPath: "\(directory.path)/log").map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// The mails that it delivered.
    var mails: [Data] {
        let path = directory.file("mail/new")
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
            .compactMap { FileManager.default.contents(atPath: "\(path)/\($0)") }
    }
}
