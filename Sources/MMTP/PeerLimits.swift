// How much one part of the Internet may ask of a listener: token buckets for each address block, a penalty for
// malformed frames that halves with time, and a bound on the whole. Pure; the time is passed in and may jump.
// It keeps no address, only blocks, and forgets a block as soon as it no longer matters. What it cannot do: tell an
// honest sender from a hostile one in the same block.

public import WireFormat

/// Which limit refused a connection.
public enum LimitReason: String, CaseIterable, Sendable {
    /// The listener has as many connections as it may.
    case globalConnections
    /// The block has as many connections as it may.
    case blockConnections
    /// The block opens connections too fast.
    case connectionRate
}

/// The limits of one listener and what its peers have used of them.
public struct PeerLimits: Sendable {
    /// The bounds. Every one is per address block unless it says otherwise.
    public struct Configuration: Sendable, Hashable {
        /// New connections a minute, which is also the burst. With 1,024 packets to a connection this is no less than
        /// `framesPerSecond`.
        public var connectionsPerMinute = 120.0
        /// Connections at one time.
        public var concurrentConnections = 64
        /// Frames a second.
        public var framesPerSecond = 2000.0
        /// Frames that may come at once after a rest.
        public var frameBurst = 4000.0
        /// Connections at one time, of all blocks; of 30 kB each when idle and some 0.3 MB when busy.
        public var globalConnections = 4096
        /// The share of `globalConnections` above which the listener counts as under load.
        public var loadShare = 0.75
        /// Blocks remembered, of 100 bytes or so; all further ones share one entry.
        public var trackedBlocks = 16_384
        /// A penalty halves in this time. Each malformed frame adds one, and rates are divided by two to its power.
        public var penaltyHalfLife = Interval.minutes(2)
        /// A penalty does not grow past this: rates fall to 1/1024 at most.
        public var maximumPenalty = 10.0

        /// The limits of a node on the Internet.
        public init() {}

        /// For networks of many nodes on one address, such as a laboratory's loopback: only the global bound holds.
        public static var singleBlock: Configuration {
            var limits = Configuration()
            limits.connectionsPerMinute = 1e9
            limits.concurrentConnections = .max
            limits.framesPerSecond = 1e9
            limits.frameBurst = 1e9
            limits.globalConnections = 20_000
            limits.maximumPenalty = 0
            return limits
        }
    }

    private struct Block {
        var connections = 0
        var connectionTokens: Double
        var frameTokens: Double
        var penalty = 0.0
        var updated: Timestamp
    }

    private let limits: Configuration
    private var blocks: [AddressBlock: Block] = [:]
    private var total = 0
    private var lastSweep: Timestamp?

    /// Nobody connected yet.
    public init(_ limits: Configuration = Configuration()) { self.limits = limits }

    /// Connections admitted and not ended.
    public var connections: Int { total }
    /// Blocks in memory; at most `trackedBlocks` and one.
    public var rememberedBlocks: Int { blocks.count }
    /// Whether idle connections should end sooner.
    public var isUnderLoad: Bool { Double(total) >= Double(limits.globalConnections) * limits.loadShare }

    /// A seat that an admitted connection holds until `disconnect`.
    public struct Seat: Hashable, Sendable { fileprivate let block: AddressBlock }

    /// Asks for a connection from `block`.
    public mutating func connect(from block: AddressBlock, at now: Timestamp) -> Result<Seat, Refusal> {
        guard total < limits.globalConnections else { return .failure(Refusal(reason: .globalConnections)) }
        let key = place(of: block, at: now)
        var entry = current(key, at: now)
        defer { blocks[key] = entry }
        guard entry.connections < limits.concurrentConnections else {
            return .failure(Refusal(reason: .blockConnections))
        }
        guard entry.connectionTokens >= 1 else { return .failure(Refusal(reason: .connectionRate)) }
        entry.connectionTokens -= 1
        entry.connections += 1
        total += 1
        return .success(Seat(block: key))
    }

    /// A connection that is not admitted.
    public struct Refusal: Error, Hashable, Sendable {
        /// The limit in the way.
        public let reason: LimitReason
    }

    /// Gives a seat back.
    public mutating func disconnect(_ seat: Seat, at now: Timestamp) {
        guard var entry = blocks[seat.block], entry.connections > 0 else { return }
        entry.connections -= 1
        blocks[seat.block] = entry
        total -= 1
    }

    /// Whether a frame may be taken now.
    public mutating func takeFrame(_ seat: Seat, at now: Timestamp) -> Bool {
        var entry = current(seat.block, at: now)
        defer { blocks[seat.block] = entry }
        guard entry.frameTokens >= 1 else { return false }
        entry.frameTokens -= 1
        return true
    }

    /// Notes a malformed frame.
    public mutating func punish(_ seat: Seat, at now: Timestamp) {
        var entry = current(seat.block, at: now)
        entry.penalty = min(limits.maximumPenalty, entry.penalty + 1)
        // What was saved up is gone too, else a burst would hide the penalty.
        let divisor = Self.divisor(entry.penalty)
        entry.connectionTokens = min(entry.connectionTokens, max(1, limits.connectionsPerMinute / divisor))
        entry.frameTokens = min(entry.frameTokens, max(1, limits.frameBurst / divisor))
        blocks[seat.block] = entry
    }

    /// The entry of a block with time's effects worked in; a fresh one if there is none.
    private func current(_ key: AddressBlock, at now: Timestamp) -> Block {
        guard var entry = blocks[key] else {
            return Block(
                connectionTokens: limits.connectionsPerMinute, frameTokens: limits.frameBurst, updated: now)
        }
        // A clock that was set back gives nothing and takes nothing.
        let seconds = max(0, (now - entry.updated).inSeconds)
        let divisor = Self.divisor(entry.penalty)
        let connectionCap = max(1, limits.connectionsPerMinute / divisor)
        let frameCap = max(1, limits.frameBurst / divisor)
        entry.connectionTokens = min(
            connectionCap, entry.connectionTokens + seconds * limits.connectionsPerMinute / 60 / divisor)
        entry.frameTokens = min(frameCap, entry.frameTokens + seconds * limits.framesPerSecond / divisor)
        if entry.penalty > 0 {
            entry.penalty *= Self.powerOfTwo(-seconds / max(0.001, limits.penaltyHalfLife.inSeconds))
            if entry.penalty < 0.01 { entry.penalty = 0 }
        }
        entry.updated = now
        return entry
    }

    /// Where a block's entry is: its own place, or the shared one when the table is full.
    private mutating func place(of block: AddressBlock, at now: Timestamp) -> AddressBlock {
        if blocks[block] != nil || blocks.count < limits.trackedBlocks { return block }
        // At most one sweep a second, so that a flood of blocks cannot make every connection pay for one.
        if lastSweep.map({ now - $0 >= .seconds(1) || now < $0 }) ?? true {
            lastSweep = now
            sweep(at: now)
        }
        return blocks.count < limits.trackedBlocks ? block : .overflow
    }

    /// Forgets blocks that are no different from ones never seen.
    private mutating func sweep(at now: Timestamp) {
        for (key, entry) in blocks where entry.connections == 0 {
            let entry = current(key, at: now)
            if entry.penalty == 0, entry.connectionTokens >= limits.connectionsPerMinute,
                entry.frameTokens >= limits.frameBurst
            {
                blocks[key] = nil
            }
        }
    }

    private static func divisor(_ penalty: Double) -> Double { powerOfTwo(penalty) }

    /// 2 to the power of `exponent`, good to a percent, which is all a limit needs; 0 below 2^-1000.
    private static func powerOfTwo(_ exponent: Double) -> Double {
        guard exponent > -1000 else { return 0 }
        let whole = min(1000, exponent.rounded(.down))
        let rest = exponent - whole
        return Double(sign: .plus, exponent: Int(whole), significand: 1 + rest * (0.656 + rest * 0.344))
    }
}
