public import WireFormat

/// Why a pinger could not tell what became of its probes.
public enum GapReason: String, CaseIterable, Hashable, Sendable {
    /// It was not running, or stood still.
    case off
    /// It reached nobody.
    case cutOff = "cut-off"
    /// Its clock was wrong, or is.
    case clock
}

/// A time in which a pinger could not tell what became of its probes.
public struct Gap: Hashable, Sendable {
    /// `from <= to`.
    public let from: Timestamp
    public let to: Timestamp
    public let reason: GapReason

    /// In either order: a clock that went back makes a gap from the later time to the earlier one.
    public init(from: Timestamp, to: Timestamp, reason: GapReason) {
        self.from = min(from, to)
        self.to = max(from, to)
        self.reason = reason
    }

    /// Whether a probe was under way in the gap.
    /// - Parameters:
    ///   - sent: when its entry took it.
    ///   - decided: when it arrived, or was given up.
    public func overlaps(sent: Timestamp, decided: Timestamp) -> Bool { sent <= to && decided >= from }
}
