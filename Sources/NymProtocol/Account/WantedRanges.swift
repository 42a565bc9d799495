internal import WireFormat

/// The bytes of an item that wait to be sent: ranges in ascending order that do not touch.
///
///     (start u32 | end u32)*
public struct WantedRanges: Hashable, Sendable {
    public private(set) var ranges: [Range<UInt32>] = []

    /// Beyond so many the two nearest become one: some bytes are sent twice, and a list stays short.
    public static let most = 64

    /// Nothing.
    public init() {}

    /// All of an item of `total` bytes.
    public init(allOf total: UInt32) { if total > 0 { ranges = [0..<total] } }

    public var isEmpty: Bool { ranges.isEmpty }

    /// Bytes of all ranges.
    public var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// Adds a range.
    public mutating func insert(_ range: Range<UInt32>) {
        guard !range.isEmpty else { return }
        var merged = range
        var others: [Range<UInt32>] = []
        for other in ranges {
            if other.upperBound < merged.lowerBound || other.lowerBound > merged.upperBound {
                others.append(other)
            } else {
                merged = min(other.lowerBound, merged.lowerBound)..<max(other.upperBound, merged.upperBound)
            }
        }
        others.append(merged)
        ranges = others.sorted { $0.lowerBound < $1.lowerBound }
        shorten()
    }

    /// Takes a range away.
    public mutating func remove(_ range: Range<UInt32>) {
        guard !range.isEmpty else { return }
        ranges = ranges.flatMap { other -> [Range<UInt32>] in
            guard other.overlaps(range) else { return [other] }
            var left: [Range<UInt32>] = []
            if other.lowerBound < range.lowerBound { left.append(other.lowerBound..<range.lowerBound) }
            if range.upperBound < other.upperBound { left.append(range.upperBound..<other.upperBound) }
            return left
        }
        shorten()
    }

    private mutating func shorten() {
        while ranges.count > Self.most {
            guard
                let place = ranges.indices.dropLast().min(by: {
                    ranges[$0 + 1].lowerBound - ranges[$0].upperBound < ranges[$1 + 1].lowerBound
                        - ranges[$1].upperBound
                })
            else { return }
            ranges[place] = ranges[place].lowerBound..<ranges[place + 1].upperBound
            ranges.remove(at: place + 1)
        }
    }

    /// 8 bytes a range.
    public var encoded: [UInt8] {
        var writer = WireWriter(capacity: 8 * ranges.count)
        for range in ranges {
            writer.integer(range.lowerBound)
            writer.integer(range.upperBound)
        }
        return writer.bytes
    }

    /// Reads what `encoded` makes.
    public init(decoding bytes: [UInt8]) throws(NymError) {
        guard bytes.count <= 8 * Self.most else { throw .malformed }
        ranges = try decoding {
            var reader = WireReader(bytes)
            var ranges: [Range<UInt32>] = []
            while reader.remaining > 0 {
                let start = try reader.integer(UInt32.self)
                let end = try reader.integer(UInt32.self)
                guard start < end, ranges.last.map({ $0.upperBound < start }) ?? true else {
                    throw WireError.unknownValue
                }
                ranges.append(start..<end)
            }
            return ranges
        }
    }
}
