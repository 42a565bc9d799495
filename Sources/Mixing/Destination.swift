// One destination of `DestinationQueues`: what waits for it and how its connection stands.

internal import DequeModule
internal import WireFormat

/// How the one connection of a destination stands.
enum LinkPhase: Hashable {
    /// None, and none wanted.
    case none
    /// None; listed for one.
    case waiting
    /// None; left alone until then, after a failure.
    case backingOff(until: Timestamp)
    /// The shell is opening it.
    case connecting
    /// Open.
    case open
    /// Open, but nothing more is sent: it is closed when all frames are answered.
    case draining
    /// The shell was told to close it.
    case closing

    /// Whether it counts against the most connections.
    var holdsConnection: Bool {
        switch self {
        case .connecting, .open, .draining, .closing: true
        case .none, .waiting, .backingOff: false
        }
    }
    /// Whether it will make room soon.
    var isEnding: Bool { self == .draining || self == .closing }
}

/// State of one connection, from `connect` until it is closed.
struct LinkState {
    /// When it was asked for, opened, or last heard of.
    var lastProgress: Timestamp
    var openedAt: Timestamp
    /// Whether the destination had failed before: then its window starts at 1.
    var isRecovery: Bool
    /// Frames that may be unanswered now.
    var window: Int
    /// Answers left until the window doubles.
    var answersUntilGrowth: Int
    /// Packets sent on it.
    var sent = 0
    /// Frames sent since the last group was filled, modulo the burst.
    var groupFill = 0
    /// Packets sent and not answered; answers come in order, so the one looked for is at the front.
    var inFlight: Deque<QueuedPacket> = []
    var paddingInFlight = 0
    /// Whether a packet was acknowledged on it.
    var isProven = false
    /// Set when its end counts as a failure.
    var failure: LinkFailure?

    var unanswered: Int { inFlight.count + paddingInFlight }
}

struct Destination {
    let node: NodeID
    var queue: Deque<QueuedPacket> = []
    /// No queued packet has an earlier deadline; perhaps none has this one any more.
    var earliestDeadline = Timestamp(milliseconds: .max)
    var lastSweep: Timestamp
    var phase = LinkPhase.none
    var link: LinkState
    /// Failures since a packet was last acknowledged.
    var failures = 0
    var lastFailure: LinkFailure?
    /// Whether it stands in the list of idle connections; perhaps it is busy again.
    var isListedIdle = false
    /// The earliest time at which the machine will look at it.
    var scheduled: Timestamp?

    init(node: NodeID, now: Timestamp) {
        self.node = node
        lastSweep = Timestamp(milliseconds: .min)
        link = LinkState(lastProgress: now, openedAt: now, isRecovery: false, window: 1, answersUntilGrowth: 1)
    }

    mutating func append(_ packet: QueuedPacket) {
        queue.append(packet)
        earliestDeadline = min(earliestDeadline, packet.deadline)
    }

    /// Takes out what is past its deadline.
    mutating func sweep(now: Timestamp) -> [Int64] {
        lastSweep = now
        var expired: [Int64] = []
        var earliest = Timestamp(milliseconds: .max)
        queue.removeAll { packet in
            if packet.deadline <= now {
                expired.append(packet.id)
                return true
            }
            earliest = min(earliest, packet.deadline)
            return false
        }
        earliestDeadline = earliest
        return expired
    }

    /// When something has to be done about it if nothing happens.
    func nextWake(_ settings: QueueSettings) -> Timestamp? {
        var wake: Timestamp?
        func consider(_ time: Timestamp) { wake = wake.map { min($0, time) } ?? time }
        switch phase {
        case .none, .waiting, .closing: break
        case .backingOff(let until): consider(until)
        case .connecting: consider(link.lastProgress + settings.connectTimeout)
        case .open, .draining:
            consider(link.lastProgress + (link.unanswered > 0 ? settings.answerTimeout : settings.idleTimeout))
        }
        if !queue.isEmpty { consider(max(earliestDeadline, lastSweep + settings.sweepSpacing)) }
        return wake
    }
}
