// How programs end, and what they say when they end badly.

/// Exit codes of every program.
public enum ExitCode: Int32, CaseIterable, Hashable, Sendable {
    /// Done as asked.
    case done = 0
    /// Failed; trying again will not help.
    case failed = 1
    /// The command line or the configuration is wrong.
    case usage = 2
    /// Failed for now; try again later.
    case temporary = 3
    /// A rule forbids it.
    case refused = 4
}

/// An error for people: what is wrong and what to do, in lower case, and how the program should end.
public struct CommandFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// One or more lines without the last line's end. Never holds secrets.
    public var message: String
    public var code: ExitCode

    public init(_ message: String, code: ExitCode = .failed) {
        self.message = message
        self.code = code
    }

    public var description: String { message }
}

/// An error that knows how a program which meets it should end.
public protocol ExitCodeProviding: Error {
    var exitCode: ExitCode { get }
}

extension CommandFailure: ExitCodeProviding {
    public var exitCode: ExitCode { code }

    /// Any error in the form that `main` needs.
    public init(wrapping error: any Error) {
        if let failure = error as? CommandFailure {
            self = failure
        } else if let providing = error as? any ExitCodeProviding {
            self.init("\(error)", code: providing.exitCode)
        } else {
            self.init("\(error)", code: .failed)
        }
    }
}
