// A sealed item of which pieces come in any order, some twice, some cut in other places than before. Pure: what is
// held, and what of a new piece is new.

internal import NymProtocol
internal import WireFormat

/// What is held of an item.
struct NymAssembly: Hashable, Sendable {
    let kind: UInt8
    /// Bytes of the whole.
    let total: UInt32
    let since: Timestamp
    /// Apart from each other, ascending.
    private(set) var held: [Range<UInt32>] = []

    /// Most pieces of one.
    private static let mostRanges = 4096

    init(kind: UInt8, total: UInt32, since: Timestamp) {
        self.kind = kind
        self.total = total
        self.since = since
    }

    var isComplete: Bool { held == [0..<total] }

    /// Bytes that are held.
    var bytes: Int { held.reduce(0) { $0 + $1.count } }

    /// What is missing, ascending.
    var missing: [Range<UInt32>] {
        var missing: [Range<UInt32>] = []
        var position: UInt32 = 0
        for range in held {
            if position < range.lowerBound { missing.append(position..<range.lowerBound) }
            position = range.upperBound
        }
        if position < total { missing.append(position..<total) }
        return missing
    }

    /// Takes a piece.
    /// - Returns: the ranges of it that were not held; nil if it does not belong to this item.
    mutating func take(offset: UInt32, count: Int) -> [Range<UInt32>]? {
        guard count > 0, let length = UInt32(exactly: count), offset <= total, length <= total - offset,
            held.count < Self.mostRanges
        else { return nil }
        let piece = offset..<offset + length
        let new = missing.compactMap { gap -> Range<UInt32>? in
            let part = gap.clamped(to: piece)
            return part.isEmpty ? nil : part
        }
        held = Self.merged(held + new)
        return new
    }

    private static func merged(_ ranges: [Range<UInt32>]) -> [Range<UInt32>] {
        var result: [Range<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, last.upperBound >= range.lowerBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// version 1 u8 | kind u8 | total u32 | since u64 | count u16 | (from u32, to u32) *
    var encoded: [UInt8] {
        var writer = WireWriter(capacity: 16 + held.count * 8)
        writer.integer(1 as UInt8)
        writer.integer(kind)
        writer.integer(total)
        writer.nymTime(since)
        writer.integer(UInt16(clamping: held.count))
        for range in held {
            writer.integer(range.lowerBound)
            writer.integer(range.upperBound)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.integer(UInt8.self) == 1 else { throw .unknownValue }
        kind = try reader.integer()
        total = try reader.integer()
        since = try reader.nymTime()
        for _ in 0..<(try reader.integer(UInt16.self)) {
            let (from, to): (UInt32, UInt32) = (try reader.integer(), try reader.integer())
            guard from < to, to <= total, held.last.map({ $0.upperBound < from }) ?? true else { throw .unknownValue }
            held.append(from..<to)
        }
        try reader.end()
    }
}
