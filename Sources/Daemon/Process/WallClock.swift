// The one place where a program learns what time it is. Everything else is handed a `Timestamp`.

internal import Glibc
public import NIOCore
public import WireFormat

/// The time of day, and waiting for it.
public protocol WallClock: Sendable {
    /// The time now.
    func now() -> Timestamp
    /// How long, in real time, until it is `time`; zero if that is past, and at most a day.
    func realDelay(until time: Timestamp) -> Duration
    /// Returns when it is `time`; throws if the task is cancelled.
    func sleep(until time: Timestamp) async throws
}

extension WallClock {
    /// `realDelay(until:)` in the form that event loops take.
    public func timeAmount(until time: Timestamp) -> TimeAmount { TimeAmount(realDelay(until: time)) }
    /// Returns when it is `time`, or after `limit` of real time: for loops that then look at the clock again, because it may
    /// have been set meanwhile.
    public func sleep(until time: Timestamp, atMost limit: Duration) async throws {
        try await Task.sleep(for: min(realDelay(until: time), limit))
    }
    /// Returns after `interval` on this clock.
    public func sleep(for interval: Interval) async throws { try await sleep(until: now() + interval) }
}

/// The system's clock, which a test network may let run faster: origin + (real time - origin) * scale. All processes of
/// such a network share origin and scale.
public struct ScaledClock: WallClock {
    /// When scaled time and real time were the same.
    public let origin: Timestamp
    /// How many times as fast as real time; 1 is real time.
    public let scale: Double

    /// Real time.
    public static let real = ScaledClock(origin: Timestamp(milliseconds: 0), scale: 1)

    /// A scale that is not a positive number counts as 1.
    public init(origin: Timestamp, scale: Double) {
        self.origin = origin
        self.scale = scale.isFinite && scale > 0 ? scale : 1
    }

    public func now() -> Timestamp { scaled(Self.systemTime()) }

    /// What this clock shows when real time is `real`.
    public func scaled(_ real: Timestamp) -> Timestamp {
        guard scale != 1 else { return real }
        return origin + .seconds(fraction: (real - origin).inSeconds * scale)
    }

    public func realDelay(until time: Timestamp) -> Duration {
        let left = Double((time - now()).milliseconds) / scale
        return .milliseconds(min(max(left.rounded(.up), 0), 86_400_000))
    }

    public func sleep(until time: Timestamp) async throws {
        // In steps, so that a clock which is set meanwhile is noticed.
        while now() < time { try await Task.sleep(for: min(realDelay(until: time), .seconds(60))) }
    }

    /// Throws if the system's clock cannot be right; keys, deadlines and the directory all hang on it.
    public static func checkPlausible(_ time: Timestamp = systemTime()) throws(CommandFailure) {
        guard time >= earliest, time < latest else {
            throw CommandFailure(
                """
                the clock of this machine says \(time), which cannot be; set it (timedatectl set-ntp true, or date -s) \
                and start again
                """, code: .temporary)
        }
    }

    /// No program of this project ran before this.
    private static let earliest = Timestamp(seconds: 1_767_225_600)
    /// The last key period that a packet can name is long before this.
    private static let latest = Timestamp(seconds: 33_100_000_000)

    /// The system's real time.
    public static func systemTime() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
