// The packets that wait to be mixed, as row numbers of the spool. Pure: the shell asks `due` at `nextWake` and hands what
// comes out to the queues of its destinations. It relies on the spool's quota for its bound: one entry per stored packet.
//
// An entry takes 24 bytes and lives in one heap, so 100 000 packets are 2.4 MB. Which key orders the heap depends on what
// can happen next: the sender's time while a poisson pool flows, the cap in every other case.

internal import HeapModule
public import WireFormat

/// A pool of waiting packets under one strategy. No packet stays longer than the strategy's cap.
public struct MixPool: Sendable {
    /// The rule in force.
    public let strategy: MixStrategy
    /// Whether only packets at their cap are let go, because the node believes to be under attack.
    public private(set) var isHolding = false

    private var byRelease = Heap<ReleaseOrder>()
    private var byLimit = Heap<LimitOrder>()
    /// When the next batch of a timed pool leaves.
    private var nextBatch: Timestamp
    /// When the packet came that made a threshold pool full.
    private var fullSince: Timestamp?

    /// An empty pool.
    public init(strategy: MixStrategy, now: Timestamp) {
        self.strategy = strategy
        nextBatch = now
        nextBatch = batchTime(after: now)
    }

    /// Packets in the pool.
    public var count: Int { byRelease.count + byLimit.count }
    public var isEmpty: Bool { count == 0 }

    /// Takes a packet in.
    /// - Parameters:
    ///   - id: the packet's row in the spool; the caller does not insert a row twice.
    ///   - release: arrival plus the delay that the packet names. Only `poisson` heeds it, and never beyond the cap.
    ///   - now: the time of arrival; for a packet read back from the spool, the stored one.
    public mutating func insert(id: Int64, release: Timestamp, now: Timestamp) {
        let limit = now + strategy.cap
        let entry = Entry(id: id, release: min(max(release, now), limit), limit: limit)
        if isOrderedByRelease {
            byRelease.insert(ReleaseOrder(entry: entry))
        } else {
            byLimit.insert(LimitOrder(entry: entry))
        }
        if case .threshold(let size, _) = strategy, byLimit.count >= size, fullSince == nil { fullSince = now }
    }

    /// When to ask `due` next; nil while the pool is empty. May lie in the past.
    public var nextWake: Timestamp? {
        guard !isEmpty else { return nil }
        switch strategy {
        case .poisson: return isHolding ? byLimit.min?.entry.limit : byRelease.min?.entry.release
        case .timedDynamicPool: return byLimit.min.map { min($0.entry.limit, nextBatch) }
        case .threshold: return isHolding ? byLimit.min?.entry.limit : fullSince ?? byLimit.min?.entry.limit
        }
    }

    /// Takes out what leaves now, in random order.
    public mutating func due(now: Timestamp, using generator: inout some RandomNumberGenerator) -> [Int64] {
        var leaving: [Int64] = []
        switch strategy {
        case .poisson:
            while let next = byRelease.min, next.entry.release <= now {
                leaving.append(byRelease.removeMin().entry.id)
            }
            takeLimited(until: now, into: &leaving)
        case .timedDynamicPool(let interval, let minimum, let percent, _):
            // A clock that was set back must not put off the batch by more than an interval.
            if nextBatch - now > interval { nextBatch = batchTime(after: now) }
            if now >= nextBatch {
                let total = count
                nextBatch = batchTime(after: now)
                // What would pass its cap before the next batch goes with this one: alone it would show its own age.
                takeLimited(until: nextBatch, into: &leaving)
                let batch = min(max(0, total - minimum), total * percent / 100)
                if !isHolding { takeRandom(batch - leaving.count, into: &leaving, using: &generator) }
            } else {
                takeLimited(until: now, into: &leaving)
            }
        case .threshold:
            let isDue = fullSince != nil || byLimit.min.map { $0.entry.limit <= now } == true
            if isDue && !isHolding {
                leaving.append(contentsOf: byLimit.unordered.lazy.map(\.entry.id))
                byLimit = Heap()
                fullSince = nil
            } else {
                takeLimited(until: now, into: &leaving)
            }
        }
        leaving.shuffle(using: &generator)
        return leaving
    }

    /// Lets only packets at their cap go, until `resume`.
    public mutating func hold() {
        guard !isHolding else { return }
        isHolding = true
        guard case .poisson = strategy else { return }
        byLimit = Heap(byRelease.unordered.lazy.map { LimitOrder(entry: $0.entry) })
        byRelease = Heap()
    }

    /// Lets packets go as the strategy says again; what became due meanwhile leaves with the next `due`.
    public mutating func resume() {
        guard isHolding else { return }
        isHolding = false
        switch strategy {
        case .poisson:
            byRelease = Heap(byLimit.unordered.lazy.map { ReleaseOrder(entry: $0.entry) })
            byLimit = Heap()
        case .timedDynamicPool: break
        case .threshold(let size, _):
            if byLimit.count < size { fullSince = nil }
        }
    }

    private var isOrderedByRelease: Bool {
        if case .poisson = strategy { !isHolding } else { false }
    }

    /// Batches leave at multiples of the interval, so that they say nothing about when the node was started.
    private func batchTime(after now: Timestamp) -> Timestamp {
        guard case .timedDynamicPool(let interval, _, _, _) = strategy, interval > .zero else { return now }
        let length = interval.milliseconds
        let past = now.milliseconds % length
        return now + .milliseconds(length - (past < 0 ? past + length : past))
    }

    private mutating func takeLimited(until time: Timestamp, into leaving: inout [Int64]) {
        while let next = byLimit.min, next.entry.limit <= time {
            leaving.append(byLimit.removeMin().entry.id)
        }
    }

    private mutating func takeRandom(
        _ wanted: Int, into leaving: inout [Int64], using generator: inout some RandomNumberGenerator
    ) {
        guard wanted > 0 else { return }
        var rest = byLimit.unordered
        for _ in 0..<min(wanted, rest.count) {
            rest.swapAt(Int.random(in: 0..<rest.count, using: &generator), rest.count - 1)
            leaving.append(rest.removeLast().entry.id)
        }
        byLimit = Heap(rest)
    }
}

private struct Entry: Sendable {
    var id: Int64
    /// When the sender wants it to leave; never after `limit`.
    var release: Timestamp
    /// Arrival plus cap.
    var limit: Timestamp
}

private struct ReleaseOrder: Comparable, Sendable {
    var entry: Entry
    static func < (left: Self, right: Self) -> Bool { left.entry.release < right.entry.release }
    static func == (left: Self, right: Self) -> Bool { left.entry.release == right.entry.release }
}

private struct LimitOrder: Comparable, Sendable {
    var entry: Entry
    static func < (left: Self, right: Self) -> Bool { left.entry.limit < right.entry.limit }
    static func == (left: Self, right: Self) -> Bool { left.entry.limit == right.entry.limit }
}
