// Real processes, started in sessions of their own so that they outlive the command that starts them, and found again by
// the pid files in the lab's directory.

internal import Foundation
private import Glibc

/// A started program.
struct LabProcess: Codable, Sendable {
    let name: String
    let pid: Int32
}

enum ProcessTable {
    /// Starts `executable` in a new session with standard input closed and output appended to `log`.
    static func start(
        _ name: String, executable: String, arguments: [String], log: String, environment: [String: String] = [:]
    ) throws -> LabProcess {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSID_FLAG))
        var merged = ProcessInfo.processInfo.environment
        merged.merge(environment) { _, new in new }
        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw LabError("cannot start \(executable): \(String(cString: strerror(code)))") }
        return LabProcess(name: name, pid: pid)
    }

    /// Whether the process is there and not a zombie. One that was killed counts until its last thread is gone: until then
    /// it holds its locks and ports.
    static func isAlive(_ pid: Int32) -> Bool {
        guard kill(pid, 0) == 0 else { return false }
        guard
            let status = FileManager.default.contents(atPath: "/proc/\(pid)/stat").map({
                String(decoding: $0, as: UTF8.self)
            }),
            let end = status.lastIndex(of: ")")
        else { return false }
        guard status[end...].hasPrefix(") Z") else { return true }
        // The first thread may be a zombie while others still end.
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []).count > 1
    }

    /// Sends `signal`; false if there is no such process.
    @discardableResult
    static func signal(_ pid: Int32, _ signal: Int32) -> Bool { kill(pid, signal) == 0 }

    /// Collects an ended child, so that it is no zombie; nothing happens for a process that is no child of this one.
    static func reap(_ pid: Int32) { _ = waitpid(pid, nil, WNOHANG) }

    private static let POSIX_SPAWN_SETSID_FLAG = 0x80
}

/// What went wrong in the lab, in words.
public struct LabError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) { self.description = description }
}
