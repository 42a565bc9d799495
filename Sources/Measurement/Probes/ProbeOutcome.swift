public import WireFormat

/// What became of a probe that its entry took.
public enum ProbeOutcome: Hashable, Sendable {
    /// It was not there when its mailbox was last emptied, at this time; nil if that has not been since it was sent.
    case pending(emptied: Timestamp?)
    /// It was there at this time. It may have come earlier, by at most `slack`: since the mailbox was emptied before.
    case arrived(Timestamp, slack: Interval)
    /// Its mailbox was emptied after the deadline, and it was not there.
    case lost
    /// Nobody can say what became of it after that time: the pinger was off, cut off, its clock was wrong, or its mailbox
    /// could not be emptied. Until then it had not arrived, which is all that counts; nil if not even that is known.
    case void(emptied: Timestamp?)
}

/// A probe and what became of it.
public struct ObservedProbe: Hashable, Sendable {
    public var kind: ProbeKind
    public var path: ProbePath
    /// When the entry had acknowledged it.
    public var sent: Timestamp
    /// The sum of the delays that its hops were asked for.
    public var drawn: Interval
    public var outcome: ProbeOutcome

    public init(kind: ProbeKind, path: ProbePath, sent: Timestamp, drawn: Interval, outcome: ProbeOutcome) {
        self.kind = kind
        self.path = path
        self.sent = sent
        self.drawn = drawn
        self.outcome = outcome
    }
}
