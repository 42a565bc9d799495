// Hands mail to programs: each in a process group of its own, with the mail on standard input, everything else closed, and
// a time after which the whole group is killed. Runs on threads of its own, as a program may hang.

private import Glibc
internal import NIOPosix
public import WireFormat

/// Runs programs that take mail.
public final class ProgramDelivery: Sendable {
    /// Programs at one time.
    public static let concurrency = 4

    private let limit: Interval
    private let threads: NIOThreadPool

    /// - Parameter limit: how long a program may run, real time.
    public init(limit: Interval = .minutes(2)) {
        self.limit = limit
        threads = NIOThreadPool(numberOfThreads: Self.concurrency)
        threads.start()
        _ = Self.ignoresPipeSignal
    }

    deinit { threads.shutdownGracefully { _ in } }

    /// A program that ends without having read everything closes the pipe: that is its right, and no reason to die.
    private static let ignoresPipeSignal: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return true
    }()

    /// One attempt. Cancelling the task kills the program and defers the mail.
    /// - Parameters:
    ///   - sender: for the variable SENDER; empty for the null sender.
    ///   - recipient: for the variable RECIPIENT.
    ///   - head: of the mail, CRLF line ends.
    public func deliver(
        _ program: MailProgram, sender: String, recipient: String, head: [UInt8], body: ExitBody
    ) async -> ExitOutcome {
        let run = ProgramRun(program, environment: ["SENDER=\(sender)", "RECIPIENT=\(recipient)"], limit: limit)
        return await withTaskCancellationHandler {
            do {
                return try await threads.runIfActive { run.perform(head: head, body: body) }
            } catch {
                return .deferred(.shutdown)
            }
        } onCancel: {
            run.stop()
        }
    }
}
