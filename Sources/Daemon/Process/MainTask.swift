// A program's main part among the services of its group: ready when it says so, and found by others through a file as long as
// it runs.

private import Glibc
public import ServiceLifecycle

/// The part of a daemon that the others are there for.
public struct MainTask: Service {
    /// Runs until the second argument returns; calls the first once, when it serves, with the addresses that it listens on.
    public typealias Body =
        @Sendable (
            _ ready: @escaping @Sendable ([String]) async throws -> Void, _ stop: @escaping @Sendable () async -> Void
        ) async throws -> Void

    private let running: String
    private let flag = ReadyFlag()
    private let body: Body

    /// - Parameter running: a file that is there while the part serves: the process id, then the addresses, a line each.
    public init(running: String, body: @escaping Body) {
        self.running = running
        self.body = body
    }

    /// Returns when it serves.
    public func waitUntilReady() async { await flag.wait() }

    public func run() async throws {
        defer { try? AtomicFile.remove(running) }
        try await body(
            { addresses in
                let lines = ["\(getpid())"] + addresses
                try AtomicFile.write(text: lines.joined(separator: "\n") + "\n", to: running)
                await flag.set()
            },
            { try? await gracefulShutdown() })
    }
}

/// Set once, waited for by many.
private actor ReadyFlag {
    private var isSet = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func set() {
        isSet = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    func wait() async {
        guard !isSet else { return }
        await withCheckedContinuation { waiters.append($0) }
    }
}
