// Packets between the event loops and the workers. Its bound is the listener's bound on frames in flight.

internal import Foundation
internal import MMTP

/// A blocking queue of packets. Workers take what is there in one go, so that a burst costs few wake-ups.
final class IntakeQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var packets: [InboundPacket] = []
    private var isClosed = false

    /// Hands packets over; false when closed.
    func put(_ more: [InboundPacket]) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed else { return false }
        packets.append(contentsOf: more)
        condition.signal()
        return true
    }

    /// Waits for packets and takes at most `limit`; nil when closed and empty.
    func take(atMost limit: Int) -> [InboundPacket]? {
        condition.lock()
        defer { condition.unlock() }
        while packets.isEmpty {
            if isClosed { return nil }
            condition.wait()
        }
        if packets.count <= limit {
            defer { packets.removeAll(keepingCapacity: true) }
            return packets
        }
        // Take from the end: the order among packets means nothing in a mix, and the front would shift all others.
        let taken = Array(packets.suffix(limit))
        packets.removeLast(limit)
        condition.signal()
        return taken
    }

    /// Lets workers end when the queue is empty.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }
}
