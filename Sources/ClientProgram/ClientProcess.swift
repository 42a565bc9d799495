// What concerns the process and not the client in it.

public import Daemon
private import Glibc

/// The outermost frame of a run.
public enum ClientProcess {
    /// Prepares the process: a closed pipe or a file size limit ends in an error message, not in a signal; no core dumps.
    public static func prepare() throws {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        umask(0o077)
        try Hardening.apply()
    }

    /// The process's environment.
    public static var environment: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return result
    }

    /// Any error of the client's in words for people, with its exit code.
    public static func failure(_ error: any Error) -> CommandFailure { CommandFailure(client: error) }
}
