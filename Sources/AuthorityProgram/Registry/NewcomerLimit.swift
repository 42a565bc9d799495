internal import MMTP
internal import WireFormat

/// How many nodes that were never seen before may come: from everywhere, and from one part of the Internet. Pure.
struct NewcomerLimit: Sendable {
    private static let maximumBlocks = 4096

    private let perBlock: Int
    private var all: TokenBucket
    private var blocks: [AddressBlock: TokenBucket] = [:]

    init(_ limits: RegistryLimits, now: Timestamp) {
        all = TokenBucket(perHour: limits.newNodesPerHour, now: now)
        perBlock = limits.newNodesPerBlock
    }

    /// How long a node at `places` has to wait; zero if it need not.
    /// - Parameter countsBlocks: false in a test network.
    mutating func wait(for places: NodePlaces, countsBlocks: Bool, at now: Timestamp) -> Interval {
        var longest = all.wait(at: now)
        for block in places.blocks where countsBlocks {
            if let wait = blocks[block]?.wait(at: now) { longest = max(longest, wait) }
        }
        return longest
    }

    /// Counts a node that was taken up.
    mutating func take(_ places: NodePlaces, countsBlocks: Bool, at now: Timestamp) {
        _ = all.take(at: now)
        guard countsBlocks else { return }
        // What is full again says nothing; how fast others come is bounded by all together.
        if blocks.count >= Self.maximumBlocks {
            blocks = blocks.filter { _, bucket in
                var bucket = bucket
                return !bucket.isFull(at: now)
            }
        }
        for block in places.blocks {
            _ = blocks[block, default: TokenBucket(perHour: perBlock, now: now)].take(at: now)
        }
    }
}
