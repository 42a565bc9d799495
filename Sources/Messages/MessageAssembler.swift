// Rebuilding a message from its parts, group by group. The caller keeps parts wherever it likes; this says which shares
// are wanted and turns those of one group into the message's bytes.

/// Gives the data of a message's groups in order, holding none of it. The work for one group takes about three times
/// its size in memory, at most 5 MB.
public struct MessageAssembler: Sendable {
    /// The cut of the message.
    public let layout: PartLayout
    /// The group whose shares are wanted next; nil when the message is complete.
    public private(set) var nextGroup: PartLayout.Group?

    /// Starts with the first group.
    public init(layout: PartLayout) {
        self.layout = layout
        nextGroup = layout.group(0)
    }

    /// Whether a set of share indices is enough for a group.
    public static func isComplete(_ indices: Set<Int>, in group: PartLayout.Group) -> Bool {
        indices.count { $0 >= 0 && $0 < group.totalShares } >= group.dataShares
    }

    /// The bytes of the message that `nextGroup` holds, from any k of its shares; then the next group is wanted. After
    /// an error the same group is wanted still.
    ///
    /// A share carries no proof of its own: packets authenticate their payloads, so that only the sender can spoil a
    /// message, and then only his own. Padding behind the message's end that is not zero is refused: `badPadding`.
    public mutating func data(from shares: [ErasureCode.Share]) throws(ErasureError) -> [UInt8] {
        guard let group = nextGroup else { throw .noSuchShare }
        guard shares.allSatisfy({ $0.bytes.count == layout.shareSize }) else { throw .unequalShares }
        var data = try ErasureCode(dataShares: group.dataShares, totalShares: group.totalShares).decode(shares)
        guard data[group.length...].allSatisfy({ $0 == 0 }) else { throw .badPadding }
        data.removeSubrange(group.length...)
        nextGroup = layout.group(group.number + 1)
        return data
    }
}
