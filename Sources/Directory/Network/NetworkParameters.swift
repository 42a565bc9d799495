public import WireFormat

/// The numbers that all members of a network must agree on. Each has a default. The network
/// file fixes the lengths that key periods hang on; on the others authorities vote.
public struct NetworkParameters: Hashable, Sendable {
    /// Length of a key period.
    public var periodLength: Interval = .days(7)
    /// How long after its period's end a packet key is accepted.
    public var acceptance: Interval = .days(14)
    /// Mean of the delay that a sender draws for each hop.
    public var meanDelay: Interval = .seconds(120)
    /// Mean of the delay of urgent packets.
    public var urgentMeanDelay: Interval = .seconds(5)
    /// Longest delay of a hop.
    public var delayCap: Interval = .minutes(30)
    /// How long a node tries to hand a packet to the next.
    public var retryDeadline: Interval = .hours(48)
    /// How long an exit tries to deliver a message, and keeps parts of one that is not complete.
    public var deliveryDeadline: Interval = .hours(48)
    /// Mean interval between a node's own loops.
    public var loopInterval: Interval = .seconds(10)
    /// Largest message, in bytes, before it is cut into parts.
    public var messageSize: Int64 = 8 << 20
    /// How many hops a path has if the user does not say.
    public var hops: Int64 = 5

    public init() {}

    /// The defaults, with what the network file fixes.
    public init(root: RootParameters) {
        periodLength = root.periodLength
        acceptance = root.acceptance
    }

    /// What authorities vote on: all but what the network file fixes.
    public var voted: [(name: String, value: Int64)] {
        values.filter { $0.name != "acceptance" && $0.name != "period-length" }
    }

    static let table: [(String, any WritableKeyPath<NetworkParameters, Int64> & Sendable, ClosedRange<Int64>)] = [
        ("acceptance", \.acceptance.milliseconds, 1...(366 * 86_400_000)),
        ("delay-cap", \.delayCap.milliseconds, 0...86_400_000),
        ("delivery-deadline", \.deliveryDeadline.milliseconds, 1...(30 * 86_400_000)),
        ("hops", \.hops, 1...5),
        ("loop-interval", \.loopInterval.milliseconds, 1...86_400_000),
        ("mean-delay", \.meanDelay.milliseconds, 0...86_400_000),
        ("message-size", \.messageSize, 1024...(8 << 20)),
        ("period-length", \.periodLength.milliseconds, 1000...(366 * 86_400_000)),
        ("retry-deadline", \.retryDeadline.milliseconds, 1...(30 * 86_400_000)),
        ("urgent-mean-delay", \.urgentMeanDelay.milliseconds, 0...86_400_000),
    ]

    /// The calendar of key periods that follows from the parameters.
    public var calendar: KeyPeriodCalendar { KeyPeriodCalendar(length: periodLength, acceptance: acceptance) }

    /// All names with their values (times in milliseconds), sorted by name.
    public var values: [(name: String, value: Int64)] { Self.table.map { ($0.0, self[keyPath: $0.1]) } }

    /// Sets a parameter; false if the name is unknown or the value out of its range.
    public mutating func set(_ name: String, to value: Int64) -> Bool {
        guard let entry = Self.table.first(where: { $0.0 == name }), entry.2.contains(value) else { return false }
        self[keyPath: entry.1] = value
        return true
    }

    /// The time budget: the longest that a packet may take must end before the keys of its path are destroyed.
    public var isWithinTimeBudget: Bool {
        delayCap * 5 + retryDeadline * 5 < acceptance
    }
}
