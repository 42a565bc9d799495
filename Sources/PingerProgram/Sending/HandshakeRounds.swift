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

    /// Whether a try says something of the node: the pinger saw before it and after it, as far as it knows. Those of a time
    /// that turns out to be a gap go with it.
    static func counts(before: WatchState, after: WatchState) -> Bool { before == .watching && after == .watching }

    /// One try. While the pinger cannot see it is still made, for it may be what shows that it sees again, but not counted.
    private func handshake(_ node: Descriptor) async throws {
        let began = parts.clock.now()
        let before = parts.watch.current
        let patience = Duration.milliseconds(parts.settings.connectTimeout.milliseconds * 2)
        let result = await dialer.connect(to: node, within: patience)
        try Task.checkCancellation()
        let now = parts.clock.now()
        var took: Interval?
        if case .success(let connection)? = result {
            connection.finish()
            took = max(.zero, now - began)
        }
        parts.watch.contact(took != nil, with: node.id, at: now)
        guard Self.counts(before: before, after: parts.watch.current) else {
            return parts.counters.count("handshakes", kind: "unwatched")
        }
        parts.counters.count("handshakes", kind: took == nil ? "failed" : "good")
        let interval = took
        _ = try await parts.stored { try $0.noteHandshake(node.id, at: began, took: interval) }
    }
}
