public import WireFormat

/// The numbers that never change while a network lives: they are in its network file, not in what authorities vote on.
public struct RootParameters: Hashable, Sendable {
    /// Length of a key period.
    public var periodLength: Interval = .days(7)
    /// How long after its period's end a packet key is accepted.
    public var acceptance: Interval = .days(14)
    /// Length of a slot.
    public var slotLength: Interval = .minutes(20)
    /// How long after its slot a consensus is fresh.
    public var freshFor: Interval = .hours(1)
    /// How long after its slot a consensus can be used.
    public var validFor: Interval = .days(3)

    public init() {}

    static let table: [(String, any WritableKeyPath<RootParameters, Int64> & Sendable, ClosedRange<Int64>)] = [
        ("acceptance", \.acceptance.milliseconds, 1...(366 * 86_400_000)),
        ("fresh-for", \.freshFor.milliseconds, 1...(366 * 86_400_000)),
        ("period-length", \.periodLength.milliseconds, 1000...(366 * 86_400_000)),
        ("slot-length", \.slotLength.milliseconds, 1000...86_400_000),
        ("valid-for", \.validFor.milliseconds, 1000...(366 * 86_400_000)),
    ]

    /// All names with their values in milliseconds, sorted by name.
    public var values: [(name: String, value: Int64)] { Self.table.map { ($0.0, self[keyPath: $0.1]) } }

    /// Sets a parameter, in milliseconds; false if the name is unknown or the value out of its range.
    public mutating func set(_ name: String, to value: Int64) -> Bool {
        guard let entry = Self.table.first(where: { $0.0 == name }), entry.2.contains(value) else { return false }
        self[keyPath: entry.1] = value
        return true
    }

    /// Whether a consensus outlives its freshness, and that its slot; and dates of slots are whole seconds, as documents
    /// write them.
    public var isConsistent: Bool {
        slotLength <= freshFor && freshFor <= validFor
            && [slotLength, freshFor, validFor].allSatisfy { $0.milliseconds.isMultiple(of: 1000) }
    }
}
