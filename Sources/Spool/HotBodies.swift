// Bodies kept in memory so that a packet which leaves soon need not be read back and opened. When the room is used
// up, the one that leaves last makes way: with random delays this keeps far more useful bodies than the newest would.

internal import WireFormat

/// A bounded cache of bodies by packet.
struct HotBodies: Sendable {
    private struct Entry {
        var body: [UInt8]
        var release: Int64
    }
    /// A body's place in the order of leaving. Entries of bodies that are gone stay until they come to the top or
    /// until there are more of them than bodies.
    private struct Order {
        var release: Int64
        var id: Int64
    }

    private var entries: [Int64: Entry] = [:]
    private var heap: [Order] = []
    private(set) var bytes = 0
    let capacity: Int

    /// Keeps at most `capacity` bytes.
    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    /// The body of `id`, if it is kept.
    func body(of id: Int64) -> [UInt8]? { entries[id]?.body }

    /// Keeps `body`, unless all that are kept leave sooner and there is no room.
    mutating func insert(_ body: [UInt8], id: Int64, release: Timestamp) {
        guard body.count <= capacity, entries[id] == nil else { return }
        while bytes + body.count > capacity {
            guard let last = heap.first else { return }
            if let entry = entries[last.id], entry.release == last.release {
                guard last.release > release.milliseconds else { return }
                remove(last.id)  // its place in the order is popped in the next round
            } else {
                popLast()
            }
        }
        entries[id] = Entry(body: body, release: release.milliseconds)
        bytes += body.count
        push(Order(release: release.milliseconds, id: id))
    }

    /// Forgets the body of `id`.
    mutating func remove(_ id: Int64) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        bytes -= entry.body.count
        if heap.count > 64, heap.count > 2 * entries.count {
            heap = entries.map { Order(release: $0.value.release, id: $0.key) }.sorted { $0.release > $1.release }
        }
    }

    // A binary heap with the latest release at the top; an array in descending order is one.

    private mutating func push(_ order: Order) {
        heap.append(order)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[parent].release < heap[child].release else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func popLast() {
        guard let end = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = end
        var parent = 0
        while true {
            var largest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].release > heap[largest].release {
                largest = child
            }
            guard largest != parent else { return }
            heap.swapAt(parent, largest)
            parent = largest
        }
    }
}
