internal import Daemon
internal import Forwarding
internal import WireFormat

/// The node's clock. In a test network it runs faster than real time, for every process of the network alike.
typealias ScaledTime = ScaledClock

extension ScaledClock {
    /// Real time: for certificates, whose readers have clocks of their own.
    func realNow() -> Timestamp { Self.systemTime() }

    /// The shortest time between two looks at the disk, on this clock: a second, and a tenth of a second of real time.
    var shortestTurn: Interval { max(.seconds(1), .seconds(fraction: scale / 10)) }

    var forForwarder: ForwarderClock {
        ForwarderClock(
            now: { now() },
            secondsUntil: { time in
                let parts = realDelay(until: time).components
                return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
            })
    }
}
