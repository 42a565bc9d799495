public import WireFormat

/// How probes are judged. doc/ESTIMATION.md says why each figure is what it is.
public struct EstimationSettings: Hashable, Sendable {
    /// A probe that has not arrived this long after it was sent is lost, whatever comes later.
    public var deadline: Interval = .hours(6)
    /// A probe counts half as much as one that was sent this much later.
    public var halfLife: Interval = .days(3)
    /// Older probes count for nothing.
    public var window: Interval = .days(12)
    /// A node (in one role) with fewer probes with an outcome has no estimate.
    public var minimumSamples = 30
    /// The same for a link.
    public var minimumLinkSamples = 6
    /// How much likelihood a 95 % interval may give away: half of chi squared with one degree of freedom.
    public var intervalDrop = 1.920_729
    /// What is added to the failures for the lower limit of a reliability. It makes up for failures being whole
    /// numbers: without it a node that has lost nothing yet would look too good.
    public var continuity = 0.5

    /// A term costs as much as this many more arrivals: of explanations that fit alike the shorter one is taken.
    public var penalty = 0.25
    /// A term for a link's loss first costs this many standard deviations of what chance alone would give it, so that
    /// loss that several links of a node share goes to the node.
    public var linkPenalty = 3.0
    /// The same for a term for what an entry or a mailbox loses more than is the rule.
    public var endPenalty = 0.5

    /// An arrival of which is known only within more than this when it came says nothing of latency.
    public var usefulSlack: Interval = .minutes(30)
    /// A node's own distribution of travel times counts against that of all as this many arrivals do.
    public var travelShrinkage = 20.0
    /// A pending probe counts as one with an outcome if this part of those that arrive would have arrived by its age.
    public var decidedFrom = 0.9

    /// The chance that a sound network gets a broken link or a change marked, over all its links and nodes.
    public var falseAlarm = 0.01
    /// A link is broken if its reliability is certainly below this.
    public var brokenBelow = 0.5
    /// A node whose behaviour has changed is judged from the change on. Changes are looked for at these ages.
    public var changeAges: [Interval] = [
        .minutes(30), .hours(1), .hours(2), .hours(3), .hours(6), .hours(12), .days(1), .days(2), .days(4),
    ]

    public init() {}
}
