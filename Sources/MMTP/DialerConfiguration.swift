public import WireFormat

/// The bounds of a dialer. All times are real time.
public struct DialerConfiguration: Sendable {
    /// From the first name query to the TCP connection, for each address.
    public var connectTimeout = Interval.seconds(10)
    /// From the TCP connection to the end of the TLS handshake, for each address.
    public var handshakeTimeout = Interval.seconds(10)
    /// With frames unanswered, the longest time without an answer.
    public var answerTimeout = Interval.seconds(60)
    /// Packets that one connection carries before it is to be replaced; padding does not count.
    public var packetsPerConnection = 1024
    /// Frames that may wait for the window, 32 KiB each.
    public var queueLimit = 256

    /// The digest in the answer is compared for every so many frames. TLS already proves that the frame arrived whole at the
    /// right node; the digest finds nodes whose bookkeeping is wrong, and for that samples do. Each costs some 20 us.
    public var digestInterval = 1

    public init() {}
}
