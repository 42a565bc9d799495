internal import Forwarding
internal import Glibc
internal import WireFormat

/// The node's clock. In a test network it may run faster than real time, for every process of the network alike.
struct ScaledTime: Sendable {
    /// How many times faster than real time.
    let scale: Double
    /// The moment at which scaled and real time agree.
    let origin: Timestamp

    init(scale: Double = 1, origin: Timestamp = Timestamp(milliseconds: 0)) {
        self.scale = scale
        self.origin = origin
    }

    /// Real time: for certificates, whose peers have clocks of their own.
    func realNow() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The network's time.
    func now() -> Timestamp {
        let real = realNow()
        guard scale != 1 else { return real }
        return origin + .seconds(fraction: (real - origin).inSeconds * scale)
    }

    /// Real seconds until `time`; not negative.
    func secondsUntil(_ time: Timestamp) -> Double { max(0, (time - now()).inSeconds / scale) }

    /// Sleeps until `time`.
    func sleep(until time: Timestamp) async throws {
        // In steps, because the clock may be set while we sleep.
        while true {
            let seconds = secondsUntil(time)
            guard seconds > 0 else { return try Task.checkCancellation() }
            try await Task.sleep(for: .milliseconds(Int64(min(seconds, 60) * 1000) + 1))
        }
    }

    var forForwarder: ForwarderClock {
        ForwarderClock(now: { now() }, secondsUntil: { secondsUntil($0) })
    }
}
