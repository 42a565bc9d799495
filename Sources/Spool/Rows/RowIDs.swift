/// A waiting packet's number, given once in the life of a process.
public struct PacketRowID: Hashable, Comparable, Sendable {
    public var number: Int64
    public init(_ number: Int64) { self.number = number }
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// A stored item's number.
public struct ItemRowID: Hashable, Comparable, Sendable {
    public var number: Int64
    public init(_ number: Int64) { self.number = number }
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// A delivery's number.
public struct DeliveryRowID: Hashable, Comparable, Sendable {
    public var number: Int64
    public init(_ number: Int64) { self.number = number }
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}
