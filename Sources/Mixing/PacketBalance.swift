// The books of a node: what came in must have gone out, been dropped for a reason, or still be here.

/// Counts of packets over some time, for one node or added up over several.
public struct PacketBalance: Hashable, Sendable {
    /// Held when counting began.
    public var heldBefore: Int64
    /// Accepted or looked at: every packet and padding frame that came in by a link or from this node itself.
    public var received: Int64
    /// Made here: own messages, loops, replies that were injected.
    public var created: Int64
    /// Acknowledged by the next node.
    public var forwarded: Int64
    /// Handed over at the end of their way: parts used for a message, replies put into a mailbox.
    public var delivered: Int64
    /// Dropped, by reason.
    public var dropped: [DropReason: Int64]
    /// Still in the pool, in a queue, or among the parts of an incomplete message.
    public var held: Int64

    public init(
        heldBefore: Int64 = 0, received: Int64 = 0, created: Int64 = 0, forwarded: Int64 = 0, delivered: Int64 = 0,
        dropped: [DropReason: Int64] = [:], held: Int64 = 0
    ) {
        self.heldBefore = heldBefore
        self.received = received
        self.created = created
        self.forwarded = forwarded
        self.delivered = delivered
        self.dropped = dropped
        self.held = held
    }

    /// All drops together.
    public var droppedInAll: Int64 { dropped.values.reduce(0, +) }
    /// Packets that came from nowhere (negative) or that nobody can account for (positive); zero in a sound node.
    public var missing: Int64 { heldBefore + received + created - forwarded - delivered - droppedInAll - held }

    /// Throws unless everything is accounted for.
    public func check() throws(PacketBalanceError) {
        guard missing == 0 else { throw PacketBalanceError(balance: self) }
    }

    public static func + (left: Self, right: Self) -> Self {
        Self(
            heldBefore: left.heldBefore + right.heldBefore, received: left.received + right.received,
            created: left.created + right.created, forwarded: left.forwarded + right.forwarded,
            delivered: left.delivered + right.delivered,
            dropped: left.dropped.merging(right.dropped, uniquingKeysWith: +), held: left.held + right.held)
    }
}

/// The books do not balance.
public struct PacketBalanceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The counts as they were.
    public let balance: PacketBalance

    public var description: String {
        let drops = balance.dropped.filter { $0.value != 0 }.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
        let verdict = balance.missing > 0 ? "\(balance.missing) packets are missing" : "\(-balance.missing) too many"
        return """
            packets do not balance: \(verdict) (held before \(balance.heldBefore) + received \(balance.received) + \
            created \(balance.created); forwarded \(balance.forwarded) + delivered \(balance.delivered) + dropped \
            \(balance.droppedInAll) [\(drops)] + held \(balance.held))
            """
    }
}
