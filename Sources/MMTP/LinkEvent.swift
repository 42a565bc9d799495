// What a listener reports, to be counted: kinds of event, never a peer, an address or a time.

/// One kind of thing that happened at a listener.
public enum LinkEvent: Hashable, Sendable {
    /// A TCP connection was admitted.
    case accepted
    /// A TCP connection was closed at once because of a limit.
    case refusedByLimit(LimitReason)
    /// TLS did not come about: no TLS, no post-quantum key exchange, an end in the middle.
    case handshakeFailed
    /// TLS was not done in time.
    case handshakeTimeout
    /// TLS was done without `mmtp/1`.
    case wrongProtocol
    /// A connection is ready for frames.
    case opened
    /// An admitted connection has ended.
    case closed
    /// A packet was handed to the receiver.
    case packet
    /// A frame that asks for a block was handed to the responder.
    case ask
    /// A padding frame was dropped.
    case padding
    /// A frame was answered with this reason, by the listener or by the receiver.
    case rejected(RejectReason)
    /// A frame was answered RECEIVED on the receiver's word.
    case received
    /// A connection ended by a malformed frame or one frame too many.
    case violation(LinkViolation)
    /// A connection was closed because a frame that had begun did not end in time.
    case frameTimeout
    /// A connection was closed because the peer did not take its answers.
    case writeTimeout
    /// A connection was closed because it was idle.
    case idleTimeout
    /// The receiver let go of a packet without answering it; its connection was closed.
    case abandoned
    /// A new certificate could not be made; the old one stays in use.
    case certificateNotRenewed

    /// A short name for a counter's label.
    public var label: String {
        switch self {
        case .refusedByLimit(let reason): "refused-\(reason.rawValue)"
        case .rejected(let reason): "rejected-\(reason)"
        case .violation(let violation): "violation-\(violation)"
        default: "\(self)"
        }
    }
}

/// Takes events as they happen, `count` of a kind at once, on an event loop: it must be quick.
public typealias LinkEventCounter = @Sendable (_ event: LinkEvent, _ count: Int) -> Void
