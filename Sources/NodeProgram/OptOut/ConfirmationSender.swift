// Gives the door's own mails to the mail server, one attempt each: who asked is told what became of it at once, and a mail
// server that cannot just now makes his mail server try again.

internal import Dispatch
internal import Exits
internal import NIOPosix
internal import Synchronization
internal import WireFormat

/// Sends mails from threads that may wait.
final class ConfirmationSender: Sendable {
    private let client: SMTPClient
    /// Of its own: the threads that wait here must not be those that read the mails for it.
    private let threads: NIOThreadPool
    /// Whether they run: from the first mail on.
    private let isStarted = Mutex(false)

    /// Longest that a mail server is waited for, in real time.
    static let patience = Duration.seconds(60)

    init(_ settings: SMTPSettings) throws {
        threads = NIOThreadPool(numberOfThreads: 1)
        client = try SMTPClient(settings: settings, threadPool: threads)
    }

    /// Waits for one attempt.
    func send(_ mail: SMTPMail) -> ExitOutcome {
        isStarted.withLock { isStarted in
            if !isStarted { threads.start() }
            isStarted = true
        }
        let attempt = Attempt()
        let task = Task.detached { [client] in
            // Cancelled, it ends as deferred.
            attempt.end(await client.deliver(mail).first ?? .deferred(.unknown))
        }
        let timer = Task.detached {
            try await Task.sleep(for: Self.patience)
            task.cancel()
        }
        defer { timer.cancel() }
        return attempt.wait()
    }

    func close() async {
        await client.close()
        if isStarted.withLock({ $0 }) { try? await threads.shutdownGracefully() }
    }
}

/// What a thread waits for.
private final class Attempt: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let outcome = Mutex(ExitOutcome.deferred(.unknown))

    func end(_ outcome: ExitOutcome) {
        self.outcome.withLock { $0 = outcome }
        done.signal()
    }

    func wait() -> ExitOutcome {
        done.wait()
        return outcome.withLock { $0 }
    }
}
