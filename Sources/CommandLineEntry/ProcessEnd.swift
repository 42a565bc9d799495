internal import Daemon
internal import Glibc

enum ProcessEnd {
    /// Ends the process with one of the project's exit codes.
    static func now(_ code: Daemon.ExitCode) -> Never { exit(code.rawValue) }
}
