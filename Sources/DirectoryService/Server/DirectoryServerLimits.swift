// Bounds of the directory's HTTP server, each with its reason. All times are real.

public import MMTP

/// What one server gives to all of its peers, and to each.
public struct DirectoryServerLimits: Hashable, Sendable {
    /// Connections and requests for each part of the Internet, and connections in all. A request counts as one frame, and
    /// as one more for each 256 KiB that are sent. Peers on the loopback, such as a reverse proxy, are bound by the
    /// number of connections in all only: whoever sets one up limits there.
    public var peers: PeerLimits.Configuration
    /// Requests that are worked on at one time; further ones get 503.
    public var requestsAtOnce = 256
    /// Bytes of posted bodies in memory at one time; further ones get 503.
    public var postedBytes = 64 << 20
    /// From the start of a connection to the end of its first request's head.
    public var firstHead = Duration.seconds(10)
    /// From the end of an answer to the end of the next request's head.
    public var nextHead = Duration.seconds(30)
    /// For a request's body, for the work on it, and for an answer, each besides the time for their bytes.
    public var exchange = Duration.seconds(60)
    /// Bytes a second that a peer must send or take on the whole.
    public var slowestRate = 8192
    /// Between two pieces of an answer that the peer takes.
    public var silence = Duration.seconds(30)
    /// After an answer that ends the connection, so that the peer can read it.
    public var parting = Duration.seconds(2)
    /// For exchanges under way when the server stops.
    public var stopping = Duration.seconds(5)
    /// How often the times are looked at.
    public var tick = Duration.milliseconds(500)
    /// Bytes of all fields of a request's head, and of its first line.
    public var headBytes = 16 << 10
    /// Fields of a request's head.
    public var headFields = 64
    /// Bytes of compressed documents in memory.
    public var compressedBytes = 96 << 20

    /// The limits of an authority on the Internet.
    public init() {
        var peers = PeerLimits.Configuration()
        peers.connectionsPerMinute = 240
        peers.concurrentConnections = 32
        peers.framesPerSecond = 20
        peers.frameBurst = 1000
        peers.globalConnections = 2048
        self.peers = peers
    }

    /// Bytes that cost as much as a request.
    static let bytesPerFrame = 256 << 10
    /// Bytes that are handed to the network in one piece.
    static let piece = 64 << 10

    /// The most time that `bytes` bytes may take.
    func exchange(of bytes: Int) -> Duration { exchange + .seconds(bytes / max(1, slowestRate)) }
}
