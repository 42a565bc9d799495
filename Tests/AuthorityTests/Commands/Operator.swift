// Somebody who runs an authority: a directory of their own, and the real program.

import Foundation
import TestSupport

/// What a command answered. In its texts the operator's directory is called DIR.
struct Answer: Equatable {
    var output = ""
    var messages = ""
    var code: Int32 = 0
}

/// Runs `nightjar-authority` in a directory of its own.
final class Operator: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let text: String
        var description: String { text }
    }

    let directory: TemporaryDirectory

    init(_ name: String = "authority") throws { directory = try TemporaryDirectory(name) }

    /// The path of a file in the directory.
    func path(_ name: String) -> String { directory.file(name) }

    @discardableResult
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = path(name)
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
            throw Failure(text: "cannot write \(path)")
        }
        return path
    }

    @discardableResult
    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

    func bytes(_ name: String) -> [UInt8] { Array(FileManager.default.contents(atPath: path(name)) ?? Data()) }
    func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

    /// Runs a line of shell, where `nightjar-authority` is the built program.
    @discardableResult
    func shell(_ line: String) async throws -> Answer {
        let number = UUID().uuidString
        let (output, errors) = (path(".out-\(number)"), path(".err-\(number)"))
        defer { for path in [output, errors] { try? FileManager.default.removeItem(atPath: path) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let script = "cd \"$0\" && PATH=\"$1:$PATH\" && export PATH && eval \"$2\""
        let command = ["/bin/sh", "-c", script, directory.path, Self.programs, line]
        let argv = command.map { strdup($0) }
        let envp = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") }
        defer { for string in argv + envp { free(string) } }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A session of its own has no terminal that a question could go to. POSIX_SPAWN_SETSID is a macro behind others.
        posix_spawnattr_setflags(&attributes, 0x80)
        var pid: pid_t = 0
        let code = posix_spawn(&pid, command[0], &actions, &attributes, argv + [nil], envp + [nil])
        guard code == 0 else { throw Failure(text: "cannot run the shell: \(String(cString: strerror(code)))") }
        let child = pid
        let status: Int32 = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var status: Int32 = 0
                while waitpid(child, &status, 0) < 0, errno == EINTR {}
                continuation.resume(returning: status)
            }
        }
        func said(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
                .replacing(directory.path, with: "DIR")
        }
        return Answer(
            output: said(output), messages: said(errors),
            code: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F)
    }

    /// Runs `nightjar-authority` with these words, none of which has blanks or quotes.
    @discardableResult
    func run(_ words: String) async throws -> Answer { try await shell("nightjar-authority " + words) }

    /// As `run`, where anything but success is a failure of the test.
    @discardableResult
    func must(_ words: String) async throws -> Answer {
        let answer = try await run(words)
        guard answer.code == 0 else {
            throw Failure(text: "nightjar-authority \(words): exit \(answer.code): \(answer.messages)")
        }
        return answer
    }

    /// Built beside the tests.
    private static let programs: String = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()
}
