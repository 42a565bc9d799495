// `nightjar keyring` and `nightjar key` as people run them: real files, real Argon2id, processes at once, a terminal.

import Daemon
import Foundation
import Glibc
import MixCrypto
import TestSupport
import Testing
import WireFormat

@testable import ClientProgram

@Suite(.serialized, .timeLimit(.minutes(5))) struct KeyringCommandTests {
    private func key(_ user: User, _ name: String) async throws -> String {
        let run = try await user.run("key", "new", name)
        try #require(run.code == 0, "\(run)")
        return String(run.output.dropLast())
    }

    @Test func aPassphraseIsSetUsedAndRemoved() async throws {
        let user = try User()
        let fingerprint = try await key(user, "me")
        var run = try await user.run(
            "keyring", "passphrase", "--new-passphrase-fd", "0", input: "correct horse\n")
        #expect(run.code == 0 && run.output.isEmpty && run.messages.contains("now has a passphrase"), "\(run)")

        #expect(
            try await user.run("key", "list")
                == .failure(
                    1,
                    "the keyring DIR/home/keyring has a passphrase and there is no terminal to ask for it; give it with "
                        + "--passphrase-fd N"))
        #expect(
            try await user.run("key", "list", "--passphrase-fd", "0", input: "wrong\n")
                == .failure(
                    1,
                    "the passphrase does not open the keyring DIR/home/keyring: it is wrong, or somebody has changed the file; "
                        + "try again, or put the file back from a backup"))
        run = try await user.run("key", "list", "--passphrase-fd", "0", input: "correct horse\n")
        #expect(run.code == 0 && run.output.contains(fingerprint), "\(run)")
        #expect(
            try await user.run("key", "list", "--passphrase-fd", "99")
                == .failure(
                    2, "--passphrase-fd 99 is not an open descriptor; write for example: --passphrase-fd 3 3< FILE"))

        // Both from one descriptor, a line each.
        run = try await user.run(
            "keyring", "passphrase", "--passphrase-fd", "0", "--new-passphrase-fd", "0", input: "correct horse\nnew\n")
        #expect(run.code == 0 && run.messages.contains("is changed"), "\(run)")
        #expect(
            try await user.run(
                "keyring", "passphrase", "--passphrase-fd", "0", "--new-passphrase-fd", "0", input: "new\n\n"
            ).code == 2, "an empty one is not set by mistake")
        run = try await user.run("keyring", "passphrase", "--remove", "--passphrase-fd", "0", input: "new\n")
        #expect(run.code == 0, "\(run)")
        run = try await user.run("keyring", "show")
        #expect(run.code == 0 && run.output.contains(fingerprint) && run.output.contains("passphrase  no"), "\(run)")
    }

    @Test func aDamagedKeyringIsNotReplaced() async throws {
        let user = try User()
        _ = try await key(user, "me")
        let path = "\(user.home)/keyring"
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        var changed = whole
        changed[3000] ^= 1
        _ = try user.file("home/keyring", changed)
        let damaged = Transcript.failure(
            1,
            "the keyring DIR/home/keyring is damaged; put it back from a backup (without one its reply blocks, mailboxes and "
                + "keys are lost: move the file away to begin with a new one)")
        #expect(try await user.run("key", "list") == damaged)
        #expect(try await user.run("key", "new", "other") == damaged)
        #expect(Array(try Data(contentsOf: URL(fileURLWithPath: path))) == changed)
        _ = try user.file("home/keyring", "something else entirely\n")
        #expect(
            try await user.run("keyring", "show")
                == .failure(
                    1,
                    "DIR/home/keyring is not a keyring; move it away, or put the keyring back from a backup"))
        _ = try user.file("home/keyring", whole)
        #expect(try await user.run("key", "list").code == 0)
    }

    @Test func aFullDiskLeavesTheOldKeyring() async throws {
        let user = try User()
        let fingerprint = try await key(user, "me")
        let run = try await user.run(["key", "new", "other"], fileSizeLimit: 2048)
        #expect(run.code != 0 && run.messages.contains("cannot write"), "\(run)")
        let list = try await user.run("key", "list")
        #expect(list.code == 0 && list.output.contains(fingerprint) && !list.output.contains("other"), "\(list)")
    }

    @Test func manyProcessesLoseNothing() async throws {
        let user = try User()
        let names = (0..<12).map { "key-\($0)" }
        let runs = try names.map { try user.start(["key", "new", $0]) }
        for run in runs {
            let end = try await run.end()
            #expect(end.code == 0, "\(end)")
        }
        let keyring = try Keyring.open(path: "\(user.home)/keyring", directory: user.home, passphrase: .none)
        #expect(Set(try keyring.keys().map(\.name)) == Set(names))
        #expect(try FileManager.default.contentsOfDirectory(atPath: user.home).sorted() == ["keyring", "keyring.lock"])
    }

    @Test func theMaskOfTheShellDoesNotMatter() async throws {
        let user = try User()
        let run = try await user.shell(
            "umask 000; nightjar key new me && nightjar contact add bob --address b@example.org")
        #expect(run.code == 0, "\(run)")
        let files = try #require(FileManager.default.enumerator(atPath: user.home))
        var seen: [String] = []
        for case let name as String in files {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(user.home)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
            seen.append(name)
        }
        #expect(seen.contains("keyring") && seen.contains("records.sqlite") && seen.contains("storage.key"))
        let home = try FileManager.default.attributesOfItem(atPath: user.home)
        #expect(home[.posixPermissions] as? Int == 0o700)
    }

    @Test func theTerminalIsAskedWithoutShowingWhatIsTyped() async throws {
        let user = try User()
        _ = try await key(user, "me")
        // New passphrases that differ, then the same twice.
        var session = try await Typing(user, ["keyring", "passphrase"], typing: ["secret\n", "secrte\n"])
        #expect(session.end.code == 1 && session.end.messages.contains("differ"), "\(session)")
        // The second letter of the first attempt is taken back, and a whole line thrown away.
        session = try await Typing(
            user, ["keyring", "passphrase"], typing: ["sx\u{7F}ecret\n", "wrong\u{15}secret\n"])
        #expect(session.end.code == 0, "\(session)")
        #expect(!session.shown.contains("secret") && !session.shown.contains("ecret"), "\(session)")
        #expect(session.shown.contains("new passphrase of the keyring: "), "\(session)")
        // Asked again after a wrong one, three times in all.
        session = try await Typing(user, ["key", "list"], typing: ["no\n", "secret\n"])
        #expect(session.end.code == 0 && session.end.output.contains("me"), "\(session)")
        #expect(session.shown.contains("that is not it"), "\(session)")
        session = try await Typing(user, ["key", "list"], typing: ["a\n", "b\n", "c\n"])
        #expect(session.end.code == 1 && session.end.messages.contains("it is wrong"), "\(session)")
        session = try await Typing(user, ["key", "list"], typing: ["\u{03}"])
        #expect(session.end.code == 1 && session.end.messages.contains("interrupted"), "\(session)")
    }
}

/// A run of the program with a terminal of its own, and somebody who answers each question.
private struct Typing: CustomStringConvertible {
    /// What the terminal showed.
    private(set) var shown = ""
    private(set) var end = Transcript()
    var description: String { "shown: \(shown)\n\(end)" }

    init(_ user: User, _ arguments: [String], typing answers: [String]) async throws {
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (unlocked, number): (Int32, UInt32) = (0, 0)
        // TIOCSPTLCK and TIOCGPTN: unlockpt and ptsname, which Swift does not see.
        guard master >= 0, ioctl(master, 0x4004_5431, &unlocked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw User.Failure(text: "no terminal")
        }
        defer { close(master) }
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
        // setsid makes the shell's standard input its terminal; results and messages go elsewhere.
        let line = "exec nightjar \(arguments.joined(separator: " "))"
        let run = try user.start(
            [],
            command: [
                "/usr/bin/setsid", "--wait", "/bin/sh", "-c",
                "exec 0<>\"$0\"; PATH=\"$1:$PATH\"; \(line)", "/dev/pts/\(number)", Self.programs,
            ])
        for answer in answers {
            let before = shown.components(separatedBy: ": ").count
            try await eventually(seconds: 30) {
                read(master)
                return shown.components(separatedBy: ": ").count > before
            }
            let bytes = Array(answer.utf8)
            guard write(master, bytes, bytes.count) == bytes.count else { throw User.Failure(text: "cannot type") }
        }
        end = try await run.end()
        read(master)
    }

    /// Where the built programs are: beside the tests.
    private static var programs: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }

    private mutating func read(_ master: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(master, &buffer, buffer.count)
            guard count > 0 else { return }
            shown += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}
