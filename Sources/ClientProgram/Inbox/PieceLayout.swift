internal import Messages
internal import Spool
internal import WireFormat

/// How the pieces that a mailbox cuts a message into lie in the spool, which wants groups of at most 255 shares of one
/// length: 64 to a group, all of them needed, each with its length before it and zeros behind.
struct PieceLayout {
    /// Pieces of the message.
    let count: Int

    private static let perGroup = PartLayout.dataSharesPerGroup

    var groups: Int { (count - 1) / Self.perGroup + 1 }

    /// Where a piece lies. The message's length is known to a piece only.
    func row(_ index: Int, of name: MessageID) -> PartRow {
        let group = index / Self.perGroup
        let size = min(Self.perGroup, count - group * Self.perGroup)
        return PartRow(
            message: name, group: group, groups: groups, k: size, n: size, index: index % Self.perGroup,
            messageLength: count * MailFragment.maximumSize)
    }

    /// length u16 | piece | zeros
    static func share(_ piece: [UInt8]) -> [UInt8] {
        var writer = WireWriter(capacity: 2 + MailFragment.maximumSize)
        writer.integer(UInt16(clamping: piece.count))
        writer.append(piece)
        writer.zeros(max(0, MailFragment.maximumSize - piece.count))
        return writer.bytes
    }

    /// The piece in a share.
    static func piece(_ share: [UInt8]) throws(WireError) -> ArraySlice<UInt8> {
        var reader = WireReader(share)
        return try reader.slice(Int(try reader.integer(UInt16.self)))
    }
}
