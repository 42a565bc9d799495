// Standard output and standard error. The C library's streams are not safe to share between threads in Swift, so this
// writes to the descriptors.

internal import Glibc
internal import Synchronization

/// Where a program talks to people.
public final class Terminal: Sendable {
    /// The process's own.
    public static let standard = Terminal(output: STDOUT_FILENO, errors: STDERR_FILENO)

    private let output: Int32
    private let errors: Int32
    /// Whether a progress line stands on the terminal, without a line end.
    private let progressShown = Mutex(false)

    /// - Parameters: descriptors for results and for messages; they are not closed here.
    public init(output: Int32, errors: Int32) {
        self.output = output
        self.errors = errors
    }

    /// Whether messages go to a terminal, so that progress may be shown.
    public var showsProgress: Bool { isatty(errors) == 1 }
    /// Whether results go to a terminal.
    public var outputIsTerminal: Bool { isatty(output) == 1 }

    /// Prints a line of results. Throws if nobody can read them (disk full, pipe closed), as the exit code must say so.
    public func print(_ line: String) throws(CommandFailure) { try write(bytes: Array((line + "\n").utf8)) }

    /// Writes results as they are.
    public func write(bytes: [UInt8]) throws(CommandFailure) {
        clearProgress()
        if let error = Descriptor.writeAll(output, bytes) {
            throw CommandFailure("cannot write the output: \(error.reason)", code: .failed)
        }
    }

    /// Prints a message for people to standard error. If even that fails there is nobody to tell.
    public func message(_ line: String) {
        clearProgress()
        _ = Descriptor.writeAll(errors, Array((line + "\n").utf8))
    }

    /// Shows `line` in place of the progress line before; nothing if standard error is no terminal.
    public func progress(_ line: String) {
        guard showsProgress else { return }
        progressShown.withLock { shown in
            shown = true
            _ = Descriptor.writeAll(errors, Array("\r\u{1B}[K\(line)".utf8))
        }
    }

    /// Removes the progress line.
    public func clearProgress() {
        progressShown.withLock { shown in
            guard shown else { return }
            shown = false
            _ = Descriptor.writeAll(errors, Array("\r\u{1B}[K".utf8))
        }
    }
}
