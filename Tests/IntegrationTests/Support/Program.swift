// A program run by a test, with its output in files and its standard input open. Foundation's Process waits in run loops,
// which hang when many tests wait at once.

import Foundation
import Glibc
import Synchronization
import TestSupport

/// A running program; killed with the value.
final class Program: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let pid: pid_t
    private let input: Int32
    private let directory: TemporaryDirectory
    private let status = Mutex<Int32?>(nil)
    /// Held from the making of a pipe until it is marked, so that no other child keeps this one's input open.
    private static let starting = Mutex(())

    init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        directory = try TemporaryDirectory("nightjar-program")
        let (out, err) = (directory.file("out"), directory.file("err"))
        (pid, input) = try Self.starting.withLock { _ in
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw Failure(description: "no pipe") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            defer { close(ends[0]) }
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
            posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            // Threads of tests block signals, and a Dovecot keeps the mask that it was started with: it would hear no SIGTERM.
            var attributes = posix_spawnattr_t()
            posix_spawnattr_init(&attributes)
            defer { posix_spawnattr_destroy(&attributes) }
            var none = sigset_t()
            sigemptyset(&none)
            posix_spawnattr_setsigmask(&attributes, &none)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
            let merged = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
            let argv = ([path] + arguments).map { strdup($0) }
            let envp = merged.map { strdup("\($0.key)=\($0.value)") }
            defer { for string in argv + envp { free(string) } }
            var child: pid_t = 0
            let code = posix_spawn(&child, path, &actions, &attributes, argv + [nil], envp + [nil])
            guard code == 0 else { throw Failure(description: "cannot run \(path): \(String(cString: strerror(code)))") }
            return (child, ends[1])
        }
    }

    deinit {
        if poll() == nil {
            Glibc.kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        close(input)
    }

    var output: String { text("out") }
    var errors: String { text("err") }

    private func text(_ name: String) -> String {
        FileManager.default.contents(atPath: directory.file(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The exit code, or 128 and the signal that ended it; nil while it runs.
    func poll() -> Int32? {
        status.withLock { status in
            if let status { return status }
            var value: Int32 = 0
            guard waitpid(pid, &value, WNOHANG) == pid else { return nil }
            status = value & 0x7F == 0 ? (value >> 8) & 0xFF : 128 + value & 0x7F
            return status
        }
    }

    func signal(_ number: Int32) { Glibc.kill(pid, number) }

    /// Writes to its standard input, if it still runs.
    func write(_ text: String) {
        guard poll() == nil else { return }
        _ = text.withCString { Glibc.write(input, $0, strlen($0)) }
    }

    /// Waits for its end; the exit code.
    func end(seconds: Double = 60) async throws -> Int32 {
        try await eventually("the end of process \(pid)", seconds: seconds) { poll() != nil }
        return poll() ?? -1
    }

    /// Runs a program to its end.
    static func run(
        _ path: String, _ arguments: [String], seconds: Double = 60
    ) async throws -> (code: Int32, output: String, errors: String) {
        let program = try Program(path, arguments)
        let code = try await program.end(seconds: seconds)
        return (code, program.output, program.errors)
    }

    /// The directory of this bundle and of the programs built with it.
    static let built: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()
    static let node = "\(built)/nightjar-node"
    static let lab = "\(built)/nightjar-lab"
}
