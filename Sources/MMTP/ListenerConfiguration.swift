public import WireFormat

/// The bounds of a listener. Times here are real time, unlike those of certificates and limits.
public struct ListenerConfiguration: Sendable {
    /// Limits for address blocks and on connections as a whole.
    public var limits = PeerLimits.Configuration()
    /// Packets that the receiver may hold unanswered, of all connections, 32 KiB each; above it frames are answered
    /// REJECTED busy and not copied. The default is 128 MiB.
    public var framesInFlight = 4096
    /// Frames that ask for a block and are unanswered, or answered but not yet written, of all connections, up to 64 KiB
    /// each; above it they are answered REJECTED busy and not copied. The default is 16 MiB. One address block may have an
    /// eighth of them, at least those of one connection.
    public var asksInFlight = 256
    /// From the TCP connection to the end of the TLS handshake.
    public var handshakeTimeout = Interval.seconds(10)
    /// From a frame's first byte to its last, as long as the listener is reading; also how long a peer may take no
    /// bytes while answers wait for it.
    public var frameTimeout = Interval.seconds(60)
    /// A connection without a frame for this long is closed.
    public var idleTimeout = Interval.minutes(5)
    /// The same while the listener is under load (`PeerLimits.isUnderLoad`).
    public var loadedIdleTimeout = Interval.seconds(15)
    /// TCP connections that the system may hold before they are accepted.
    public var backlog = 512
    /// Most bytes taken from a socket at a time; a busy connection holds some three times this. Larger values were
    /// measured to gain nothing.
    public var readSize = 65_536

    public init() {}
}
