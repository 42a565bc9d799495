// What a forwarder is given and what it reports.

public import MMTP
public import Mixing
public import WireFormat

/// Where a node can be reached.
public typealias AddressLookup = @Sendable (NodeID) -> [LinkAddress]

/// What a forwarder reports: counts only.
public enum ForwardEvent: Sendable {
    /// The next node has these packets, which are removed from the spool.
    case forwarded(count: Int)
    /// Packets given up.
    case dropped(DropReason, count: Int)
    /// A connection attempt ended so.
    case connection(Result<Void, DialFailure>)
}

/// Time as the forwarder needs it.
public struct ForwarderClock: Sendable {
    /// The time now.
    public let now: @Sendable () -> Timestamp
    /// Real seconds until `time`.
    public let secondsUntil: @Sendable (Timestamp) -> Double

    public init(now: @escaping @Sendable () -> Timestamp, secondsUntil: @escaping @Sendable (Timestamp) -> Double) {
        self.now = now
        self.secondsUntil = secondsUntil
    }
}

extension LinkFailure {
    /// The queue's word for a dialer's failure.
    init(_ failure: DialFailure) {
        switch failure {
        case .noAddress, .unresolvable: self = .unresolvable
        case .refused, .unreachable: self = .unreachable
        case .handshakeTimeout, .silence: self = .timeout
        case .handshakeFailed, .certificateInvalid, .certificateDates, .wrongProtocol: self = .handshake
        case .wrongIdentity: self = .wrongIdentity
        case .violation: self = .violation
        case .closed, .exhausted, .queueFull: self = .closed
        }
    }
}
