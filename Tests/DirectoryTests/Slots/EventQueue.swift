// Events in virtual time, earliest first; those of one instant in the order in which they were added.

/// A binary heap of events.
struct EventQueue<Event> {
    private var heap: [(at: Int64, order: Int, event: Event)] = []
    private var added = 0

    var isEmpty: Bool { heap.isEmpty }
    /// When the next event is.
    var next: Int64? { heap.first?.at }

    mutating func add(_ event: Event, at time: Int64) {
        added += 1
        heap.append((time, added, event))
        var child = heap.count - 1
        while child > 0, isEarlier(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> (at: Int64, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isEarlier(child, least) {
                    least = child
                }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.at, first.event)
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].order) < (heap[right].at, heap[right].order)
    }
}
