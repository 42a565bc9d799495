// Cover traffic: what a node sends so that its pool is never empty, and the stream in which a client hides what it sends.

public import WireFormat

/// A node's own cover: loops, which come back to it, and drop messages, which end at another node.
public struct CoverSchedule: Sendable {
    public var loops: PoissonSchedule
    public var drops: PoissonSchedule

    /// The default rate of loops, per minute.
    public static let standardLoopsPerMinute = 6.0

    /// - Parameters: rates in events per minute; zero sends none.
    public init(
        loopsPerMinute: Double = standardLoopsPerMinute, dropsPerMinute: Double = 0, now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) {
        loops = PoissonSchedule(perMinute: loopsPerMinute, now: now, using: &generator)
        drops = PoissonSchedule(perMinute: dropsPerMinute, now: now, using: &generator)
    }

    /// When to ask `due` next; nil if nothing is ever sent.
    public var nextWake: Timestamp? {
        guard let loop = loops.next else { return drops.next }
        return drops.next.map { min($0, loop) } ?? loop
    }

    /// How many of each to send now.
    public mutating func due(
        now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> (loops: Int, drops: Int) {
        (loops.due(now: now, using: &generator), drops.due(now: now, using: &generator))
    }
}

/// A client's one stream of packets: at each event a packet of the user's if one waits, else a loop. Whoever watches the
/// line sees the same stream either way.
public struct SendingStream: Sendable {
    /// What to send at an event.
    public enum Item: Hashable, Sendable { case waitingPacket, loop }

    public var schedule: PoissonSchedule

    public init(perMinute: Double, now: Timestamp, using generator: inout some RandomNumberGenerator) {
        schedule = PoissonSchedule(perMinute: perMinute, now: now, using: &generator)
    }

    /// When to ask `due` next.
    public var nextWake: Timestamp? { schedule.next }

    /// What to send now, given how many packets of the user's wait.
    public mutating func due(
        waiting: Int, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> [Item] {
        let events = schedule.due(now: now, using: &generator)
        return (0..<events).map { $0 < waiting ? .waitingPacket : .loop }
    }
}

/// How much cover a network's settings give when no user sends anything.
public struct CoverLoad: Hashable, Sendable {
    /// Loops that each node sends in a minute.
    public var loopsPerMinute: Double
    /// Hops of a loop's path.
    public var hops: Int
    /// Mean delay at a hop.
    public var meanDelay: Interval

    /// Fewer packets than this in a node's pool hide too little: a pool of N gives about log2(N) + 1.44 bits a hop.
    public static let leastHeld = 32.0

    public init(loopsPerMinute: Double, hops: Int, meanDelay: Interval) {
        self.loopsPerMinute = loopsPerMinute
        self.hops = hops
        self.meanDelay = meanDelay
    }

    /// Hops that hold a loop: all but the last, the node itself, where it ends.
    private var holding: Double { Double(max(hops - 1, 0)) }

    /// Mean number of packets that every node holds (Little's law; as many loops pass a node as it starts, times the hops
    /// that hold one).
    public var packetsHeld: Double { loopsPerMinute / 60 * holding * meanDelay.inSeconds }

    /// A warning for the operator if the cover is too thin; nil if it is enough.
    public func warning(least: Double = leastHeld) -> String? {
        guard !(packetsHeld >= least) else { return nil }
        let perLoop = holding * meanDelay.inSeconds / 60
        let advice =
            perLoop > 0
            ? "send at least \((least / perLoop * 10).rounded(.up) / 10) loops per minute or use a longer mean delay"
            : "set the hops above one and the mean delay above zero"
        return """
            too little cover: without users a node would hold \((packetsHeld * 10).rounded() / 10) packets on average, \
            and \(least) are needed (\(loopsPerMinute) loops per minute * \(max(hops - 1, 0)) hops that hold \
            them * \(meanDelay.shortText) mean delay); \(advice)
            """
    }
}
