import Foundation
import Glibc
import TestSupport
import Testing

/// Dovecot with nothing but LMTP, in a directory of its own; ends with the value.
final class DovecotPeer {
    private static let program = "/usr/sbin/dovecot"
    static let isAvailable =
        FileManager.default.isExecutableFile(atPath: program)
        && FileManager.default.fileExists(atPath: "/usr/lib/dovecot/lmtp") && getuid() == 0
    static let missing: Comment = "this test needs dovecot and root: apt-get install dovecot-core dovecot-lmtpd"

    private let directory: TemporaryDirectory
    private let process: ChildProcess
    var socket: String { directory.file("run/lmtp") }

    init(users: [String]) async throws {
        let directory = try TemporaryDirectory("dovecot")
        self.directory = directory
        chmod(directory.path, 0o755)
        let passwords = users.map { "\($0)@exit.example:{PLAIN}x:65534:65534::\(directory.path)/home/\($0)::\n" }
        try Data(passwords.joined().utf8).write(to: URL(fileURLWithPath: directory.file("users")))
        chmod(directory.file("users"), 0o644)
        for name in ["home"] + users.map({ "home/\($0)" }) {
            try FileManager.default.createDirectory(atPath: directory.file(name), withIntermediateDirectories: true)
            chown(directory.file(name), 65534, 65534)
        }
        let text = """
            base_dir = \(directory.path)/run
            state_dir = \(directory.path)/state
            log_path = \(directory.path)/log
            protocols = lmtp
            ssl = no
            first_valid_uid = 1
            mail_location = maildir:~/Maildir
            default_internal_user = nobody
            default_internal_group = nogroup
            default_login_user = nobody
            passdb {
              driver = passwd-file
              args = \(directory.path)/users
            }
            userdb {
              driver = passwd-file
              args = \(directory.path)/users
            }
            service lmtp {
              unix_listener lmtp {
                mode = 0666
              }
            }
            """
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: directory.file("dovecot.conf")))
        process = try ChildProcess(Self.program, ["-F", "-c", directory.file("dovecot.conf")], discardsErrors: true)
        let deadline = ContinuousClock.now + .seconds(20)
        while !FileManager.default.fileExists(atPath: socket) {
            guard ContinuousClock.now < deadline else {
                let log = (try? String(contentsOfFile: directory.file("log"), encoding: .utf8)) ?? "no log"
                throw ChildProcess.Failure(description: "dovecot did not start: \(log)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The mails in a user's Maildir.
    func mails(of user: String) throws -> [String] {
        let folder = directory.file("home/\(user)/Maildir/new")
        return try FileManager.default.contentsOfDirectory(atPath: folder).map {
            try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
        }
    }
}
