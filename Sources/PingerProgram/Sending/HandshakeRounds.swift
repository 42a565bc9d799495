// Tries connections to random nodes, at random times: whether a node accepts them, and how long that takes.

internal import Daemon
internal import Directory
internal import MMTP
internal import Measurement
internal import Spool
internal import WireFormat

/// The pinger's handshakes.
struct HandshakeRounds: Sendable {
    let parts: PingerParts
    let dialer: MMTPDialer

    /// Handshakes under way at a time.
    static let underwayLimit = 16

    /// Tries until the task is cancelled.
    func run() async throws {
        var times = PoissonTimes(
            perHour: parts.settings.handshakesPerHour, now: parts.clock.now(),
            generator: SystemRandomNumberGenerator())
        let turns = Turnstile(limit: Self.underwayLimit)
        try await withThrowingDiscardingTaskGroup { tasks in
            while true {
                // Every node that is listed, also one that clients would not use now.
                if times.isDue(at: parts.clock.now()), let node = parts.network()?.nodes.randomElement(), turns.enter()
                {
                    tasks.addTask {
                        defer { turns.leave() }
                        try await self.handshake(node)
                    }
                }
                try await parts.clock.sleep(
                    until: times.next ?? parts.clock.now() + .days(1), atMost: PingerParts.longestSleep)
            }
        }
    }

    private func handshake(_ node: Descriptor) async throws {
        let began = parts.clock.now()
        let patience = Duration.milliseconds(parts.settings.connectTimeout.milliseconds * 2)
        let dialer = dialer
        let result = await TimeLimited.run(patience) {
            do throws(DialFailure) {
                return Result<MMTPConnection, DialFailure>.success(
                    try await dialer.connect(to: node.id, at: node.linkAddresses))
            } catch { return .failure(error) }
        } late: {
            if case .success(let connection) = $0 { connection.close() }
        }
        try Task.checkCancellation()
        let now = parts.clock.now()
        var took: Interval?
        if case .success(let connection)? = result {
            connection.finish()
            took = max(.zero, now - began)
        }
        parts.watch.contact(took != nil, at: now)
        parts.counters.count("handshakes", kind: took == nil ? "failed" : "good")
        let interval = took
        _ = try await parts.stored { try $0.noteHandshake(node.id, at: began, took: interval) }
    }
}
