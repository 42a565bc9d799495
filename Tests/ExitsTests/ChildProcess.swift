// A program run by a test. Foundation's Process waits in run loops, which hang when many tests wait at once.

import Glibc
import Synchronization

/// A running program, with its standard input open and its standard output to be read; killed with the value.
final class ChildProcess {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let id: pid_t
    private let input: Int32
    private let output: Int32
    private var status: Int32?

    init(_ program: String, _ arguments: [String], discardsErrors: Bool = false) throws {
        let started = try Self.starting.withLock { _ in
            try Self.start(program, arguments, discardsErrors: discardsErrors)
        }
        (id, input, output) = started
    }

    /// Held from the making of pipes until they are marked, so that no other child keeps this one's input open.
    private static let starting = Mutex(())

    private static func start(
        _ program: String, _ arguments: [String], discardsErrors: Bool
    ) throws -> (id: pid_t, input: Int32, output: Int32) {
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw Failure(description: "no pipe") }
        for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        defer {
            close(toChild[0])
            close(fromChild[1])
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        if discardsErrors { posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) }
        let strings = ([program] + arguments).map { strdup($0) }
        defer { for string in strings { free(string) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, program, &actions, nil, strings + [nil], environ)
        guard code == 0 else { throw Failure(description: "cannot run \(program): \(String(cString: strerror(code)))") }
        return (child, toChild[1], fromChild[0])
    }

    deinit {
        if status == nil {
            kill(id, SIGKILL)
            waitpid(id, nil, 0)
        }
        close(input)
        close(output)
    }

    /// The next line of its output, without the end; fails when it ends before.
    func line() throws -> String {
        var line: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            guard read(output, &byte, 1) == 1 else {
                throw Failure(description: "the program ended before it said what was awaited")
            }
            if byte == 0x0A { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
    }

    /// Waits for its end; whether it was with success.
    func succeeds() -> Bool {
        var value: Int32 = 0
        guard waitpid(id, &value, 0) == id else { return false }
        status = value
        return value == 0
    }
}
