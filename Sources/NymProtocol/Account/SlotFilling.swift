// What goes into the packet of one slot. The packet leaves whatever there is; this only decides what is in it.

/// An item of which bytes wait.
public struct WaitingItem: Hashable, Sendable {
    public let item: UInt64
    public let kind: NymItemKind
    /// Bytes of the whole item.
    public let total: UInt32
    public var wanted: WantedRanges
    /// All of it was sent before and not acknowledged: it gets only room that would be empty.
    public let isResent: Bool

    public init(item: UInt64, kind: NymItemKind, total: UInt32, wanted: WantedRanges, isResent: Bool = false) {
        self.item = item
        self.kind = kind
        self.total = total
        self.wanted = wanted
        self.isResent = isResent
    }
}

/// Bytes of an item that a slot carries; with `NymRecord.overhead` they take their room.
public struct NymPiece: Hashable, Sendable {
    public let item: UInt64
    public let kind: NymItemKind
    public let total: UInt32
    public let range: Range<UInt32>
    public let isResent: Bool
}

/// Fills a slot.
public struct SlotFilling: Sendable {
    private var left: Int
    private var pieces: [NymPiece] = []

    /// A range is not cut to less than this, where more of it is to come.
    static let leastCut = 256

    private init(left: Int) { self.left = left }

    /// The pieces for one packet, at most `capacity` bytes with their overhead. Notices first, then synopses and small
    /// mails as they came; but if a large one waits - what would take more than half of a packet - it gets at least half,
    /// so that no flood of small ones holds it up, and it holds up no small one. What was sent before fills what is left.
    public static func fill(_ items: [WaitingItem], capacity: Int) -> [NymPiece] {
        var filling = SlotFilling(left: 0)
        let ordered = items.sorted {
            ($0.kind == .notice ? 0 : 1, $0.item, $0.kind.rawValue) < (
                $1.kind == .notice ? 0 : 1, $1.item, $1.kind.rawValue
            )
        }
        func isLarge(_ item: WaitingItem) -> Bool { item.wanted.count + NymRecord.overhead > capacity / 2 }
        let fresh = ordered.filter { !$0.isResent }
        var small = fresh.filter { !isLarge($0) }
        var large = fresh.filter(isLarge)
        let reserved = min(large.reduce(0) { $0 + $1.wanted.count + NymRecord.overhead }, capacity - capacity / 2)
        filling.left = capacity - reserved
        filling.take(&small)
        filling.left += reserved
        filling.take(&large)
        filling.take(&small)
        var resent = ordered.filter(\.isResent)
        filling.take(&resent)
        return filling.pieces
    }

    /// Takes of the items in their order as long as there is room, and leaves what has none.
    private mutating func take(_ items: inout [WaitingItem]) {
        for index in items.indices {
            for range in items[index].wanted.ranges {
                let room = left - NymRecord.overhead
                guard room >= min(range.count, Self.leastCut) else { return }
                let length = min(range.count, room)
                let taken = range.lowerBound..<range.lowerBound + UInt32(length)
                let item = items[index]
                pieces.append(
                    NymPiece(item: item.item, kind: item.kind, total: item.total, range: taken, isResent: item.isResent)
                )
                items[index].wanted.remove(taken)
                left = room - length
            }
        }
    }
}
