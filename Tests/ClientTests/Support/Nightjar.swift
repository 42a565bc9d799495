// The built program, run as a person runs it: arguments and input in, output, messages and exit code out.

import Dispatch
import Foundation
import Glibc
import TestSupport

/// What a run of the program showed.
struct Transcript: Equatable, CustomStringConvertible {
    var output = ""
    var messages = ""
    var code: Int32 = 0

    var description: String { "exit code \(code)\n--- output\n\(output)--- messages\n\(messages)---" }

    /// What a run shows that does nothing but fail.
    static func failure(_ code: Int32, _ messages: String) -> Transcript {
        Transcript(messages: messages + "\n", code: code)
    }
}

/// A user of the program with a home of his own.
final class User: Sendable {
    struct Failure: Error { let text: String }

    let directory: TemporaryDirectory
    var home: String { directory.file("home") }

    init() throws { directory = try TemporaryDirectory("nightjar-client") }

    /// The path of a new file with `text`.
    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

    func file(_ name: String, _ bytes: [UInt8], mode: Int = 0o600) throws -> String {
        let path = directory.file(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    /// Writes `client.toml`.
    func configure(_ text: String) throws {
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        _ = try file("home/client.toml", text)
    }

    /// Runs `nightjar`. In what it says the user's directory is called DIR.
    /// - Parameter fileSizeLimit: most bytes of any file that it writes; a disk that is full to it.
    func run(
        _ arguments: String..., input: String = "", environment: [String: String] = [:], fileSizeLimit: Int? = nil
    ) async throws -> Transcript {
        try await run(arguments, input: Array(input.utf8), environment: environment, fileSizeLimit: fileSizeLimit)
    }

    func run(
        _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], fileSizeLimit: Int? = nil
    ) async throws -> Transcript {
        try await start(arguments, input: input, environment: environment, fileSizeLimit: fileSizeLimit).end()
    }

    /// Runs a line of shell in the user's directory, where `nightjar` is the built program.
    func shell(_ line: String, environment: [String: String] = [:]) async throws -> Transcript {
        let programs = URL(fileURLWithPath: Self.program).deletingLastPathComponent().path
        let setting = "cd \"$0\" && PATH=\"$1:$PATH\" && export PATH && eval \"$2\""
        return try await start(
            [], environment: environment,
            command: ["/bin/sh", "-c", setting, directory.path, programs, line]
        ).end()
    }

    /// Starts `nightjar`, or another command, and returns while it runs.
    func start(
        _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], fileSizeLimit: Int? = nil,
        command: [String]? = nil
    ) throws -> Run {
        let number = UUID().uuidString
        let (stdin, stdout, stderr) = ("in-\(number)", "out-\(number)", "err-\(number)")
        _ = try file(stdin, input)
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("NIGHTJAR_") }
        variables["NIGHTJAR_HOME"] = home
        variables.merge(environment) { _, new in new }
        var command = command ?? [Self.program] + arguments
        if let fileSizeLimit {
            // The shell counts in blocks of 512 bytes.
            command = ["/bin/sh", "-c", "ulimit -f \(fileSizeLimit / 512); exec \"$0\" \"$@\""] + command
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, directory.file(stdin), O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, directory.file(stdout), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, directory.file(stderr), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let argv = command.map { strdup($0) }
        let envp = variables.map { strdup("\($0.key)=\($0.value)") }
        defer { for string in argv + envp { free(string) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, command[0], &actions, nil, argv + [nil], envp + [nil])
        guard code == 0 else { throw Failure(text: "cannot run \(command[0]): \(String(cString: strerror(code)))") }
        return Run(pid: pid, user: self, output: stdout, messages: stderr)
    }

    /// A program that runs.
    struct Run {
        let pid: pid_t
        let user: User
        let output, messages: String

        /// Waits until it has ended.
        func end() async throws -> Transcript {
            let pid = pid
            let status: Int32 = await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    var status: Int32 = 0
                    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
                    continuation.resume(returning: status)
                }
            }
            return Transcript(
                output: text(output), messages: text(messages),
                code: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F)
        }

        /// What it has said so far.
        var said: String { text(messages) }

        private func text(_ name: String) -> String {
            let bytes = FileManager.default.contents(atPath: user.directory.file(name)) ?? Data()
            return String(decoding: bytes, as: UTF8.self).replacing(user.directory.path, with: "DIR")
        }
    }

    /// Built beside the tests.
    private static let program: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("nightjar").path
    }()
}

/// Waits for what another process does.
func eventually(seconds: Double = 60, _ isTrue: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !isTrue() {
        guard ContinuousClock.now < deadline else { throw User.Failure(text: "waited in vain") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
