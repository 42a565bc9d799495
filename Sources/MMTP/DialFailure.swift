// Why a link did not come about or ended. Callers count the kinds; only the dates are for people to read.

public import WireFormat

/// The reason for a connection that failed or ended, or for a frame that was not acknowledged.
public enum DialFailure: Error, Hashable, Sendable {
    /// There was no address to try.
    case noAddress
    /// A host name that does not resolve.
    case unresolvable
    /// Nothing listens on the port.
    case refused
    /// No way to the address, or no reply in time.
    case unreachable
    /// TLS did not come about: no TLS, no common key exchange, an end in the middle.
    case handshakeFailed
    /// TLS was not done in time.
    case handshakeTimeout
    /// The certificates are not a node's.
    case certificateInvalid
    /// The certificates are those of another node.
    case wrongIdentity
    /// The certificate is valid from `from` to `until` but the clock here says `now`.
    case certificateDates(from: Timestamp, until: Timestamp, now: Timestamp)
    /// TLS without `mmtp/1`.
    case wrongProtocol
    /// The connection ended, from either side.
    case closed
    /// The listener's answers were wrong.
    case violation(AnswerViolation)
    /// No answer in time.
    case silence
    /// The connection has carried as many packets as it may.
    case exhausted
    /// More frames were handed over than the connection may hold.
    case queueFull

    /// A short name for a counter's label.
    public var label: String {
        switch self {
        // Spelled out: a failure in a string is its description, which is for people.
        case .noAddress: "noAddress"
        case .unresolvable: "unresolvable"
        case .refused: "refused"
        case .unreachable: "unreachable"
        case .handshakeFailed: "handshakeFailed"
        case .handshakeTimeout: "handshakeTimeout"
        case .certificateInvalid: "certificateInvalid"
        case .wrongIdentity: "wrongIdentity"
        case .certificateDates: "certificateDates"
        case .wrongProtocol: "wrongProtocol"
        case .closed: "closed"
        case .violation(let violation): "violation-\(violation)"
        case .silence: "silence"
        case .exhausted: "exhausted"
        case .queueFull: "queueFull"
        }
    }

    /// How far the attempt came: of several addresses' failures the furthest says most.
    var progress: Int {
        switch self {
        case .noAddress: 0
        case .unresolvable: 1
        case .unreachable: 2
        case .refused: 3
        case .handshakeTimeout, .handshakeFailed: 4
        case .wrongProtocol, .certificateInvalid: 5
        case .wrongIdentity: 6
        case .certificateDates: 7
        case .closed, .violation, .silence, .exhausted, .queueFull: 8
        }
    }
}

extension DialFailure: CustomStringConvertible {
    /// For people.
    public var description: String {
        switch self {
        case .noAddress: "the node has no address"
        case .unresolvable: "the node's host name does not resolve; check the name server"
        case .refused: "nothing listens on the node's port; try later"
        case .unreachable: "the node's address does not reply; check the network or try later"
        case .handshakeFailed: "no TLS 1.3 with X25519MLKEM768 at the node's port"
        case .handshakeTimeout: "the node did not finish the TLS handshake in time; try later"
        case .certificateInvalid: "the node's certificates are not in the form of this network"
        case .wrongIdentity: "another node answers at this address; update the network file"
        case .certificateDates(let from, let until, let now):
            "the node's certificate is valid from \(from) until \(until) but the clock here says \(now); "
                + "set the clock, here or there"
        case .wrongProtocol: "the node's port does not speak \(LinkTLS.protocolName)"
        case .closed: "the connection has ended"
        case .violation: "the node's answers do not follow the protocol"
        case .silence: "the node does not answer; try later"
        case .exhausted: "the connection has carried all packets that it may; open another"
        case .queueFull: "too many packets at once for one connection; wait for answers"
        }
    }
}

/// What became of a frame.
public enum FrameOutcome: Hashable, Sendable {
    /// The listener has taken responsibility.
    case received
    /// The listener did not take it.
    case rejected(RejectReason)
    /// No answer came; the listener may or may not have the packet, and it may safely be sent again.
    case notAcknowledged(DialFailure)
}
