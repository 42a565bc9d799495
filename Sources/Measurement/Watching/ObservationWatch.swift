// Whether the pinger can see at all. What is lost while it is off, cut off, or its clock wrong, no node has lost.

public import WireFormat

/// Finds the gaps in what a pinger observes, from the two clocks and from which contacts work. Pure.
///
/// Nothing may be judged (no probe called lost) unless `state` is `.watching`: a gap is told when it ends, or when the clock
/// jumps. Store `aliveUntil` as the time to begin with after a restart: then a program that is killed in the middle of a gap
/// finds that gap again.
public struct ObservationWatch: Sendable {
    public let settings: WatchSettings

    /// The last tick, by both clocks.
    private var now: Timestamp
    private var uptime: Interval
    /// What the clock showed when monotonic time was zero, followed slowly: a clock may be slewed.
    private var origin: Timestamp
    /// When the clock jumped last: by the clock, and in monotonic time.
    private var jumped: (at: Timestamp, uptime: Interval)?
    private var lastWorked: Timestamp
    /// Contacts that failed since one worked: how many, of how many that nothing is known of, and of which nodes.
    private var failures = 0, nameless = 0
    private var failed: [NodeID] = []
    /// The nodes that were tried last, and when in monotonic time; of both lists no more than are needed.
    private var tried: [(node: NodeID, uptime: Interval)] = []
    private var isBlind = false
    /// Found at the start, told at the first call.
    private var waiting: [Gap] = []

    /// - Parameters:
    ///   - lastAlive: `aliveUntil` as the last run stored it; nil if there was none. The time since is a gap. If it lies in
    ///     the future, the clock was set back (or was wrong then).
    ///   - now: the network's clock.
    ///   - uptime: monotonic time since any moment, at the same rate.
    public init(settings: WatchSettings = .init(), lastAlive: Timestamp?, now: Timestamp, uptime: Interval) {
        self.settings = settings
        self.now = now
        self.uptime = uptime
        origin = now - uptime
        lastWorked = now
        guard let lastAlive else { return }
        let isBack = lastAlive - now > settings.clockJump
        waiting = [Gap(from: lastAlive, to: now, reason: isBack ? .clock : .off)]
        if isBack { jumped = (now, uptime) }
    }

    /// What holds now.
    public var state: WatchState {
        if let jumped { return .clockWrong(since: jumped.at) }
        return isBlind ? .blind(since: lastWorked) : .watching
    }

    /// The last time at which the pinger surely saw. It goes back when the clock does, and when a contact fails: perhaps none
    /// could have worked since the last that did.
    public var aliveUntil: Timestamp {
        let seen = failures > 0 || isBlind ? min(lastWorked, now) : now
        return jumped.map { min($0.at, seen) } ?? seen
    }

    /// Time passes. To be called at least every minute: after a longer silence than `harmlessGap` the program stood still.
    /// - Returns: gaps that ended, in order.
    public mutating func tick(now: Timestamp, uptime: Interval) -> [Gap] {
        var gaps = waiting
        waiting = []
        // Monotonic time that goes back is none; nothing has passed then.
        let passed = max(uptime - self.uptime, .zero)
        let shift = now - (origin + uptime)
        let isJump = max(shift, shift * -1) > settings.clockJump
        if isJump {
            // The wrong time before this one lasted until here.
            if let jumped { gaps.append(Gap(from: jumped.at, to: self.now + passed, reason: .clock)) }
            gaps.append(Gap(from: min(self.now, now), to: max(self.now + passed, now), reason: .clock))
            jumped = (now, uptime)
            origin = now - uptime
            // The time of the last contact, by the clock as it is now.
            lastWorked = lastWorked + shift
        } else {
            if passed > settings.harmlessGap { gaps.append(Gap(from: self.now, to: now, reason: .off)) }
            // A clock that is slewed may lose or win a thousandth.
            let most = Interval.milliseconds(passed.milliseconds / 1000)
            origin = origin + min(max(shift, most * -1), most)
        }
        self.now = now
        self.uptime = uptime
        if !isJump, let jumped, uptime - jumped.uptime >= settings.clockRest {
            gaps.append(Gap(from: jumped.at, to: now, reason: .clock))
            self.jumped = nil
        }
        lookAround(now)
        return Self.ordered(gaps)
    }

    /// A connection to a node was tried, or is still in use.
    /// - Parameter node: which; nil for some node, taken for another each time.
    /// - Returns: gaps that ended, in order.
    public mutating func contact(_ worked: Bool, with node: NodeID? = nil, at now: Timestamp) -> [Gap] {
        var gaps = waiting
        waiting = []
        if let node { noteTry(of: node) }
        guard worked else {
            failures += 1
            if let node {
                if failed.count < settings.blindTries, !failed.contains(node) { failed.append(node) }
            } else {
                nameless += 1
            }
            lookAround(now)
            return gaps
        }
        // One that worked late may end a gap that no tick had seen.
        lookAround(now)
        if isBlind { gaps.append(Gap(from: lastWorked, to: now, reason: .cutOff)) }
        isBlind = false
        (failures, nameless, failed) = (0, 0, [])
        lastWorked = now
        return Self.ordered(gaps)
    }

    private mutating func lookAround(_ now: Timestamp) {
        guard failures >= settings.blindTries, now - lastWorked >= settings.blindAfter else { return }
        // Where there are fewer nodes, all of them.
        let others = tried.count { uptime - $0.uptime <= settings.knownFor }
        let enough = nameless > 0 ? settings.blindTries : min(settings.blindTries, max(1, others))
        if failed.count + nameless >= enough { isBlind = true }
    }

    private mutating func noteTry(of node: NodeID) {
        tried.removeAll { $0.node == node }
        tried.append((node, uptime))
        if tried.count > max(1, settings.blindTries) { tried.removeFirst() }
    }

    private static func ordered(_ gaps: [Gap]) -> [Gap] { gaps.sorted { ($0.from, $0.to) < ($1.from, $1.to) } }
}
