import Foundation
import WireFormat

/// Events of a virtual time, in their order: a binary heap.
struct VirtualQueue<Event> {
    private var heap: [(time: Timestamp, number: Int, event: Event)] = []
    private var added = 0

    mutating func add(_ event: Event, at time: Timestamp) {
        heap.append((time, added, event))
        added += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (Timestamp, Event)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            guard least != parent else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.event)
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (heap[one].time, heap[one].number) < (heap[other].time, heap[other].number)
    }
}

/// Named, so that the other files of the simulation need not import so much for it.
enum Logarithm {
    static func of(_ value: Double) -> Double { log(value) }
}
