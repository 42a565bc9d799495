// One queue and at most one connection for each destination. Pure: the shell tells what happened and does what it is told.
// It serves node, client, exit and nymserver alike.
//
// What it promises: a packet is with the peer at most once at a time and is never forgotten; a failure postpones the whole
// destination and a success releases all of it, in random order, so that nobody learns which packet was tried when; a dead
// or slow destination delays no other; nothing is sent after its deadline. It does not bound how much waits: the quota of
// the spool does. It keeps 16 bytes per waiting packet, and forgets a destination for which nothing waits.
//
// The shell answers every `connect` with one of `connected` and `connectionFailed`, and reports the end of every
// connection once with `connectionClosed`, also when it was told to close it. Events that do not fit are ignored.

internal import DequeModule
internal import HeapModule
public import WireFormat

/// The per-destination queue machine.
public struct DestinationQueues: Sendable {
    public let settings: QueueSettings
    /// Set by `shutdown`: nothing new is sent.
    public internal(set) var isShuttingDown = false
    /// Packets waiting to be sent, not counting those in flight.
    public internal(set) var queuedCount = 0
    /// Packets sent and not answered.
    public internal(set) var inFlightCount = 0

    var slots: [Destination] = []
    var slotOf: [NodeID: Int] = [:]
    var freeSlots: [Int] = []
    var timers = Heap<QueueTimer>()
    /// Destinations that want a connection: in good standing, and those whose last attempt failed.
    var readyLane: Deque<Int> = []
    var suspectLane: Deque<Int> = []
    var servedReadyLast = false
    var idleConnections: Deque<Int> = []
    /// Destinations in phases that hold a connection; that will give it up; that wait for one; suspects being tried.
    var usedConnections = 0
    var endingConnections = 0
    var waitingDestinations = 0
    var suspectsConnecting = 0

    public init(settings: QueueSettings = QueueSettings()) { self.settings = settings }

    /// Whether, after `shutdown`, no connection is left.
    public var isStopped: Bool { isShuttingDown && usedConnections == 0 }
    /// Connections open, being opened or being closed.
    public var connectionCount: Int { usedConnections }
    /// When to call `wake`; nil if only events can change anything. May lie in the past.
    public var nextWake: Timestamp? { isStopped ? nil : timers.min?.at }

    // MARK: What happened

    /// A packet is to go to `destination`.
    public mutating func enqueue(
        id: Int64, destination: NodeID, deadline: Timestamp, now: Timestamp
    ) -> [QueueAction] {
        enqueue(CollectionOfOne(QueuedPacket(id: id, deadline: deadline)), destination: destination, now: now)
    }

    /// Packets are to go to `destination`. Those that leave the pool together are best given together, so that they are
    /// padded as one group.
    public mutating func enqueue(
        _ packets: some Sequence<QueuedPacket>, destination: NodeID, now: Timestamp
    ) -> [QueueAction] {
        var actions: [QueueAction] = []
        var expired: [Int64] = []
        let slot = slot(for: destination, now: now)
        for packet in packets {
            if packet.deadline <= now {
                expired.append(packet.id)
            } else {
                slots[slot].append(packet)
                queuedCount += 1
            }
        }
        if !expired.isEmpty { actions.append(.drop(expired, .deadline)) }
        if slots[slot].phase == .none {
            settle(slot, now: now, into: &actions)
        } else {
            pump(slot, now: now, into: &actions)
        }
        finish(slot, now: now, into: &actions)
        return actions
    }

    /// The connection to `destination` is open.
    public mutating func connected(
        _ destination: NodeID, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [QueueAction] {
        guard let slot = slotOf[destination], slots[slot].phase == .connecting else { return [] }
        var actions: [QueueAction] = []
        setPhase(slot, .open)
        slots[slot].link.openedAt = now
        slots[slot].link.lastProgress = now
        // The order in which packets came during an outage is nobody's business.
        if slots[slot].link.isRecovery { slots[slot].queue.shuffle(using: &generator) }
        pump(slot, now: now, into: &actions)
        finish(slot, now: now, into: &actions)
        return actions
    }

    /// The connection could not be made.
    public mutating func connectionFailed(
        _ destination: NodeID, reason: LinkFailure, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [QueueAction] {
        guard let slot = slotOf[destination] else { return [] }
        switch slots[slot].phase {
        case .connecting, .closing: break
        case .none, .waiting, .backingOff, .open, .draining: return []
        }
        slots[slot].link.failure = slots[slot].link.failure ?? reason
        return end(slot, now: now, using: &generator)
    }

    /// The connection has ended, whoever closed it. What was unanswered waits again.
    public mutating func connectionClosed(
        _ destination: NodeID, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [QueueAction] {
        guard let slot = slotOf[destination], slots[slot].phase.holdsConnection else { return [] }
        let link = slots[slot].link
        if slots[slot].phase != .closing, link.failure == nil {
            // A peer may close a connection on which nothing is under way. One that does so before it has taken a
            // single packet would be called again at once and for ever.
            let isUnproven = !link.isProven && !slots[slot].queue.isEmpty
            if !link.inFlight.isEmpty || isUnproven { slots[slot].link.failure = .closed }
        }
        return end(slot, now: now, using: &generator)
    }

    /// The peer has these packets durably; the shell removes them from the spool. Unknown ids are ignored.
    public mutating func acknowledged(
        _ destination: NodeID, ids: some Sequence<Int64>, now: Timestamp
    ) -> [QueueAction] {
        guard let slot = slotOf[destination] else { return [] }
        var actions: [QueueAction] = []
        for id in ids {
            guard take(id, from: slot) != nil else { continue }
            slots[slot].link.isProven = true
            slots[slot].failures = 0
            slots[slot].lastFailure = nil
            answered(slot, frames: 1, now: now)
        }
        pump(slot, now: now, into: &actions)
        finish(slot, now: now, into: &actions)
        return actions
    }

    /// As `acknowledged(_:ids:now:)`, for one packet.
    public mutating func acknowledged(_ destination: NodeID, id: Int64, now: Timestamp) -> [QueueAction] {
        acknowledged(destination, ids: CollectionOfOne(id), now: now)
    }

    /// The peer did not take a packet. If it is to be tried again, the whole destination is left alone for a while.
    public mutating func rejected(
        _ destination: NodeID, id: Int64, _ rejection: Rejection, now: Timestamp
    ) -> [QueueAction] {
        guard let slot = slotOf[destination], let packet = take(id, from: slot) else { return [] }
        var actions: [QueueAction] = []
        answered(slot, frames: 1, now: now)
        switch rejection {
        case .final(let reason):
            slots[slot].link.isProven = true
            actions.append(.drop([packet.id], reason))
        case .retry:
            slots[slot].append(packet)
            queuedCount += 1
            if slots[slot].phase == .open { setPhase(slot, .draining) }
            slots[slot].link.failure = .postponed
        }
        pump(slot, now: now, into: &actions)
        finish(slot, now: now, into: &actions)
        return actions
    }

    /// The peer answered padding frames.
    public mutating func paddingAnswered(_ destination: NodeID, count: Int, now: Timestamp) -> [QueueAction] {
        guard let slot = slotOf[destination] else { return [] }
        var actions: [QueueAction] = []
        let count = min(max(count, 0), slots[slot].link.paddingInFlight)
        slots[slot].link.paddingInFlight -= count
        answered(slot, frames: count, now: now)
        pump(slot, now: now, into: &actions)
        finish(slot, now: now, into: &actions)
        return actions
    }

    /// It is `nextWake`.
    public mutating func wake(now: Timestamp) -> [QueueAction] {
        var actions: [QueueAction] = []
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            guard slotIsUsed(timer.slot), slots[timer.slot].scheduled == timer.at else { continue }
            slots[timer.slot].scheduled = nil
            look(timer.slot, now: now, into: &actions)
            finish(timer.slot, now: now, into: &actions)
        }
        return actions
    }

    // MARK: What people and the directory ask

    /// The directory names another address or key for `destination`: past failures say nothing any more.
    public mutating func destinationChanged(_ destination: NodeID, now: Timestamp) -> [QueueAction] {
        guard let slot = slotOf[destination] else { return [] }
        slots[slot].failures = 0
        return retry(slot, now: now)
    }

    /// Try now what is postponed, for one destination or (nil) for all.
    public mutating func flush(_ destination: NodeID? = nil, now: Timestamp) -> [QueueAction] {
        let chosen = destination.map { slotOf[$0].map { [$0] } ?? [] } ?? slotOf.values.sorted()
        return chosen.flatMap { retry($0, now: now) }
    }

    /// Drops what waits, for one destination or (nil) for all. What is in flight stays until it is answered.
    public mutating func discard(
        _ destination: NodeID? = nil, reason: DropReason, now: Timestamp
    ) -> [QueueAction] {
        let chosen = destination.map { slotOf[$0].map { [$0] } ?? [] } ?? slotOf.values.sorted()
        var actions: [QueueAction] = []
        for slot in chosen where !slots[slot].queue.isEmpty {
            actions.append(.drop(slots[slot].queue.map(\.id), reason))
            queuedCount -= slots[slot].queue.count
            slots[slot].queue = []
            slots[slot].earliestDeadline = Timestamp(milliseconds: .max)
            finish(slot, now: now, into: &actions)
        }
        return actions
    }

    /// Sends nothing new, lets what is in flight be answered, closes. What waits stays in the spool.
    public mutating func shutdown(now: Timestamp) -> [QueueAction] {
        isShuttingDown = true
        var actions: [QueueAction] = []
        for slot in slotOf.values.sorted() {
            if slots[slot].phase == .connecting { close(slot, into: &actions) }
            pump(slot, now: now, into: &actions)
            finish(slot, now: now, into: &actions)
        }
        return actions
    }
}
