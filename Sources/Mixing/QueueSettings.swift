// What the machine of queues is told when it is made, and the words in which it speaks with its shell.

public import WireFormat

/// Limits and times of `DestinationQueues`. All times run on the clock that the caller passes in.
public struct QueueSettings: Hashable, Sendable {
    /// Connections at one time, over all destinations; counts those being opened and closed.
    public var maximumConnections = 64
    /// Frames sent and not yet answered, on one connection (MMTP, frames).
    public var window = 64
    /// Packets on one connection before it is replaced.
    public var packetsPerConnection = 4096
    /// With others waiting for a connection, one that has carried this many packets gives way.
    public var packetsPerTurn = 512
    /// With others waiting for a connection, one that has been open this long gives way.
    public var turnLength = Interval.seconds(30)
    /// A group of packets sent together is filled with padding to a multiple of this, to hide its size; 1 is off.
    public var burst = 4
    /// A connection without traffic is closed after this long.
    public var idleTimeout = Interval.seconds(60)
    /// An attempt to connect that the shell has not reported on by then counts as failed.
    public var connectTimeout = Interval.seconds(30)
    /// A connection with unanswered frames and no answer for this long counts as failed.
    public var answerTimeout = Interval.seconds(60)
    /// Wait after failures.
    public var backOff = BackOff()
    /// The queue of a destination is searched for packets past their deadline at most this often.
    public var sweepSpacing = Interval.seconds(10)

    public init() {}

    /// For a network whose clock runs `scale` times as fast as real time: timeouts that watch real sockets get longer on
    /// that clock, so that they stay the same in reality.
    public func scaled(by scale: Int64) -> QueueSettings {
        var settings = self
        settings.connectTimeout = connectTimeout * max(scale, 1)
        settings.answerTimeout = answerTimeout * max(scale, 1)
        return settings
    }
}

/// How long to leave a destination alone after failures: doubling, drawn at random, up to a cap.
public struct BackOff: Hashable, Sendable {
    /// Longest wait after the first failure.
    public var first = Interval.seconds(10)
    /// Longest wait after any number of failures.
    public var cap = Interval.hours(1)

    public init(first: Interval = .seconds(10), cap: Interval = .hours(1)) {
        self.first = first
        self.cap = cap
    }

    /// The wait after `failures` failures in a row: from half to all of min(cap, first * 2^(failures - 1)).
    public func wait(failures: Int, using generator: inout some RandomNumberGenerator) -> Interval {
        // 2^40 times anything over a millisecond is over every cap; the shift stays far from overflow.
        let longest = min(cap, first * (1 << Int64(min(max(failures, 1) - 1, 40))))
        guard longest > .zero else { return .zero }
        return .milliseconds(Int64.random(in: (longest.milliseconds + 1) / 2...longest.milliseconds, using: &generator))
    }
}

/// A packet that waits to be sent: 16 bytes.
public struct QueuedPacket: Hashable, Sendable {
    /// Row of the packet in the spool.
    public var id: Int64
    /// It is dropped rather than sent from this moment on.
    public var deadline: Timestamp

    public init(id: Int64, deadline: Timestamp) {
        self.id = id
        self.deadline = deadline
    }
}

/// Why a connection could not be made or did not last; a label for counters. The machine treats all alike.
public enum LinkFailure: String, CaseIterable, Hashable, Sendable {
    /// The name does not resolve, or the address is not one to connect to.
    case unresolvable
    /// No route, or the port is closed.
    case unreachable
    /// No connection, no handshake or no answer in time.
    case timeout
    /// The TLS handshake failed.
    case handshake
    /// The peer proved to be another node.
    case wrongIdentity
    /// The peer sent what the protocol does not allow.
    case violation
    /// The connection ended with frames unanswered.
    case closed
    /// The peer asked to be left alone for a while: full, busy, shutting down, too many frames.
    case postponed
}

/// A peer's refusal of one packet.
public enum Rejection: Hashable, Sendable {
    /// Try again later: full, busy, rateLimited, shuttingDown.
    case retry
    /// Never: the packet is dropped for this reason.
    case final(DropReason)
}

/// What the shell is to do. Actions are done in order.
public enum QueueAction: Hashable, Sendable {
    /// Open a connection; answer with `connected` or `connectionFailed`.
    case connect(NodeID)
    /// Send these packets on the open connection; answer each with `acknowledged` or `rejected`.
    case send(NodeID, [Int64])
    /// Send this many padding frames; answer with `paddingAnswered`.
    case pad(NodeID, Int)
    /// Close the connection, or give up opening it; answer with `connectionClosed`, or `connectionFailed` if it never
    /// was open.
    case close(NodeID)
    /// Remove these packets from the spool and count them.
    case drop([Int64], DropReason)
}
