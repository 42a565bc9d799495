// Slots: the steps in which authorities agree. The number of a slot is the height of the consensus that it makes.

public import WireFormat

/// A slot, counted from 1970 in units of the network's slot length.
public struct Slot: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let number: UInt64

    public init(_ number: UInt64) { self.number = number }

    /// Parses the one spelling: decimal digits without leading zeros.
    public init?(_ text: some StringProtocol) {
        guard let number = UInt64(text), String(number) == text else { return nil }
        self.number = number
    }

    /// Nil beyond the ends of the numbers.
    public func advanced(by count: Int) -> Slot? {
        let (sum, overflow) =
            count < 0
            ? number.subtractingReportingOverflow(UInt64(count.magnitude))
            : number.addingReportingOverflow(UInt64(count.magnitude))
        return overflow ? nil : Slot(sum)
    }

    public static func < (left: Slot, right: Slot) -> Bool { left.number < right.number }
    public var description: String { String(number) }
}

/// When slots begin.
public struct SlotCalendar: Hashable, Sendable {
    /// More than zero.
    public let length: Interval

    public init(length: Interval) { self.length = max(length, .milliseconds(1)) }

    /// The slot at `time`; nil before 1970.
    public func slot(at time: Timestamp) -> Slot? {
        time.milliseconds < 0 ? nil : Slot(UInt64(time.milliseconds / length.milliseconds))
    }

    /// When a slot begins; the end of time for one too far away to have a date.
    public func start(of slot: Slot) -> Timestamp {
        guard let number = Int64(exactly: slot.number) else { return Timestamp(milliseconds: .max) }
        let (product, overflow) = number.multipliedReportingOverflow(by: length.milliseconds)
        return Timestamp(milliseconds: overflow ? .max : product)
    }
}
